"""Who follows one job, from wherever it stands: what is new in memory (feed), and what is further back in records."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lading.services.jobs.job import UNREADABLE, Job, JsonObject, Line
from lading.services.jobs.records import JobRecords
from lading.services.running.ending import EndLost, ending_of
from lading.services.running.feed import READ_LINES, Feeds, Place
from lading.services.running.reading import LineTold, Reading, SnapshotTold

log = logging.getLogger("lading.jobs")


def _told(line: Line, job: Job) -> LineTold:
    """As it is; and of a job that has ended the last one as the terminal line. Where that is damaged, the job's row may
    have the same; else it is an error that no attempt mends."""
    if not job.state.ended or line.number != job.cursor:
        return LineTold(line.number, line.data)
    data = line.data if line.data != UNREADABLE else job.result or ending_of(EndLost()).line
    return LineTold(line.number, data, terminal=True)


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
        if terminal is not None and not found and self.cursor < terminal:
            found = self._last(job)
        lines = [_told(line, job) for line in found]
        self._place.cursor = lines[-1].number if lines else self.cursor
        ended = terminal is not None and self.cursor >= terminal
        self._more = len(lines) == READ_LINES or (terminal is not None and not ended)
        return Reading(lines, ended, self._more)

    def _last(self, job: Job) -> Sequence[Line]:
        """The lines of one that had ended when none were found: it ended in between, or its last ones are lost. Then
        that is the end, or whoever follows would look for them for ever."""
        found = self._records.lines(job.id, self.cursor, READ_LINES)
        if not found:
            log.error("the job %s has ended, and the last of its lines are lost", job.id)
            return [Line(job.cursor, job.updated, UNREADABLE)]
        return found

    def doubt(self) -> None:
        """Nothing was heard for long: whoever runs the job elsewhere may have died before it could tell of what it
        wrote. The next `read` is behind then."""
        self._place.changes = -1

    def close(self) -> None:
        """Follow no more; harmless twice."""
        feed, self._feed = self._feed, None
        if feed is not None:
            self._feeds.left(feed, self._wants_ticks)
