"""A job as JSON (interfaces §2, Jobs): what the REST door answers and the command line prints."""

from __future__ import annotations

from collections.abc import Iterable

from lading.oci.instants import instant
from lading.services.jobs.job import Job, JobState, JsonObject, Line
from lading.services.running.standing import Holding, Standing
from lading.services.watching.subject import subject_of

QUEUE = "queue"
"""What a job waits for that has not begun."""


def job_json(job: Job, lines: Iterable[Line] | None = None, standing: Standing | None = None) -> JsonObject:
    """The whole job; in a list without its lines. `cursor` is the number of the last line given, for `?after=`; `more`
    says that there are lines after it already. `standing` is there where this process runs it."""
    told = None if lines is None else tuple(lines)
    subject = subject_of(job.request)
    view: dict[str, object] = {
        "id": job.id,
        "kind": job.request.kind,
        "status": job.state.value,
        "result": job.result,
        "createdAt": instant(job.created),
        "updatedAt": instant(job.updated),
        "cursor": told[-1].number if told else job.cursor,
        "cancelable": not job.state.ended,
        "progress": progress_json(job, standing),
        "username": job.owner_name,
        "environmentId": job.request.environment,
        "image": subject.image,
        "targets": list(subject.targets),
    }
    view |= _times(job) | waiting_json(job, standing)
    if job.retry_of is not None:
        view["retryOf"] = job.retry_of
    if "import" in job.request.fields:  # by this the archive is gone on with, or given up, where it was not loaded
        view["importId"] = job.request.fields["import"]
    if told is not None:
        view["lines"] = [line_json(line.data, terminal=_is_last(job, line)) for line in told]
        if told and told[-1].number < job.cursor:
            view["more"] = True
    return view


def progress_json(job: Job, standing: Standing | None) -> dict[str, object]:
    """How far it has come; with the layers on their way, where that is known."""
    if standing is None or job.state.ended:
        return {"totals": job.totals}
    return {"totals": standing.totals, "layers": list(standing.layers)}


def waiting_json(job: Job, standing: Standing | None) -> dict[str, object]:
    """Why nothing moves, and until when, where that is known; nothing where something does."""
    if job.state is JobState.QUEUED:
        return {"waiting": QUEUE}
    holding: Holding | None = None if standing is None else standing.holding
    if holding is None or job.state.ended:
        return {}
    told: dict[str, object] = {"waiting": f"rate limit of {holding.host}"}
    return told if holding.until is None else told | {"waitingUntil": instant(holding.until)}


def line_json(data: JsonObject, *, terminal: bool) -> JsonObject:
    """A line. The terminal one is the one with an event name of its own."""
    return {"event": "result", "data": data} if terminal else {"data": data}


def _times(job: Job) -> dict[str, object]:
    times = {"startedAt": job.started, "endedAt": job.updated if job.state.ended else None}
    return {name: instant(at) for name, at in times.items() if at is not None}


def _is_last(job: Job, line: Line) -> bool:
    return job.state.ended and line.number == job.cursor
