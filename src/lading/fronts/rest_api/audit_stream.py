"""The audit trail as a live stream: on the loop, without a thread per follower."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import ClassVar, Protocol

from starlette.concurrency import run_in_threadpool

from lading.errors import LadingError
from lading.fronts.rest_api.answers import Json
from lading.wire.event_stream import COMMENT, COMMENT_SECONDS

log = logging.getLogger("lading.rest")

Read = Callable[[int], Sequence[tuple[int, Json]]]
"""Gives the records after a number, with their numbers, oldest first; it may block. Raises LadingError where the
follower may not read any more, or the records cannot be read now."""


class AuditNews(Protocol):
    """Where the trail says that it has something new."""

    @property
    def over(self) -> bool:
        """Whether nobody is to follow any more: the process stops."""

    def subscribe(self, told: Callable[[], None]) -> Callable[[], None]:
        """`told` is called from any thread, also when it is over, until the answer is."""


class AuditStream:
    """Made on the loop that it belongs to, and closed there."""

    READ_AT_ONCE: ClassVar = 200

    def __init__(self, news: AuditNews) -> None:
        self._news = news
        self._loop = asyncio.get_running_loop()
        self._followers: set[asyncio.Event] = set()
        self._unsubscribe = news.subscribe(self._told)

    def close(self) -> None:
        """No more news."""
        self._unsubscribe()

    async def follow(self, read: Read, after: int) -> AsyncIterator[bytes]:
        """What `read` gives after that number, from now on; a comment where nothing comes for long. Ends where `read`
        fails, who comes again is told why, with a status; and where the process stops."""
        woken = asyncio.Event()
        self._followers.add(woken)
        try:
            yield COMMENT
            while not self._news.over:
                woken.clear()
                try:
                    rows = await run_in_threadpool(read, after)
                except LadingError as error:
                    log.info("a follower of the audit trail was sent away: %s", error)
                    return
                if rows:
                    after = rows[-1][0]
                    yield b"".join(_event(number, row) for number, row in rows)
                elif not await _rung(woken):
                    yield COMMENT
        finally:
            self._followers.discard(woken)

    def _told(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for each in self._followers:
            each.set()


def _event(number: int, row: Json) -> bytes:
    return f"event: audit\nid: {number}\ndata: {json.dumps(row, separators=(',', ':'))}\n\n".encode()


async def _rung(event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(COMMENT_SECONDS):
            await event.wait()
    except TimeoutError:
        return False
    return True
