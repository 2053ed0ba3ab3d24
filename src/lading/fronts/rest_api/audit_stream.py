"""The audit trail as a live stream: on the loop, without a thread per follower, and read once for all of them.

told ─▶ one look: how far the trail goes now, and whether it tells of users, roles or tokens
          └─▶ each follower: asked again whether it may look, where it does; then what one read gave for all
              who see the same rows from the same place on
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import ClassVar, Protocol

from starlette.concurrency import run_in_threadpool

from lading.errors import LadingError
from lading.fronts.rest_api.job_streams import PERMIT_SECONDS
from lading.services.audit.export import row_json
from lading.services.audit.records import AuditRow
from lading.services.audit.view import News, Sight
from lading.wire.event_stream import COMMENT, COMMENT_SECONDS

AGAIN_SECONDS = 1.0
"""After a look that failed, for those whom that did not send away."""

log = logging.getLogger("lading.rest")


class AuditNews(Protocol):
    """Where the trail says that it has something new."""

    @property
    def over(self) -> bool:
        """Whether nobody is to follow any more: the process stops."""

    def subscribe(self, told: Callable[[], None]) -> Callable[[], None]:
        """`told` is called from any thread, also when it is over, until the answer is."""


class Reads(Protocol):
    """The trail, for whoever was asked already. Both may block, and raise StorageFailed."""

    def news(self, after: int | None) -> News:
        """What has come since this row; None: since nobody knows when."""

    def seen(self, sight: Sight, after: int, limit: int) -> Sequence[AuditRow]:
        """The rows after this one, oldest first."""


class Doubted(Protocol):
    """Followers of something else, who are let in by the same rows. Called on the loop."""

    @property
    def followed(self) -> bool:
        """Whether there are any."""

    def doubt(self) -> None:
        """Who might look before may perhaps not any more."""


class AuditStream:
    """Made on the loop that it belongs to, and closed there."""

    READ_AT_ONCE: ClassVar = 200

    def __init__(
        self,
        news: AuditNews,
        reads: Reads,
        permit_seconds: float = PERMIT_SECONDS,
        beside: Sequence[Doubted] = (),
    ) -> None:
        """`permit_seconds`: after so long a follower is asked again whatever the trail tells; a login may expire.
        `beside` are followers of something else."""
        self._news, self._reads, self._permit_seconds = news, reads, permit_seconds
        self._beside = beside
        self._loop = asyncio.get_running_loop()
        self._followers: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._again = False
        self._end: int | None = None
        self._doubts = 0
        self._texts: dict[tuple[Sight, int], asyncio.Future[tuple[bytes, int]]] = {}
        self._unsubscribe = news.subscribe(self._told)

    def close(self) -> None:
        """No more news."""
        self._unsubscribe()

    async def follow(self, sight: Callable[[], Sight], after: int) -> AsyncIterator[bytes]:
        """What comes after that number, from now on; a comment where nothing comes for long. `sight` tells what may be
        seen, on a thread, and is asked again before anything is told that came after it may have changed. Ends where it
        raises LadingError, or the trail cannot be read: who comes again is told why, with a status; and where the
        process stops."""
        woken = asyncio.Event()
        self._followers.add(woken)
        try:
            yield COMMENT
            self._look()
            async for text in self._told_to(woken, sight, after):
                yield text
        except LadingError as error:
            log.info("a follower of the audit trail was sent away: %s", error)
        finally:
            self._followers.discard(woken)

    async def _told_to(self, woken: asyncio.Event, sight: Callable[[], Sight], after: int) -> AsyncIterator[bytes]:
        """As `follow`. Raises LadingError."""
        seen, doubts, until = None, -1, 0.0
        while not self._news.over:
            rung = await _rung(woken)
            woken.clear()
            if seen is None or doubts != self._doubts or self._loop.time() >= until:
                doubts, until = self._doubts, self._loop.time() + self._permit_seconds
                seen = await run_in_threadpool(sight)
            while doubts == self._doubts and after < (self._end or 0):
                text, after = await self._text(seen, after)
                if text:
                    yield text
            if not rung:
                yield COMMENT

    async def _text(self, sight: Sight, after: int) -> tuple[bytes, int]:
        """Events, and how far they go: whoever asks for the same meanwhile gets the same."""
        text = self._texts.get((sight, after))
        if text is None:
            text = asyncio.ensure_future(run_in_threadpool(self._read, sight, after, self._end or 0))
            text.add_done_callback(_retrieved)
            self._texts[sight, after] = text
        return await asyncio.shield(text)

    def _read(self, sight: Sight, after: int, end: int) -> tuple[bytes, int]:
        rows = self._reads.seen(sight, after, self.READ_AT_ONCE)
        told = [row for row in rows if row.id <= end]
        whole = len(told) < self.READ_AT_ONCE
        return b"".join(map(_event, told)), end if whole else told[-1].id

    def _told(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        """Find out what is new, once for all followers; where that is being done, once more."""
        self._again = True
        if self._news.over:
            self._wake()
        elif not self._followers and not any(each.followed for each in self._beside):
            self._end = None  # nobody looks meanwhile
        elif self._looking is None:
            self._looking = self._loop.create_task(self._looked())

    async def _looked(self) -> None:
        try:
            while self._again:
                self._again = False
                await self._learn()
        finally:
            self._looking = None

    async def _learn(self) -> None:
        try:
            news = await run_in_threadpool(self._reads.news, self._end)
        except LadingError:  # each follower finds out for itself, and is told why
            self._end, self._doubts = None, self._doubts + 1
            self._loop.call_later(AGAIN_SECONDS, self._look)
        else:
            self._end, self._doubts = news.end, self._doubts + news.doubtful
            if news.doubtful:
                for each in self._beside:
                    each.doubt()
        self._texts.clear()
        self._wake()

    def _wake(self) -> None:
        for each in self._followers:
            each.set()


def _event(row: AuditRow) -> bytes:
    data = json.dumps(row_json(row), separators=(",", ":"))
    return f"event: audit\nid: {row.id}\ndata: {data}\n\n".encode()


def _retrieved(text: asyncio.Future[tuple[bytes, int]]) -> None:
    """Whoever waited for it may have gone: its error is nobody's then."""
    if not text.cancelled():
        text.exception()


async def _rung(event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(COMMENT_SECONDS):
            await event.wait()
    except TimeoutError:
        return False
    return True
