"""Jobs on the event loop: streams of server-sent events, and answers that wait for a job's end. Neither holds a thread.

Whatever thread has news of a job says so once; the loop then wakes the followers of that job, and each writes what it
has not had. A follower that cannot be written to waits in its own write, and costs nobody anything.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Protocol

from lading.errors import LadingError
from lading.services.job_feed import Follower, Reading
from lading.wire.event_stream import COMMENT, COMMENT_SECONDS

PERMIT_SECONDS = 60.0
"""How long after it was taken away permission to follow a job may last."""


class News(Protocol):
    """Where threads say that a job has something new."""

    def subscribe(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """`wake` is called from any thread, until the answer is."""


class JobStreams:
    """Made on the loop that it belongs to, and closed there."""

    def __init__(self, news: News, permit_seconds: float = PERMIT_SECONDS) -> None:
        self._permit_seconds = permit_seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._unsubscribe = news.subscribe(self._tell)

    def close(self) -> None:
        """No more news."""
        self._unsubscribe()

    async def follow(self, follower: Follower, permit: Callable[[], object]) -> AsyncIterator[bytes]:
        """The stream from where the follower stands to the job's end; a comment where nothing is said for long.

        `permit` is called once in a while, on a thread; where it raises LadingError, the follower may not look any more
        and the stream ends. Closes the follower, whatever happens. Raises StorageFailed.
        """
        permitted = self._loop.time()
        async with aclosing(self._readings(follower)) as readings:
            async for reading in readings:
                if self._loop.time() - permitted >= self._permit_seconds:
                    try:
                        await asyncio.to_thread(permit)
                    except LadingError:
                        return
                    permitted = self._loop.time()
                yield reading.text or COMMENT

    async def end(self, follower: Follower) -> None:
        """Returns when the job has ended. Closes the follower, whatever happens. Raises StorageFailed."""
        async for _ in self._readings(follower):
            pass

    async def _readings(self, follower: Follower) -> AsyncGenerator[Reading]:
        """What is new, as it comes; an empty reading after a long silence."""
        try:
            with self._woken(follower.job) as woken:
                ended = False
                while not ended:
                    woken.clear()
                    reading = follower.read()
                    if reading.behind:
                        reading = await asyncio.to_thread(follower.catch_up)
                    ended = reading.ended
                    if reading.text or (not ended and not reading.behind and not await _rung(woken)):
                        yield reading
        finally:
            follower.close()

    @contextmanager
    def _woken(self, job: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        followers = self._waiting.setdefault(job, set())
        followers.add(event)
        try:
            yield event
        finally:
            followers.discard(event)
            if not followers and self._waiting.get(job) is followers:
                del self._waiting[job]

    def _tell(self, job: str) -> None:
        """From any thread. Many tellings before the loop comes round are one."""
        with self._lock:
            first = not self._told
            self._told.add(job)
        if first:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop is closed: nobody follows any more
                self._unsubscribe()

    def _wake(self) -> None:
        with self._lock:
            told, self._told = self._told, set()
        for job in told:
            for event in self._waiting.get(job, ()):
                event.set()


async def _rung(event: asyncio.Event) -> bool:
    """Whether it rings before a silence has become too long."""
    try:
        async with asyncio.timeout(COMMENT_SECONDS):
            await event.wait()
    except TimeoutError:
        return False
    return True
