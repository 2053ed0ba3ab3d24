"""The board: every job that waits or runs, as all who watch are told of it. Bookkeeping alone, for one thread.

    looked at ──post──▶ posts, numbered ──since a number──▶ text for all who see the same

Who watches keeps nothing but the number of the last post it was told. So a slow one costs nothing: it is told the
newest of each job, never an older one, and no change of state is lost to it. A job that has ended stays for
KEPT_SECONDS; who has not been told of its end by then is told that it is too far behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from lading.services.jobs.job import JobState
from lading.services.jobs.sight import JobSight
from lading.services.watching.looks import Looked
from lading.wire.job_board_stream import snapshot_event

KEPT_SECONDS = 30.0
"""How long an end is told."""

SNAPSHOT_JOBS = 500
"""So many are in a snapshot, those that run first."""


@dataclass(slots=True)
class Posted:
    """A job on the board: `told` is the post that told how it stands, `ticked` the one that told how far it came."""

    looked: Looked
    told: int
    ticked: int


class Board:
    """`views` are shared by all with the same sight."""

    def __init__(self) -> None:
        self.posts = 0
        self.posted: dict[str, Posted] = {}
        self.changed: frozenset[str] = frozenset()
        self.floor = 0
        self._ended: deque[tuple[float, str]] = deque()
        self._views: dict[JobSight, View] = {}

    def post(self, looked: Iterable[Looked], now: float) -> bool:
        """What was found. Whether any of it is new. `now` is any clock in seconds that never goes back."""
        number, changed = self.posts + 1, set()
        for each in looked:
            if self._post(each, number):
                changed.add(each.job.id)
                if each.job.state.ended:
                    self._ended.append((now, each.job.id))
        self._forget(now)
        if not changed:
            return False
        self.posts, self.changed = number, frozenset(changed)
        for view in self._views.values():
            view.renew()
        return True

    def _post(self, looked: Looked, number: int) -> bool:
        before = self.posted.get(looked.job.id)
        if before is None:
            self.posted[looked.job.id] = Posted(looked, number, number)
            for view in self._views.values():
                view.take(looked)
            return True
        if before.looked.job.state.ended or looked.job.run < before.looked.job.run:
            return False  # read before what is on the board already
        if looked.state != before.looked.state:
            before.told = number
        elif looked.text.progress != before.looked.text.progress:
            before.ticked = number
        before.looked = looked
        return number in {before.told, before.ticked}

    def _forget(self, now: float) -> None:
        while self._ended and self._ended[0][0] <= now - KEPT_SECONDS:
            _, job = self._ended.popleft()
            gone = self.posted.pop(job)
            self.floor = max(self.floor, gone.told)
            for view in self._views.values():
                view.visible.discard(job)

    @property
    def running(self) -> Mapping[str, Looked]:
        """Those that may come on."""
        return {job: each.looked for job, each in self.posted.items() if each.looked.job.state is JobState.RUNNING}

    @property
    def active(self) -> Collection[str]:
        """Those that have not ended, as far as is known."""
        return [job for job, each in self.posted.items() if not each.looked.job.state.ended]

    def view(self, sight: JobSight) -> View:
        """What such a sight shows; given back by `leave`."""
        view = self._views.get(sight)
        if view is None:
            view = self._views[sight] = View(self, sight)
        view.watchers += 1
        return view

    def leave(self, view: View) -> None:
        """One fewer looks."""
        view.watchers -= 1
        if not view.watchers:
            del self._views[view.sight]


@dataclass(slots=True, eq=False)
class View:
    """The board for all who see the same jobs of it."""

    board: Board
    sight: JobSight
    watchers: int = 0
    visible: set[str] = field(default_factory=set)
    _snapshot: bytes | None = None
    _texts: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.board.posted.values():
            self.take(each.looked)

    def take(self, looked: Looked) -> None:
        """A job that is new on the board."""
        if self.sight.sees(looked.job):
            self.visible.add(looked.job.id)

    def renew(self) -> None:
        """Something was posted."""
        self._snapshot = None
        self._texts.clear()

    def snapshot(self) -> bytes:
        """All that wait or run."""
        if self._snapshot is None:
            jobs = [self.board.posted[job].looked for job in self.visible]
            live = sorted((each for each in jobs if not each.job.state.ended), key=_order)
            shown = [each.text for each in live[:SNAPSHOT_JOBS]]
            self._snapshot = snapshot_event(shown, len(live) - len(shown))
        return self._snapshot

    def since(self, post: int) -> bytes | None:
        """What came after this post; None where that is not known any more."""
        if post >= self.board.posts:
            return b""
        if post < self.board.floor:
            return None
        text = self._texts.get(post)
        if text is None:
            text = self._texts[post] = b"".join(self._told_since(post))
        return text

    def _told_since(self, post: int) -> Iterable[bytes]:
        recent = self.board.changed if post == self.board.posts - 1 else self.board.posted.keys()
        for job in self.visible.intersection(recent):
            each = self.board.posted[job]
            if each.told > post:
                yield each.looked.text.job_event
            elif each.ticked > post:
                yield each.looked.text.tick_event


def _order(looked: Looked) -> tuple[bool, float, str]:
    """Those that run first, then in order of age."""
    job = looked.job
    return job.state is JobState.QUEUED, job.created, job.id
