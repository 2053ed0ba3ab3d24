"""What jobs said and is not written yet: whose turn it is, followed or not, and that nobody writes before another.

What somebody follows goes by a way of its own: it never waits until what others said is written. The lines of one job
are with one writer at a time, so they stay in order whoever begins to follow it, or ceases to, meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lading.services.audit.records import AuditEntry
from lading.services.jobs.job import JobState, JsonObject, Line

AT_ONCE = 32
"""Jobs whose lines are written in one transaction. With 200 in one, a job that was followed waited behind it for half a
second."""


class Seat(Protocol):
    """One job as the writer sees it: whose lines they are, and who hears that they are kept."""

    @property
    def job(self) -> str:
        """Its id."""

    @property
    def run(self) -> int:
        """The claim it writes under."""

    @property
    def followed(self) -> bool:
        """Whether somebody in this process waits for them."""

    @property
    def given_up(self) -> bool:
        """Whether `lost` was called, here or elsewhere: what it said is not written any more."""

    def entry(self, state: JobState, line: JsonObject) -> AuditEntry | None:
        """What the audit trail says where it ends so."""

    def kept(self, lines: Collection[Line], end: JobState | None) -> None:
        """They are durable, and how it ended, if it has."""

    def lost(self) -> None:
        """This run is over, somewhere else another has begun; or nothing can be written any more."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line to write, and how the job ended where it is the last."""

    seat: Seat
    line: Line
    totals: JsonObject | None = None
    state: JobState | None = None


Batch = Mapping[str, list[Said]]
"""What several jobs said, in order, by their ids."""


class WaitingLines:
    """For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, list[Said]] = {}  # by job, in the order in which they began to speak
        self._taken: set[str] = set()
        self._news = {True: threading.Event(), False: threading.Event()}
        self._ends = {True: threading.Event(), False: threading.Event()}

    def put(self, said: Iterable[Said]) -> None:
        """After all that was put before."""
        ways = set()
        with self._lock:
            for each in said:
                self._said.setdefault(each.seat.job, []).append(each)
                ways.add(each.seat.followed)
                if each.state is not None:
                    self._ends[each.seat.followed].set()
        for followed in ways:
            self._news[followed].set()

    def wait(self, followed: bool) -> None:
        """Returns when there may be something to take."""
        self._news[followed].wait()
        self._news[followed].clear()

    def gather(self, followed: bool, seconds: float) -> None:
        """Returns when time is over, or a job has ended: somebody may wait for nothing but that."""
        self._ends[followed].wait(seconds)
        self._ends[followed].clear()

    def wake(self) -> None:
        """Let all who wait look."""
        for news in self._news.values():
            news.set()

    def hurry(self) -> None:
        """Let nobody gather more."""
        for ends in self._ends.values():
            ends.set()

    def take(self, followed: bool) -> Batch:
        """What some jobs said that are followed, or are not: whoever takes it gives it back, `written` or not."""
        with self._lock:
            self._forget_given_up()
            free = [job for job in self._said if job not in self._taken]
            wanted = [job for job in free if self._said[job][-1].seat.followed is followed][:AT_ONCE]
            batch = {job: self._said.pop(job) for job in wanted}
            self._taken.update(wanted)
        if free and not wanted:  # somebody has come or gone since that was put
            self._news[not followed].set()
        return batch

    def written(self, batch: Batch) -> None:
        """They need not be any more."""
        with self._lock:
            self._taken.difference_update(batch)
            more = any(job in self._said for job in batch)
        if more:
            self.wake()

    def put_back(self, batch: Batch) -> int:
        """They could not be. How many lines wait now."""
        with self._lock:
            self._taken.difference_update(batch)
            again = {job: [*said, *self._said.pop(job, ())] for job, said in batch.items()}
            self._said = again | self._said
            return sum(map(len, self._said.values()))

    def _forget_given_up(self) -> None:
        live = ((job, [each for each in said if not each.seat.given_up]) for job, said in self._said.items())
        self._said = {job: said for job, said in live if said}
