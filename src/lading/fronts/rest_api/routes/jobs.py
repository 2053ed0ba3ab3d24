"""Jobs: seen, followed, cancelled and run again (interfaces §2, Jobs)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.board_follower import Viewer
from lading.fronts.rest_api.dependencies import (
    ActorNeeded,
    BoardStreamsNeeded,
    ProductNeeded,
    StreamsNeeded,
    actor_of,
)
from lading.fronts.rest_api.followed_lines import FollowedLines
from lading.fronts.rest_api.live_bodies import live_body_of
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.routes.transfers import KeyNeeded
from lading.fronts.rest_api.shapes.job_board import BoardGone, BoardJob, BoardLines, BoardSnapshot, BoardTick
from lading.fronts.rest_api.shapes.jobs import (
    LINES,
    RESULTS,
    Job,
    JobData,
    JobSnapshot,
    JobTick,
    JobWithLines,
)
from lading.fronts.rest_api.streamed import StreamedAnswer
from lading.fronts.rest_api.told import either, events, listed, one, started
from lading.fronts.rest_api.waiting import EVENTS, answered
from lading.services.jobs.job import JobState, JsonObject
from lading.services.jobs.records import JobFilter
from lading.services.watching.view import job_json
from lading.wire.event_stream import HEADERS, last_event_id

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

MOST_LINES = 1000
"""Lines of one answer: some 200 KiB. `cursor` and `after` lead on, while it says that there are `more`."""

MOST_FOLLOWED = 20
"""Jobs whose lines one stream of many jobs tells."""

FollowedId = Annotated[str, StringConstraints(max_length=100)]
FollowedPlace = Annotated[str, StringConstraints(max_length=120, pattern=r"^.+:[0-9]{1,18}$")]


@router.get("", responses=listed(Job))
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
    return wanted.answer([job_json(job, None, product.jobs.standing(job)) for job in found.jobs], found.total)


@router.get("/events", responses=events(BoardSnapshot, BoardJob, BoardTick, BoardLines, BoardGone))
async def follow_jobs(
    request: Request,
    product: ProductNeeded,
    board: BoardStreamsNeeded,
    actor: ActorNeeded,
    follow: Annotated[
        list[FollowedId] | None, Query(max_length=MOST_FOLLOWED, description="Jobs whose lines are told as well.")
    ] = None,
    after: Annotated[
        list[FollowedPlace] | None,
        Query(max_length=MOST_FOLLOWED, description="`<id>:<n>`: of such a job only lines numbered above n."),
    ] = None,
) -> Response:
    """All jobs that you may see, as they go on: server-sent events. The first is a snapshot of those that wait or run,
    also after a reconnect."""
    known = dict(_place(each) for each in after or ())
    lines = FollowedLines({job: known.get(job, 0) for job in follow or ()})
    sight = product.jobs.sight(actor)
    board.admit(sight)
    viewer = Viewer(
        sight,
        lambda: product.jobs.sight(actor_of(product, request)),
        lambda job, cursor: product.jobs.follow(actor_of(product, request), job, cursor, ticks=False),
        lines,
    )
    stream = board.follow(viewer, live_body_of(request.scope))
    return StreamedAnswer(stream, lines.close, headers=HEADERS)


def _place(after: str) -> tuple[str, int]:
    job, _, number = after.rpartition(":")
    return job, int(number)


@router.get(
    "/{id}",
    responses=either(one(JobWithLines), events(JobSnapshot, JobTick, JobData, *LINES))
    | {204: {"description": "The job has ended, and you have been told."}},
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
        lines = product.jobs.lines(actor, id, after, limit)
        job = product.jobs.get(actor, id)  # behind its lines: the last of one that ends in between is not one of many
        return job_json(job, lines, product.jobs.standing(job))

    return JSONResponse(await run_in_threadpool(look))


@router.delete("/{id}", responses=one(Job))
def cancel_job(product: ProductNeeded, actor: ActorNeeded, id: str) -> JsonObject:  # noqa: A002  a job's own word
    """Ask a job to stop; one that has ended stays as it is."""
    return job_json(product.jobs.cancel(actor, id))


@router.post("/{id}/retry", responses=started(*RESULTS))
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
