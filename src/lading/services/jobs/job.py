"""Jobs as values: what is asked, how it stands, what it has said; and the work that a kind of job stands for.

A job's request holds no secret: whoever runs it, now or after a restart, looks the logins up and asks for permission
again. `run` counts who has claimed it: what an earlier claimant writes afterwards is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lading.services.access import Actor
from lading.services.audit.audit import Deed
from lading.wire.message import Cancel
from lading.wire.progress import Event

JsonObject = Mapping[str, object]


class JobState(StrEnum):
    """The last four end a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What is asked: a kind of work and its fields, JSON values without a secret. `environment` is where it runs, and
    bounds how many run there at once. Equal `sharing` keys (empty: none) share one run: each keeps its own owner.

    `deed` is what goes on the audit trail: `started` when the job is made, and how it ended when it has; for each job
    of a shared run its own.
    """

    kind: str
    fields: JsonObject
    environment: int | None = None
    sharing: str = ""
    deed: Deed | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Something a job said that is kept. `number` counts from 1 within the job; `at` is seconds since 1970."""

    number: int
    at: float
    data: JsonObject


UNREADABLE: JsonObject = {"status": "unreadable", "message": "this line cannot be read any more"}
"""What stands where the data of a line that is kept is damaged: the lines beside it are told."""


@dataclass(frozen=True, slots=True)
class Job:
    """How a job stands. `owner` is a user's id, None for Lading itself; times are seconds since 1970. `token` is the
    API token it was asked with, which narrows what its owner may.

    `result` is the terminal line's object. `cursor` is the number of the last line. `totals` are bytes. `losses` counts
    how often the process that ran it was gone without a word. `started` is when it was first claimed; `retry_of` is the
    job that it tries again.
    """

    id: str
    request: JobRequest
    owner: int | None
    owner_name: str
    state: JobState
    run: int
    created: float
    updated: float
    cursor: int
    result: JsonObject | None = None
    totals: JsonObject | None = None
    token: int | None = None
    losses: int = 0
    started: float | None = None
    retry_of: str | None = None


class Telling(Protocol):
    """What running work tells. Called by any thread; returns at once; never raises."""

    @property
    def taken_up(self) -> bool:
        """Whether the job was made for a process that is gone, or stopped: what it needs may only just come back."""

    def line(self, data: JsonObject) -> None:
        """A line that is not about pieces: tagging, scanning."""

    def event(self, event: Event) -> None:
        """What the engine reports; it becomes lines and ticks (wire.job_events)."""


class Work(Protocol):
    """What a kind of job does. Its result is the object of the terminal line, without `status`; what it raises becomes
    the error. It looks permission up again: the actor's grants may have changed since the job was made."""

    def __call__(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """Raises LadingError."""
