"""An event loop on a thread of its own, for what is played beside a test."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import TypeVar

T = TypeVar("T")


class OwnLoop:
    """Work of it is given from any other thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: list[object] = []

    def run(self, work: Coroutine[object, object, T], seconds: float = 60) -> T:
        """What it returns, when it has run."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def start(self, work: Coroutine[object, object, object]) -> None:
        """It runs until the loop ends, or itself. A loop alone keeps no task from being collected as garbage."""
        self._kept.append(asyncio.run_coroutine_threadsafe(work, self._loop))


@contextlib.contextmanager
def own_loop(name: str) -> Iterator[OwnLoop]:
    """Until the end of the block; what still runs then is cancelled."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_live, args=(loop,), name=name)
    thread.start()
    try:
        yield OwnLoop(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _live(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.run_until_complete(_end_all())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _end_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)  # connections that were broken off are told so, TLS first and then what it stands on
