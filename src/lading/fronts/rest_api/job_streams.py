"""Jobs on the event loop: streams of server-sent events, and answers that wait for a job's end. Neither holds a thread.

Whatever thread has news of a job says so once; the loop then tells the followers of that job. Most of them rest, having
had all there was, and their connections take more: what is new is written to them there and then, one text for all that
stand at the same place. The others are woken, and each writes what it has not had. A follower that cannot be written to
waits in its own write, and costs nobody anything.

    reading ──nothing new──▶ resting ──told, and free: written to──▶ resting
       ▲                        └──told otherwise, or silent for long──┐
       └───────────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from lading.errors import LadingError
from lading.fronts.rest_api.gathered import Gathered
from lading.fronts.rest_api.rest import rung
from lading.services.running.follower import Follower
from lading.services.running.reading import Reading
from lading.wire.event_stream import COMMENT

PERMIT_SECONDS = 60.0
"""How long permission to follow a job may last after a login has expired, which nobody tells of."""


class News(Protocol):
    """Where threads say that a job has something new."""

    def subscribe(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """`wake` is called from any thread, until the answer is."""


class Live(Protocol):
    """An answer that may be written to while its own task rests."""

    @property
    def free(self) -> bool:
        """Whether it can be now."""

    def write(self, text: bytes) -> None:
        """All of it, at once."""


class JobStreams:
    """Made on the loop that it belongs to, and closed there."""

    def __init__(self, news: News, permit_seconds: float = PERMIT_SECONDS) -> None:
        self._permit_seconds = permit_seconds
        self._loop = asyncio.get_running_loop()
        self._resting: dict[str, set[_Resting]] = {}
        self._terms: set[_Term] = set()
        self._told = Gathered[str](self._wake, self.close)
        self._unsubscribe = news.subscribe(self._told.say)

    def close(self) -> None:
        """No more news."""
        self._unsubscribe()

    async def follow(
        self, follower: Follower, permit: Callable[[], object], live: Live | None = None
    ) -> AsyncIterator[bytes]:
        """The stream from where the follower stands to the job's end; a comment where nothing is said for long. What
        is written to `live` directly is not in it.

        `permit` is called once in a while, and after each `doubt`, on a thread; where it raises LadingError, the
        follower may not look any more and the stream ends. Closes the follower, whatever happens. Raises StorageFailed.
        """
        term = _Term(self._loop.time() + self._permit_seconds)
        self._terms.add(term)
        try:
            async with aclosing(self._readings(follower, live, term)) as readings:
                async for text in readings:
                    if self._loop.time() >= term.until:
                        term.until = self._loop.time() + self._permit_seconds
                        try:
                            await run_in_threadpool(permit)
                        except LadingError:
                            return
                    if text:
                        yield text
        finally:
            self._terms.discard(term)

    @property
    def followed(self) -> bool:
        """Whether anybody follows who may have to be asked for again."""
        return bool(self._terms)

    def doubt(self) -> None:
        """Somebody may have been switched off, or given other roles: each follower is asked for again now, and told
        nothing more before that. On the loop."""
        now = self._loop.time()
        for term in self._terms:
            term.until = min(term.until, now)
        for resting in self._resting.values():
            for each in resting:
                if each.term in self._terms:
                    each.woken.set()

    async def end(self, follower: Follower, permit: Callable[[], object]) -> None:
        """Returns when the job has ended. `permit` is called after each `doubt`, on a thread. Closes the follower,
        whatever happens. Raises StorageFailed, and what `permit` does."""
        term = _Term()
        self._terms.add(term)
        try:
            async with aclosing(self._readings(follower, None, term)) as readings:
                async for _ in readings:
                    if self._loop.time() >= term.until:
                        term.until = float("inf")
                        await run_in_threadpool(permit)
        finally:
            self._terms.discard(term)

    async def _readings(self, follower: Follower, live: Live | None, term: _Term) -> AsyncGenerator[bytes]:
        """What is new, as it comes; a comment after a long silence, and nothing where the follower is in doubt."""
        resting = _Resting(follower, live, term, self._loop.time())
        try:
            while True:
                reading = resting.taken() or follower.read()
                if reading.behind:
                    reading = await run_in_threadpool(follower.catch_up)
                text = reading.text
                if not (text or reading.ended or reading.behind) and not await self._rested(resting):
                    text = COMMENT
                    follower.doubt()
                if text or self._loop.time() >= term.until:
                    resting.spoken = self._loop.time() if text else resting.spoken
                    yield text
                if reading.ended:
                    return
        finally:
            follower.close()

    async def _rested(self, resting: _Resting) -> bool:
        """Whether it was woken before a silence had become too long."""
        resting.woken.clear()
        job = resting.follower.job
        others = self._resting.setdefault(job, set())
        others.add(resting)
        try:
            return await rung(resting)
        finally:
            others.discard(resting)
            if not others and self._resting.get(job) is others:
                del self._resting[job]

    def _wake(self, told: Collection[str]) -> None:
        now = self._loop.time()
        for job in told:
            for each in self._resting.get(job, ()):
                each.tell(now)


@dataclass(slots=True, eq=False)
class _Term:
    """Until when a follower may look without being asked again, on the loop's clock."""

    until: float = float("inf")


@dataclass(slots=True, eq=False)
class _Resting:
    """A follower that has had all there was. `spoken` is when its client was last written to."""

    follower: Follower
    live: Live | None
    term: _Term
    spoken: float
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    reading: Reading | None = None

    def tell(self, now: float) -> None:
        """There is something new: write it, where that goes by itself; wake up where it does not."""
        while not self.woken.is_set():
            if self.live is None or not self.live.free or now >= self.term.until:
                self.woken.set()
                return
            reading = self.follower.read()
            if reading.behind or reading.ended:
                self.reading = reading
                self.woken.set()
            elif reading.text:
                self.live.write(reading.text)
                self.spoken = now
            else:
                return

    def taken(self) -> Reading | None:
        """What was read when it was woken, once."""
        reading, self.reading = self.reading, None
        return reading
