"""Two ways to answer for a job: its id at once, or how it ended (interfaces §2, Push)."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.errors import Unreachable
from lading.fronts.rest_api.dependencies import actor_of
from lading.fronts.rest_api.job_streams import JobStreams
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import body_of, status_of, status_of_line
from lading.services.access import Actor
from lading.services.jobs.job import Job, JobState

JSON = "application/json"
EVENTS = "text/event-stream"


class StillToCome(Unreachable):
    """This server has no more to tell of the job: it stops, or another one runs the job now."""

    code = "interrupted"

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.hint = f"GET /api/jobs/{job} tells how it goes on."

    def __str__(self) -> str:
        return "the job has not ended yet, and is not followed here any more"


def wants_result(request: Request) -> bool:
    """Whether `Accept` names JSON, and not events."""
    accepted = {word.partition(";")[0].strip().lower() for word in request.headers.get("accept", "").split(",")}
    return JSON in accepted and EVENTS not in accepted


async def answered(request: Request, product: Product, streams: JobStreams, actor: Actor, job: Job) -> JSONResponse:
    """The job's id; or, where the result is wanted, the terminal line once it is there. Hanging up cancels nothing."""
    headers = {"X-Job-Id": job.id}
    if not wants_result(request):
        return JSONResponse({"jobId": job.id}, headers=headers)
    follower = await run_in_threadpool(product.jobs.follow, actor, job.id, ticks=False)
    await streams.end(follower, lambda: product.jobs.get(actor_of(product, request), job.id))
    ended = await run_in_threadpool(product.jobs.get, actor, job.id)
    if not ended.state.ended:
        error = StillToCome(job.id)
        return JSONResponse({"status": "error", **body_of(error)}, status_of(error), headers)
    return JSONResponse(ended.result, _status(ended), headers)


def _status(job: Job) -> int:
    if job.state is JobState.DONE:
        return 200
    return status_of_line(job.result or {})
