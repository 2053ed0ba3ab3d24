"""Kinds of jobs: what each does, how it is spoken of, and how its end reads."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lading.errors import Cancelled, LadingError
from lading.services.access import Actor, Denied
from lading.services.audit import Result
from lading.services.job import Job, JobState, JsonObject, Telling, Work
from lading.services.transfer_failures import TransferFailed
from lading.wire.job_events import Verb
from lading.wire.message import Cancel

log = logging.getLogger("lading.jobs")


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
    fallback: str = "The job failed"


Kinds = Mapping[str, WorkKind]


class Actors(Protocol):
    """Looks up again who a job belongs to."""

    def again(self, job: Job) -> Actor:
        """Its owner with the grants of this moment, narrowed by the job's token; without any where the user or the
        token is gone. Lading itself where the job has no owner."""


class KindUnknown(LadingError):
    """A job of an earlier or later version, whose work this one does not know."""

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
    except Exception:
        log.exception("job %s (%s) failed in a way nobody foresaw", job.id, job.request.kind)
        return Ending(JobState.ERROR, {"status": "error", "error": kind.fallback, "code": "failed"})
    return Ending(JobState.DONE, {"status": "complete", **result})


def ending_of(error: LadingError) -> Ending:
    """The terminal line of an error: its sentence, code, hint and detail (interfaces §2), and `cause`, the root that it
    comes from, by which a synchronous answer chooses its status."""
    cause = error.cause if isinstance(error, TransferFailed) else error
    line: dict[str, object] = {
        "status": "error",
        "error": str(error),
        "code": error.code,
        "cause": root_name(type(cause)),
    }
    line |= {name: text for name, text in (("hint", error.hint), ("detail", error.why)) if text is not None}
    return Ending(_state_of(error), line)


def root_name(kind: type[LadingError]) -> str:
    """The nearest root of errors.py that it is, as `rate_limited`; what an actor may not is a root of its own."""
    roots = {LadingError.__module__, Denied.__module__}
    root = next(each for each in kind.__mro__ if each.__module__ in roots)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", root.__name__).lower()


def _state_of(error: LadingError) -> JobState:
    if isinstance(error, Cancelled):
        return JobState.CANCELLED
    return JobState.INTERRUPTED if isinstance(error, StoppedByShutdown | LostInRestart) else JobState.ERROR


RESULTS = {
    JobState.DONE: Result.DONE,
    JobState.ERROR: Result.FAILED,
    JobState.CANCELLED: Result.CANCELLED,
    JobState.INTERRUPTED: Result.INTERRUPTED,
}
"""How an ended job reads on the trail."""
