"""One who follows all jobs: what it sees, how far it has been told, and how it is written to. On the loop alone.

It holds the number of the last post it was told (services.watching.board), so nothing grows for one that is slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.followed_lines import Follow, FollowedLines
from lading.fronts.rest_api.job_streams import Live
from lading.fronts.rest_api.rest import rung
from lading.services.jobs.sight import JobSight
from lading.services.watching.board import Board, View


@dataclass(slots=True)
class Viewer:
    """On whose behalf: what they see now, how to ask for that again (on a thread; raises LadingError where it may not
    look any more), how lines are followed, and which."""

    sight: JobSight
    ask: Callable[[], JobSight]
    follow: Follow
    lines: FollowedLines

    async def open(self) -> None:
        """Follow the lines that were asked for. Raises StorageFailed."""
        if self.lines.wanted:
            await run_in_threadpool(self.lines.open, self.follow)


@dataclass(slots=True, eq=False)
class Follower:
    """One who follows. `until`: no longer may it look without being asked for again. `spoken` is when its client was
    last written to. `post` is the last post that it was told, None before its snapshot. `owed` was read for it already.
    """

    viewer: Viewer
    live: Live | None
    until: float
    spoken: float
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    resting: bool = False
    view: View | None = None
    post: int | None = None
    owed: bytes = b""

    def enter(self, board: Board) -> None:
        """Look at this, from a snapshot on."""
        self.view, self.post, self.owed = board.view(self.viewer.sight), None, b""

    def leave(self) -> None:
        """Look no more; harmless twice."""
        view, self.view = self.view, None
        if view is not None:
            view.board.leave(view)

    def tell(self, now: float) -> None:
        """There is something new: write it, where that goes by itself; else its own task does."""
        if not self.resting or self.woken.is_set() or self.live is None or not self.live.free or now >= self.until:
            self.woken.set()
            return
        text = self.due()
        if text is None or self.viewer.lines.behind:
            self.owed = text or b""
            self.woken.set()
        elif text:
            self.live.write(text)
            self.spoken = now

    def due(self) -> bytes | None:
        """All that it has not been told; None where that is not known any more."""
        assert self.view is not None
        owed, self.owed = self.owed, b""
        told = self.view.snapshot() if self.post is None else self.view.since(self.post)
        if told is None:
            return None
        self.post = self.view.board.posts
        return owed + told + self.viewer.lines.read()

    async def rested(self) -> bool:
        """Whether it was woken before a silence had become too long."""
        self.resting = True
        try:
            return await rung(self)
        finally:
            self.resting = False
