"""Jobs: seen, followed, cancelled and run again (interfaces §2, Jobs)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, StreamsNeeded, actor_of
from lading.fronts.rest_api.live_bodies import live_body_of
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.routes.transfers import ANSWERS, KeyNeeded
from lading.fronts.rest_api.streamed import StreamedAnswer
from lading.fronts.rest_api.waiting import EVENTS, answered
from lading.services.job import JobState, JsonObject
from lading.services.job_records import JobFilter
from lading.services.job_view import job_json
from lading.wire.event_stream import HEADERS, last_event_id

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

MOST_LINES = 1000
"""Lines of one answer: some 200 KiB. `cursor` and `after` lead on, while it says that there are `more`."""


@router.get("")
def list_jobs(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
    status: Annotated[list[JobState] | None, Query(description="Only jobs in these states.")] = None,
    kind: Annotated[str | None, Query(max_length=50, description="Only jobs of this kind.")] = None,
    environment: Annotated[int | None, Query(alias="env", ge=1, description="Only jobs of this environment.")] = None,
) -> object:
    """Your jobs, the newest first; with `jobs:view` those of everybody."""
    among = JobFilter(states=frozenset(status or ()), kind=kind, environment=environment, text=wanted.text)
    found = product.jobs.page(actor, among, *wanted.window)
    return wanted.answer([job_json(job) for job in found.jobs], found.total)


@router.get(
    "/{id}",
    responses={200: {"content": {EVENTS: {}}}, 204: {"description": "The job has ended, and you have been told."}},
)
async def get_job(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    id: str,  # noqa: A002  a job's own word
    after: Annotated[int, Query(ge=0, description="Only lines numbered above.")] = 0,
    limit: Annotated[
        int,
        Query(ge=1, le=MOST_LINES, description="At most so many lines; where there are `more`, ask after `cursor`."),
    ] = MOST_LINES,
    last_event: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """A job as it stands, with its lines; or, where Accept is text/event-stream, as it goes on."""

    def permit() -> None:
        product.jobs.get(actor_of(product, request), id)

    if EVENTS in request.headers.get("accept", ""):
        seen = max(after, last_event_id(last_event))
        follower = await run_in_threadpool(product.jobs.follow, actor, id, seen)
        if follower.gone and last_event is not None:
            follower.close()
            return Response(status_code=204)
        stream = streams.follow(follower, permit, live_body_of(request.scope))
        return StreamedAnswer(stream, follower.close, headers=HEADERS)

    def look() -> JsonObject:
        job = product.jobs.get(actor, id)
        return job_json(job, product.jobs.lines(actor, id, after, limit))

    return JSONResponse(await run_in_threadpool(look))


@router.delete("/{id}")
def cancel_job(product: ProductNeeded, actor: ActorNeeded, id: str) -> JsonObject:  # noqa: A002  a job's own word
    """Ask a job to stop; one that has ended stays as it is."""
    return job_json(product.jobs.cancel(actor, id))


@router.post("/{id}/retry", responses=ANSWERS)
async def retry_job(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    id: str,  # noqa: A002  a job's own word
    key: KeyNeeded,
) -> JSONResponse:
    """Ask the same again, as a new job."""
    job = await run_in_threadpool(product.jobs.retry, actor, id, key)
    return await answered(request, product, streams, actor, job)
