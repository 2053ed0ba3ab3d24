"""Following jobs: what a running job tells is kept in one list and encoded once at most, and each follower holds a
place in it. Who shows it in words of its own reads the objects, and nothing is encoded for him.

A follower has no queue, so a slow one costs nothing: it finds the lines it has not had, and of the ticks only the last.
The list is bounded; who is further behind, and who follows a job that is over or runs in another process, reads
records.

Nothing here knows an event loop. Whoever subscribed is called, from any thread, with the id of a job that has something
new; it then lets the followers of that job `read`, which never blocks; `catch_up` reads records and may.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from lading.services.jobs.job import UNREADABLE, Job, JsonObject, Line
from lading.services.jobs.records import JobRecords
from lading.services.running.ending import EndLost, ending_of
from lading.services.running.reading import LineTold, Reading, SnapshotTold, TickTold, Told

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


def _told(last: Line, job: Job) -> LineTold:
    """The terminal line of a job that has ended. Where it is damaged, the job's row may have the same; else it is an
    error that no attempt mends."""
    if last.data != UNREADABLE:
        return LineTold(last.number, last.data, terminal=True)
    return LineTold(last.number, job.result or ending_of(EndLost()).line, terminal=True)


class Follower:
    """One who follows one job: made by `Jobs.follow`, closed by whoever asked for it. For one thread at a time.

    while not reading.ended:
        reading = follower.read()
        if reading.behind:
            reading = follower.catch_up()
        … write reading.text; where there was none, wait for a wake (or 15 s, then write a comment) …
    """

    gone: bool
    """The job is over and its end was told to whoever has line `after`: there is nothing to follow."""

    def __init__(
        self, job: Job, after: int, feeds: Feeds, records: JobRecords, snapshot: JsonObject, *, ticks: bool
    ) -> None:
        self.job = job.id
        self.gone = job.state.ended and after >= job.cursor
        self._feeds, self._records, self._wants_ticks = feeds, records, ticks
        self._opening: SnapshotTold | None = SnapshotTold(snapshot)
        self._place = Place(min(after, job.cursor), ticks)
        self._feed = None if self.gone else feeds.joined(job.id, ticks)
        self._more = False

    @property
    def cursor(self) -> int:
        """The number of the last line read."""
        return self._place.cursor

    def read(self) -> Reading:
        """What is new in memory, the snapshot first. Never blocks."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            return Reading([opening])
        if self._feed is None:
            return Reading(ended=True)
        return Reading(behind=True) if self._more else self._feed.read(self._place)

    def catch_up(self) -> Reading:
        """Lines from the records, for which it waits. Raises StorageFailed.

        The job is looked at after its lines: one that ended in between has more of them, and the last that is told is
        told as the last. The other way round it would have gone by as one among others.
        """
        found = self._records.lines(self.job, self.cursor, READ_LINES)
        job = self._records.find(self.job)
        if job is None:
            return Reading(ended=True)
        terminal = job.cursor if job.state.ended else None
        lines = [_told(line, job) if line.number == terminal else LineTold(line.number, line.data) for line in found]
        if terminal is not None and not lines and self.cursor < terminal:
            lines = self._last(job)
        self._place.cursor = lines[-1].number if lines else self.cursor
        ended = terminal is not None and self.cursor >= terminal
        self._more = len(lines) == READ_LINES or (terminal is not None and not ended)
        return Reading(lines, ended, self._more)

    def _last(self, job: Job) -> list[LineTold]:
        """The lines of one that had ended when none were found: it ended in between, or its last ones are lost. Then
        that is the end, or whoever follows would look for them for ever."""
        found = self._records.lines(job.id, self.cursor, READ_LINES)
        if not found:
            log.error("the job %s has ended, and the last of its lines are lost", job.id)
            found = [Line(job.cursor, job.updated, UNREADABLE)]
        return [_told(line, job) if line.number == job.cursor else LineTold(line.number, line.data) for line in found]

    def doubt(self) -> None:
        """Nothing was heard for long: whoever runs the job elsewhere may have died before it could tell of what it
        wrote. The next `read` is behind then."""
        self._place.changes = -1

    def close(self) -> None:
        """Follow no more; harmless twice."""
        feed, self._feed = self._feed, None
        if feed is not None:
            self._feeds.left(feed, self._wants_ticks)
