"""How jobs end: as a state and a terminal line, for every error one; and what ends a job by no fault of its own."""

from __future__ import annotations

from dataclasses import dataclass

from lading.errors import Cancelled, LadingError, StorageFailed
from lading.services.audit.audit import Result
from lading.services.environments.door_logins import LoginGone
from lading.services.gates.refusals import GateRefused
from lading.services.hub.hub import AgentAway
from lading.services.jobs.causes import cause_of
from lading.services.jobs.fields import JobFieldsUnreadable
from lading.services.jobs.job import JobState, JsonObject
from lading.services.transfers.distribution_results import DistributionFailed, DistributionIncomplete
from lading.services.transfers.failures import unworded
from lading.wire.docker_faults import DaemonFault
from lading.wire.registry_errors import Fault, RegistryRefused


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


class LostTooOften(LostInRestart):
    """Whatever the job does, the server goes away with it."""

    hint = "See the server's log for why it ends while this job runs."

    def __init__(self, losses: int) -> None:
        super().__init__(losses)
        self.losses = losses

    def __str__(self) -> str:
        return f"Lading went away {self.losses} times while this ran, each time without a word"


class EndLost(StorageFailed):
    """A job has ended, and what it said last is damaged."""

    hint = "The job's state is known: see the job. Ask for it anew if it did not do what it should."

    def __str__(self) -> str:
        return "how this job ended cannot be read any more"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the job's state and its terminal line."""

    state: JobState
    line: JsonObject


def ending_of(error: LadingError) -> Ending:
    """The terminal line of an error: its sentence, code, hint and detail (interfaces §2); `side`, whose fault it is;
    `cause`, the root that it comes from, by which a synchronous answer chooses its status (services.jobs.causes); and
    `answered`, what the registry or the Docker host said, where that is known; `verdicts`, what policies said, where
    one of them refused; `results`, what became of each host of a distribution. Of an error whose sentence is fixed,
    `reason` is the cause's own; of an agent that is away the whole line is fixed."""
    cause = unworded(error)
    hosts = error.results if isinstance(error, DistributionIncomplete | DistributionFailed) else None
    if type(cause) is AgentAway and hosts is None:
        return Ending(JobState.ERROR, {"status": "error", "error": error.afar})
    line: dict[str, object] = {
        "status": "error",
        "error": error.afar,
        "code": error.code,
        "side": error.side.value,
        "cause": cause_of(type(cause)),
    }
    line |= {name: text for name, text in (("hint", error.hint), ("detail", error.why)) if text is not None}
    if cause is not error:
        line["reason"] = cause.afar
    if isinstance(cause, GateRefused):
        line["verdicts"] = [given.json for given in cause.given]
    if hosts is not None:
        line["results"] = [result.json for result in hosts]
    if (answered := answer_of(cause)) is not None:
        line["answered"] = answered
    return Ending(_state_of(error), line)


def answer_of(cause: LadingError) -> JsonObject | None:
    """What the other side said, for doors that pass it on: a registry's status, code and message, a Docker host's
    sentence."""
    match cause:
        case DaemonFault(said=said):
            return {"message": said}
        case RegistryRefused(refusal=refusal):
            fault = next(iter(refusal.faults), Fault(""))
            return {"status": refusal.status, "code": str(fault.code), "message": fault.message}
        case _:
            return None


def _state_of(error: LadingError) -> JobState:
    if isinstance(error, Cancelled):
        return JobState.CANCELLED
    return JobState.INTERRUPTED if isinstance(error, _INTERRUPTIONS) else JobState.ERROR


_INTERRUPTIONS = (StoppedByShutdown, LostInRestart, KindUnknown, JobFieldsUnreadable, LoginGone)
"""What ended the job is no fault of its own: asked again, it may well be done."""


RESULTS = {
    JobState.DONE: Result.DONE,
    JobState.ERROR: Result.FAILED,
    JobState.CANCELLED: Result.CANCELLED,
    JobState.INTERRUPTED: Result.INTERRUPTED,
}
"""How an ended job reads on the trail."""
