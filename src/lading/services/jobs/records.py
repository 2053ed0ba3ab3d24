"""Rows of jobs and their lines: what the database keeps, and the fence that keeps late writers out.

    queued ──claim──▶ running ──┬─▶ done | error | cancelled | interrupted
       ▲                │       │
       └────release─────┘       └─ a job that waits may end as well: cancelled

`run` counts claims. Who writes says which run it writes for; where the row has moved on, or has ended, nothing is
written and the writer is told. A row that is queued or running carries a heartbeat of the process that holds it, by
the clock of the database: what the clocks of two servers say is never compared.

Whoever listens (services.wakes) hears of every job that was added, claimed, given back or written of. It is told with
the commit, so that no process that dies then keeps it to itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.services.audit.records import AuditEntry
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobState, JsonObject, Line

TOPIC = "job/"
"""What those who listen are told, and the job's id."""

ENDED = "ended/"
"""What the process that runs a job is told, and the job's id, when another process has ended it: it is to stop. The
lines that every process writes are another topic, so that nobody asks about jobs because of their own lines."""


@dataclass(frozen=True, slots=True)
class Held:
    """A job that a process holds, and the claim that it holds it under."""

    job: str
    run: int


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows; None and empty leave that question open. `text` is part of a job's id, of its kind, of
    its owner's name, or of a name its deed is about, in capitals or not."""

    owner: int | None = None
    token: int | None = None
    states: frozenset[JobState] = frozenset()
    kind: str | None = None
    environment: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, the newest job first, and how many there are in all."""

    jobs: tuple[Job, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one run of one job has to write: its new lines in order (perhaps none), its totals, and how it ended.

    `state` None: it goes on. `result` is the terminal line's object, which is the last of `lines` too; `entry` says on
    the audit trail how it ended.
    """

    job: str
    run: int
    at: float
    lines: tuple[Line, ...] = ()
    totals: JsonObject | None = None
    state: JobState | None = None
    result: JsonObject | None = None
    entry: AuditEntry | None = None
    elsewhere: bool = False
    """Whether it is another process than the one that runs it which ends it."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Of whom those who listen are told."""
        return (f"{TOPIC}{self.job}", *([f"{ENDED}{self.job}"] if self.elsewhere else []))


class JobRecords(Protocol):
    """Durable when a method returns. For any number of threads and processes. Every method may raise StorageFailed."""

    def add(self, job: Job, key: RequestKey | None, entry: AuditEntry | None = None) -> Job:
        """A new row, with a heartbeat, and `entry` on the audit trail: both or none. Or the job for which this owner
        used `key` before. Raises KeyUsed."""

    def find(self, job: str) -> Job | None:
        """One job."""

    def among(self, jobs: Collection[str]) -> Sequence[Job]:
        """Those of these that there are, in no order."""

    def keyed(self, owner: int | None, key: RequestKey) -> Job | None:
        """The job for which this owner used `key`. Raises KeyUsed where that was for another request."""

    def page(self, wanted: JobFilter, offset: int, limit: int) -> Page:
        """Newest first; equally new ones by id."""

    def lines(self, job: str, after: int, limit: int) -> Sequence[Line]:
        """Those numbered above `after`, in order."""

    def waiting(self, owner: int | None) -> int:
        """How many of this owner's jobs have not ended."""

    def claim(self, job: str, at: float) -> Job | None:
        """Run it: queued becomes running, `run` one more, with a heartbeat. None where it does not wait (any more)."""

    def release(self, job: str, run: int, at: float) -> bool:
        """Running becomes queued again and is let go, to be gone on with. False where this run is over."""

    def take_up(self, job: str, run: int, at: float) -> Job | None:
        """`release`, by another than who ran it: where that one has not let it go, its `losses` are one more. None
        where this run is over."""

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        """All of these in one transaction, with their entries on the audit trail, each where `run` still matches, the
        job has not ended, and its lines follow the row's `cursor`. What stands there already, because the answer to its
        commit was lost, is written.

        Sets `cursor` to the last line's number and `updated` to `at`; `totals` None leaves those as they are. Returns
        the jobs for which it was not so: nothing was written for them.
        """

    def beat(self, held: Collection[Held]) -> Collection[str]:
        """A heartbeat for each of these that has not ended and was not claimed anew. Returns the others."""

    def lost(self, held: Collection[Held]) -> Collection[str]:
        """What `beat` would return, without a heartbeat."""

    def let_go(self, held: Collection[Held]) -> None:
        """Nobody holds these any more, as far as they are held so: whoever looks first takes them up."""

    def put_off(self, held: Collection[Held], seconds: float) -> None:
        """These wait, and somebody will look at them: as far as they do so still, nobody who looks for what is `left`
        finds them for so long."""

    def left(self, seconds: float | None) -> Sequence[Job]:
        """Jobs queued or running that were let go or have had no heartbeat for so long, nor were put off (None: all of
        them), the oldest job first."""

    def forget(self, before: float, limit: int) -> int:
        """Drop jobs that ended before then, with their lines: at most `limit`. Returns how many."""

    def forget_keys(self, before: float) -> int:
        """Drop idempotency keys of jobs created before then. Returns how many."""
