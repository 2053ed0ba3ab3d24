"""A job as JSON (interfaces §2, Jobs): what the REST door answers and the command line prints."""

from __future__ import annotations

from collections.abc import Iterable

from lading.oci.instants import instant
from lading.services.job import Job, JsonObject, Line


def job_json(job: Job, lines: Iterable[Line] | None = None) -> JsonObject:
    """The whole job; in a list without its lines. `cursor` is the number of the last line given, for `?after=`; `more`
    says that there are lines after it already."""
    told = None if lines is None else tuple(lines)
    view: dict[str, object] = {
        "id": job.id,
        "kind": job.request.kind,
        "status": job.state.value,
        "result": job.result,
        "createdAt": instant(job.created),
        "updatedAt": instant(job.updated),
        "cursor": told[-1].number if told else job.cursor,
        "cancelable": not job.state.ended,
        "progress": {"totals": job.totals},
        "username": job.owner_name,
        "environmentId": job.request.environment,
    }
    if "import" in job.request.fields:  # by this the archive is gone on with, or given up, where it was not loaded
        view["importId"] = job.request.fields["import"]
    if told is not None:
        view["lines"] = [_line(job, line) for line in told]
        if told and told[-1].number < job.cursor:
            view["more"] = True
    return view


def _line(job: Job, line: Line) -> JsonObject:
    """The terminal line is the one with an event name of its own."""
    if job.state.ended and line.number == job.cursor:
        return {"event": "result", "data": line.data}
    return {"data": line.data}
