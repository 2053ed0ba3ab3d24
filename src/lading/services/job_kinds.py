"""Kinds of jobs: what each does, how it is spoken of, and how its end reads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lading.errors import Cancelled, LadingError
from lading.services.access import Actor
from lading.services.audit import Result
from lading.services.causes import cause_of
from lading.services.job import Job, JobState, JsonObject, Telling, Work
from lading.services.job_fields import JobFieldsUnreadable
from lading.services.transfer_failures import TransferFailed
from lading.wire.job_events import Verb
from lading.wire.message import Cancel

log = logging.getLogger("lading.jobs")

FALLBACK = "The job failed"
"""All that is told of an error that nobody foresaw, where the kind has no words of its own."""


class Admit(Protocol):
    """Asks for the permission that a job of this kind takes."""

    def __call__(self, actor: Actor, fields: JsonObject) -> None:
        """Raises Denied, recorded on the trail; RowUnknown where what it was about is gone."""


@dataclass(frozen=True, slots=True)
class WorkKind:
    """What a kind of job stands for.

    `admit` asks whether somebody may have it done, who did not begin it himself: who tries it again, and who shares
    its run. `verb` chooses the words of its layers' lines. `resumes`: after a restart it is run again and goes on where
    it was. `fallback` is the whole text of an error that nobody foresaw.
    """

    work: Work
    admit: Admit
    verb: Verb
    resumes: bool
    fallback: str = FALLBACK


Kinds = Mapping[str, WorkKind]


class Actors(Protocol):
    """Looks up again who a job belongs to."""

    def again(self, job: Job) -> Actor:
        """Its owner with the grants of this moment, narrowed by the job's token; without any where the user or the
        token is gone. Lading itself where the job has no owner."""


class KindUnknown(LadingError):
    """A job of an earlier or later version, whose work this one does not know."""

    code = "interrupted"
    hint = "Start it again with this version of Lading."

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def __str__(self) -> str:
        return f"this version of Lading has no jobs of the kind {self.kind}"


class StoppedByShutdown(LadingError):
    """The server stopped while the job ran, and its kind cannot be gone on with."""

    code = "interrupted"
    hint = "Run the job again: how far it came is not known."

    def __str__(self) -> str:
        return "Lading was stopped while this ran"


class LostInRestart(LadingError):
    """The server went away while the job ran, without a word."""

    code = "interrupted"
    hint = "Run the job again: how far it came is not known."

    def __str__(self) -> str:
        return "Lading was restarted while this ran"


class RestartedTooOften(LostInRestart):
    """Whatever the job does, the server goes away with it."""

    hint = "See the server's log for why it ends while this job runs."

    def __init__(self, runs: int) -> None:
        super().__init__(runs)
        self.runs = runs

    def __str__(self) -> str:
        return f"Lading was restarted {self.runs} times while this ran"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the job's state and its terminal line."""

    state: JobState
    line: JsonObject


def perform(kind: WorkKind, identify: Callable[[], Actor], job: Job, telling: Telling, cancel: Cancel) -> Ending:
    """Do the work and say how it ended. Never raises; what nobody foresaw is logged here, and told without its text."""
    try:
        result = kind.work(identify(), job.request.fields, telling, cancel)
    except LadingError as error:
        return ending_of(error)
    except Exception as error:  # noqa: BLE001  it is logged where it is told
        return unforeseen(job, error, kind)
    return Ending(JobState.DONE, {"status": "complete", **result})


def refused(kind: WorkKind, identify: Callable[[], Actor], job: Job) -> Ending | None:
    """How the job ends because it may not be done any more; None where it may. Never raises, as `perform`."""
    try:
        kind.admit(identify(), job.request.fields)
    except LadingError as error:
        return ending_of(error)
    except Exception as error:  # noqa: BLE001  it is logged where it is told
        return unforeseen(job, error, kind)
    return None


def unforeseen(job: Job, error: Exception, kind: WorkKind | None) -> Ending:
    """How a job ends by what nobody foresaw: logged here, and told without its text."""
    log.error("job %s (%s) failed in a way nobody foresaw", job.id, job.request.kind, exc_info=error)
    return Ending(JobState.ERROR, {"status": "error", "error": kind.fallback if kind else FALLBACK, "code": "failed"})


def ending_of(error: LadingError) -> Ending:
    """The terminal line of an error: its sentence, code, hint and detail (interfaces §2); `side`, whose fault it is;
    and `cause`, the root that it comes from, by which a synchronous answer chooses its status (services.causes)."""
    cause = error.cause if isinstance(error, TransferFailed) else error
    line: dict[str, object] = {
        "status": "error",
        "error": str(error),
        "code": error.code,
        "side": error.side.value,
        "cause": cause_of(type(cause)),
    }
    line |= {name: text for name, text in (("hint", error.hint), ("detail", error.why)) if text is not None}
    return Ending(_state_of(error), line)


def _state_of(error: LadingError) -> JobState:
    if isinstance(error, Cancelled):
        return JobState.CANCELLED
    return JobState.INTERRUPTED if isinstance(error, _INTERRUPTIONS) else JobState.ERROR


_INTERRUPTIONS = (StoppedByShutdown, LostInRestart, KindUnknown, JobFieldsUnreadable)
"""What ended the job is no fault of its own: asked again, it may well be done."""


RESULTS = {
    JobState.DONE: Result.DONE,
    JobState.ERROR: Result.FAILED,
    JobState.CANCELLED: Result.CANCELLED,
    JobState.INTERRUPTED: Result.INTERRUPTED,
}
"""How an ended job reads on the trail."""
