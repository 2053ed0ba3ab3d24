"""How transfers went, over time: bytes moved and saved by the hour, how long they took, and why some failed.

Counted from the jobs that are kept and that whoever asks may see. A job that shared another's run counts by itself: it
saved its owner as much.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.oci.instants import instant
from lading.services.access import Actor, NotLoggedIn
from lading.services.distribution.forms import DISTRIBUTE
from lading.services.jobs.job import JobState, JsonObject
from lading.services.jobs.sight import JobSight
from lading.services.work.copies import COPY
from lading.services.work.imports import IMPORT
from lading.services.work.pulls import PULL
from lading.services.work.pushes import PUSH

TRANSFERS = (PUSH, PULL, COPY, IMPORT, DISTRIBUTE)
"""Kinds of jobs that move images."""

HOUR = 60 * 60

FAILED = frozenset({JobState.ERROR, JobState.INTERRUPTED})

UNKNOWN = "failed"
"""The cause of a failure that has no code."""

REMEMBERED = 20
"""What was counted is told again for so many times as long as counting took: at most a twentieth of the time goes into
it, and where there are few jobs it is counted anew each time."""

MOST_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class EndedJob:
    """What is counted of a job; times are seconds since 1970, `totals` bytes, `code` why it failed."""

    kind: str
    state: JobState
    environment: int | None
    owner: int | None
    token: int | None
    started: float | None
    ended: float
    totals: JsonObject
    code: str | None = None

    @property
    def moved(self) -> int:
        """Bytes."""
        return self._sum("sent")

    @property
    def saved(self) -> int:
        """Bytes that did not have to move."""
        return self._sum("kept", "exists", "mounted")

    def _sum(self, *names: str) -> int:
        found = (self.totals.get(name) for name in names)
        return sum(each for each in found if isinstance(each, int))


class EndedJobs(Protocol):
    """Rows of jobs."""

    def ended(self, kinds: Sequence[str], since: float, sight: JobSight) -> Iterable[EndedJob]:
        """Those of these kinds that ended from then on, and may be shown to who sees this. Raises StorageFailed."""


@dataclass(slots=True)
class Bucket:
    """One hour, which begins at `start`."""

    start: int
    moved: int = 0
    saved: int = 0
    done: int = 0
    failed: int = 0

    def count(self, job: EndedJob) -> None:
        """One that ended in it."""
        self.moved += job.moved
        self.saved += job.saved
        self.done += job.state is JobState.DONE
        self.failed += job.state in FAILED


@dataclass(slots=True)
class Counted:
    """`seconds` are those of jobs that were done, by kind."""

    buckets: Sequence[Bucket]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    def count(self, job: EndedJob) -> None:
        """One more."""
        at = (int(job.ended) - self.buckets[0].start) // HOUR
        self.buckets[max(0, min(at, len(self.buckets) - 1))].count(job)
        if job.state in FAILED:
            self.failures[job.code or UNKNOWN] += 1
        elif job.state is JobState.DONE and job.started is not None:
            self.seconds.setdefault(job.kind, []).append(max(0.0, job.ended - job.started))


@dataclass(frozen=True, slots=True)
class _Asked:
    """`last` is when the last hour begins."""

    sight: JobSight
    hours: int
    last: int


class TransferStatistics:
    """For any number of threads. One of them counts at a time: who looks at a hundred thousand jobs, and asks again and
    again, does not keep everybody else from being answered."""

    def __init__(self, records: EndedJobs, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._clock = records, clock
        self._lock = threading.Lock()
        self._known: OrderedDict[_Asked, tuple[float, Counted]] = OrderedDict()

    def counted(self, actor: Actor, hours: int) -> Counted:
        """Of this hour and those before it, so many in all. Raises NotLoggedIn, StorageFailed."""
        if actor.nobody:
            raise NotLoggedIn
        sight = JobSight.of(actor)
        shared = JobSight(everywhere=True) if sight.everywhere else sight
        with self._lock:
            began = self._clock()
            asked = _Asked(shared, hours, int(began) // HOUR * HOUR)
            until, known = self._known.get(asked, (began, None))
            if known is not None and began < until:
                return known
            counted = self._count(asked)
            ended = self._clock()
            self._known[asked] = ended + REMEMBERED * (ended - began), counted
            self._known.move_to_end(asked)
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
            return counted

    def _count(self, asked: _Asked) -> Counted:
        counted = Counted([Bucket(asked.last - back * HOUR) for back in range(asked.hours - 1, -1, -1)])
        for job in self._records.ended(TRANSFERS, counted.buckets[0].start, asked.sight):
            if asked.sight.shows(job.environment, job.owner, job.token):
                counted.count(job)
        return counted


def statistics_json(counted: Counted) -> dict[str, object]:
    """In JSON, for every door: bytes and seconds, failures by how often."""
    return {
        "buckets": [
            {
                "start": instant(bucket.start),
                "moved": bucket.moved,
                "saved": bucket.saved,
                "done": bucket.done,
                "failed": bucket.failed,
            }
            for bucket in counted.buckets
        ],
        "durations": {
            kind: {"p50": quantile(each, 0.5), "p95": quantile(each, 0.95), "count": len(each)}
            for kind, each in sorted(counted.seconds.items())
        },
        "failures": [{"code": code, "count": count} for code, count in counted.failures.most_common()],
    }


def quantile(values: Sequence[float], part: float) -> float:
    """The least of these, one at least, that so great a part of them does not exceed; to the millisecond."""
    ordered = sorted(values)
    return round(ordered[max(0, -int(-part * len(ordered) // 1) - 1)], 3)
