"""Following jobs: what a running job tells is kept in one list and encoded once at most, and each follower holds a
place in it. Who shows it in words of its own reads the objects, and nothing is encoded for him.

A follower has no queue, so a slow one costs nothing: it finds the lines it has not had, and of the ticks only the last.
The list is bounded; who is further behind, and who follows a job that is over or runs in another process, reads
records (follower).

Nothing here knows an event loop. Whoever subscribed is called, from any thread, with the id of a job that has something
new; it then lets the followers of that job `read`, which never blocks; `catch_up` reads records and may.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from lading.services.jobs.job import JsonObject
from lading.services.running.reading import LineTold, Reading, TickTold, Told

log = logging.getLogger("lading.jobs")

KEPT_LINES = 500
"""Lines of a running job that stay in memory."""

READ_LINES = 100
"""At most so many at a time, so that one answer stays small."""


class Feed:
    """What one job tells in this process, once it is durable. `kept` False: it runs elsewhere, so only records know."""

    def __init__(self, job: str, cursor: int, wake: Callable[[str], None], *, kept: bool = True) -> None:
        self.job, self._wake, self._kept = job, wake, kept
        self._lock = threading.Lock()
        self._frames: deque[LineTold] = deque(maxlen=KEPT_LINES)
        self._cursor = cursor
        self._tick: TickTold | None = None
        self._ticks = 0
        self._readings: dict[tuple[int, int, bool], tuple[Reading, int]] = {}
        self._changes = 0
        self._ended = False
        self._followers = self._watchers = 0

    @property
    def followed(self) -> bool:
        """Whether anybody wants lines."""
        return self._followers > 0

    @property
    def watched(self) -> bool:
        """Whether anybody wants ticks: else none need be made."""
        return self._watchers > 0

    def tell(self, lines: Iterable[tuple[int, JsonObject]], ended: bool) -> None:
        """Durable lines, the next by number; with `ended` the last one is the terminal line, and nothing follows."""
        told = tuple(lines)
        last = told[-1][0] if ended and told else None
        frames = [LineTold(number, data, number == last) for number, data in told]
        with self._lock:
            self._frames.extend(frames)
            self._cursor += len(frames)
            self._ended = ended
            self._tick = None if ended else self._tick
            self._readings.clear()
        self.poke()

    def tick(self, tick: TickTold) -> None:
        """The newest byte counts, which replace those before."""
        with self._lock:
            self._tick, self._ticks = tick, self._ticks + 1
            self._readings.clear()
        self.poke()

    def abandon(self) -> None:
        """Somebody else runs the job now: followers are sent away, to come again and find it there."""
        with self._lock:
            self._ended = True
            self._readings.clear()
        self.poke()

    def poke(self) -> None:
        """Something is new."""
        with self._lock:
            self._changes += 1
            followed = self._followers > 0
        if followed:
            self._wake(self.job)

    def join(self, ticks: bool) -> None:
        """One more follower."""
        with self._lock:
            self._followers += 1
            self._watchers += ticks

    def leave(self, ticks: bool) -> int:
        """One fewer; how many are left."""
        with self._lock:
            self._followers -= 1
            self._watchers -= ticks
            return self._followers

    def read(self, place: Place) -> Reading:
        """What is new after this place, which moves on."""
        with self._lock:
            if not self._kept:
                behind, place.changes = place.changes != self._changes, self._changes
                return Reading(ended=self._ended, behind=behind and not self._ended)
            # Most followers stand at the same place: what one of them is given, the next are given too. To make the
            # same text for each of 1,000 takes the event loop 15 ms.
            at = (place.cursor, place.ticks, place.wants_ticks)
            found = self._readings.get(at)
            if found is None:
                found = self._readings[at] = self._reading(*at)
            reading, place.cursor = found
            place.ticks = self._ticks
            return reading

    def _reading(self, cursor: int, ticks: int, wants_ticks: bool) -> tuple[Reading, int]:
        """What there is after this line and this tick, and the last line of it. Called with the lock held."""
        first = self._cursor - len(self._frames)
        if cursor < first:
            return Reading(behind=True), cursor
        until = min(cursor - first + READ_LINES, len(self._frames))
        told: list[Told] = [self._frames[at] for at in range(cursor - first, until)]
        cursor += len(told)
        if ticks != self._ticks and wants_ticks and self._tick is not None:
            told.append(self._tick)
        return Reading(told, self._ended and cursor >= self._cursor), cursor


@dataclass(slots=True)
class Place:
    """How far one follower has come: the last line it had, the last tick, the last change it looked into."""

    cursor: int
    wants_ticks: bool = True
    ticks: int = 0
    changes: int = -1


class Feeds:
    """The feeds of the jobs that this process runs, and of those it only hears of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here: dict[str, Feed] = {}
        self._elsewhere: dict[str, Feed] = {}
        self._subscribers: tuple[Callable[[str], None], ...] = ()
        self._watchers: tuple[Callable[[str | None], None], ...] = ()
        self._over = False

    @property
    def over(self) -> bool:
        """Whether nobody is to follow any more: the process stops."""
        return self._over

    def subscribe(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """From now on `wake` hears of every followed job that has something new: from any thread, often, and it must
        return at once. The answer ends it."""
        with self._lock:
            self._subscribers = (*self._subscribers, wake)
        return lambda: self._unsubscribe(wake)

    def watch(self, told: Callable[[str | None], None]) -> Callable[[], None]:
        """From now on `told` hears of every job, followed or not, that came, began, ended or was given back, and of
        those that other processes wrote of; None: perhaps of any, or the process stops. From any thread, and it must
        return at once. The answer ends it."""
        with self._lock:
            self._watchers = (*self._watchers, told)
        return lambda: self._unwatch(told)

    def stir(self, job: str | None) -> None:
        """It stands otherwise than before, and that is durable."""
        for told in self._watchers:
            try:
                told(job)
            except Exception:
                log.exception("one who watches jobs failed")

    def open(self, job: str, cursor: int) -> Feed:
        """This process will tell of the job."""
        feed = Feed(job, cursor, self._told)
        with self._lock:
            self._here[job] = feed
            before = self._elsewhere.pop(job, None)
        if before is not None:
            before.abandon()
        return feed

    def close(self, feed: Feed) -> None:
        """It has told everything; those who follow it still read on."""
        with self._lock:
            if self._here.get(feed.job) is feed:
                del self._here[feed.job]

    def find(self, job: str) -> Feed | None:
        """Of a job that runs or waits in this process."""
        return self._here.get(job)

    def joined(self, job: str, ticks: bool) -> Feed:
        """One more follower: of the job here, or of one that is over or runs in another process."""
        with self._lock:
            feed = self._here.get(job)
            if feed is None:
                feed = self._elsewhere.setdefault(job, Feed(job, 0, self._told, kept=False))
            feed.join(ticks)
        if self._over:
            feed.abandon()
        return feed

    def abandon(self) -> None:
        """The process ends: whoever follows is sent away, and so is who comes now."""
        with self._lock:
            self._over = True
            feeds = (*self._here.values(), *self._elsewhere.values())
        for feed in feeds:
            feed.abandon()
        self.stir(None)

    def left(self, feed: Feed, ticks: bool) -> None:
        """One fewer."""
        with self._lock:
            if not feed.leave(ticks) and self._elsewhere.get(feed.job) is feed:
                del self._elsewhere[feed.job]

    def changed(self, jobs: Collection[str] | None = None) -> None:
        """Another process wrote lines of these; None: perhaps of any."""
        with self._lock:
            feeds = [feed for job, feed in self._elsewhere.items() if jobs is None or job in jobs]
            others = (None,) if jobs is None else tuple(job for job in jobs if job not in self._here)
        for feed in feeds:
            feed.poke()
        for job in others:
            self.stir(job)

    def _told(self, job: str) -> None:
        for wake in self._subscribers:
            try:
                wake(job)
            except Exception:
                log.exception("a subscriber to jobs failed")

    def _unsubscribe(self, wake: Callable[[str], None]) -> None:
        with self._lock:
            self._subscribers = tuple(each for each in self._subscribers if each is not wake)

    def _unwatch(self, told: Callable[[str | None], None]) -> None:
        with self._lock:
            self._watchers = tuple(each for each in self._watchers if each is not told)
