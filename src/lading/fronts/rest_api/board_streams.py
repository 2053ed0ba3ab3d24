"""All jobs as one live stream, for however many look: on the loop, without a thread per follower.

stirred, or TICK_SECONDS over ─▶ one look on a thread, for all ─▶ posted on the board; at all jobs, ANYWAY_SECONDS over
   └─▶ each follower: who rests and whose connection takes more is written to there and then, the same text to all
       who see the same; the others' own tasks write what there is by then
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing, suppress
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from lading.errors import LadingError, Refused
from lading.fronts.rest_api.board_follower import Follower, Viewer
from lading.fronts.rest_api.gathered import Gathered
from lading.fronts.rest_api.job_streams import PERMIT_SECONDS, Live
from lading.services.jobs.sight import JobSight
from lading.services.watching.board import Board
from lading.services.watching.looks import JobLooks, Looked
from lading.wire.event_stream import COMMENT

TICK_SECONDS = 0.5
"""At least so long between two looks at how far jobs have come."""

GATHER_SECONDS = 0.1
"""At least so long between two looks at what has changed."""

AGAIN_SECONDS = 1.0
"""After a look that failed."""

ANYWAY_SECONDS = 15.0
"""So long after a look at all jobs there is another one, whoever said anything: a wake-up is no promise."""

STREAMS_OF_ONE = 100
"""So many may one user have open at once."""

log = logging.getLogger("lading.rest")


class StreamsTooMany(Refused):
    """One user has as many streams open as one may have."""

    code = "busy"
    hint = "Close some of them: one stream tells of all jobs."

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.limit} of your streams of jobs are open already"


class BoardNews(Protocol):
    """Where threads say that jobs stand otherwise, or have new lines."""

    @property
    def over(self) -> bool:
        """Whether nobody is to follow any more: the process stops."""

    def watch(self, told: Callable[[str | None], None]) -> Callable[[], None]:
        """`told` is called from any thread with a job, None: perhaps with any, until the answer is."""

    def subscribe(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """`wake` is called from any thread with a followed job that has something new, until the answer is."""


class BoardStreams:
    """Made on the loop that it belongs to, and closed there."""

    def __init__(
        self,
        news: BoardNews,
        looks: JobLooks,
        permit_seconds: float = PERMIT_SECONDS,
        again_seconds: float = AGAIN_SECONDS,
        anyway_seconds: float = ANYWAY_SECONDS,
    ) -> None:
        self._news, self._looks = news, looks
        self._permit_seconds, self._again_seconds = permit_seconds, again_seconds
        self._anyway_seconds, self._next_whole = anyway_seconds, 0.0
        self._loop = asyncio.get_running_loop()
        self._board = Board()
        self._followers: set[Follower] = set()
        self._stirred: set[str | None] = set()
        self._woken = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] = self._loop.create_future()
        self._next_tick = 0.0
        self._failing = False
        self._stirs = Gathered[str | None](self._stir, self.close)
        self._lines = Gathered[str](self._tell_lines, self.close)
        self._unsubscribe = (news.watch(self._stirs.say), news.subscribe(self._lines.say))

    def close(self) -> None:
        """No more news."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._looking is not None and not self._loop.is_closed():
            self._looking.cancel()

    def admit(self, sight: JobSight) -> None:
        """Raises StreamsTooMany where this user has enough of them."""
        owner = sight.owner
        if owner is not None and sum(each.viewer.sight.owner == owner for each in self._followers) >= STREAMS_OF_ONE:
            raise StreamsTooMany(STREAMS_OF_ONE)

    async def follow(self, viewer: Viewer, live: Live | None = None) -> AsyncGenerator[bytes]:
        """The snapshot, and all that comes then; a comment where nothing is said for long. What is written to `live`
        directly is not in it. Ends where the viewer may not look any more, is too far behind, or the process stops."""
        follower = Follower(viewer, live, self._loop.time() + self._permit_seconds, self._loop.time())
        self._followers.add(follower)
        try:
            await viewer.open()
            await self._shown()
            follower.enter(self._board)
            async with aclosing(self._told(follower)) as told:
                async for text in told:
                    follower.spoken = self._loop.time()
                    yield text
        except LadingError as error:
            log.info("a follower of jobs was sent away: %s", error)
        finally:
            self._followers.discard(follower)
            follower.leave()
            viewer.lines.close()
            self._woken.set()

    @property
    def followed(self) -> bool:
        """Whether anybody follows who may have to be asked for again."""
        return bool(self._followers)

    def doubt(self) -> None:
        """As JobStreams.doubt."""
        for follower in self._followers:
            follower.until = 0.0
            follower.woken.set()

    async def _told(self, follower: Follower) -> AsyncGenerator[bytes]:
        """As `follow`. Raises LadingError."""
        while not self._news.over:
            follower.woken.clear()
            if self._loop.time() >= follower.until:
                follower.until = self._loop.time() + self._permit_seconds
                await self._ask_again(follower)
            text = follower.due()
            if text is None:
                return
            if follower.viewer.lines.behind:
                text += await run_in_threadpool(follower.viewer.lines.catch_up)
            if text:
                yield text
            elif not await follower.rested():
                follower.viewer.lines.doubt()
                yield COMMENT

    async def _ask_again(self, follower: Follower) -> None:
        viewer = follower.viewer
        sight = await run_in_threadpool(viewer.ask)
        if sight != viewer.sight:
            viewer.sight = sight
            await viewer.open()
            follower.leave()
            follower.enter(self._board)

    # ── what there is to tell

    async def _shown(self) -> None:
        """Returns when the board shows how jobs stand. Raises StorageFailed."""
        if self._looking is None:
            self._board = Board()
            self._stirred.clear()
            self._first = self._loop.create_future()
            self._looking = self._loop.create_task(self._look_on(self._first))
        await asyncio.shield(self._first)

    async def _look_on(self, first: asyncio.Future[None]) -> None:
        """Look while anybody follows."""
        try:
            self._next_whole = self._loop.time() + self._anyway_seconds
            self._post(await run_in_threadpool(self._looks.active))
            first.set_result(None)
            while self._followers:
                await self._look_again()
        except LadingError as error:
            first.set_exception(error)
            first.exception()  # whoever waited for it may have gone
        finally:
            self._looking = None
            first.cancel()  # where it was not even begun

    async def _look_again(self) -> None:
        """Once more, when there is something to look at; not at once again."""
        rest = max(0.0, self._next_whole - self._loop.time())
        await self._rung(min(TICK_SECONDS, rest) if self._board.running else rest)
        stirred, self._stirred = self._stirred, set()
        if self._loop.time() >= self._next_whole:
            stirred.add(None)
        if None in stirred:
            self._next_whole = self._loop.time() + self._anyway_seconds
        try:
            self._post(await run_in_threadpool(self._looks.again, stirred, self._board.active, self._ticking()))
        except LadingError as error:
            if not self._failing:
                log.warning("jobs cannot be looked at for those who follow them, and are again: %s", error)
            self._failing = True
        except Exception:  # whatever it is, those who follow are to be told what comes
            log.exception("jobs are looked at again, though something failed")
            self._failing = True
        else:
            self._failing = False
        if self._failing:
            self._stir([*stirred, None])
        await asyncio.sleep(self._again_seconds if self._failing else GATHER_SECONDS)

    def _ticking(self) -> Mapping[str, Looked]:
        """What is to be looked at for how far it has come: nothing, before it is time."""
        now = self._loop.time()
        if now < self._next_tick:
            return {}
        self._next_tick = now + TICK_SECONDS
        return self._board.running

    async def _rung(self, seconds: float) -> None:
        """Returns when jobs were stirred, nobody follows any more, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

    def _post(self, looked: Iterable[Looked]) -> None:
        now = self._loop.time()
        if self._board.post(looked, now):
            for follower in self._followers:
                follower.tell(now)

    def _stir(self, jobs: Collection[str | None]) -> None:
        if self._news.over:
            for follower in self._followers:
                follower.woken.set()
        if self._looking is not None:
            self._stirred.update(jobs)
            self._woken.set()

    def _tell_lines(self, jobs: Collection[str]) -> None:
        now = self._loop.time()
        for follower in self._followers:
            if not follower.viewer.lines.jobs.isdisjoint(jobs):
                follower.tell(now)
