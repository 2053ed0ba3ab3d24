"""Push, pull, copy and distribute: each makes a job (interfaces §2, Push, Pull)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.bodies import CopyBody, DistributeBody, PullBody, PushBody
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, StreamsNeeded
from lading.fronts.rest_api.shapes.jobs import DistributeDone, PullDone, PushDone
from lading.fronts.rest_api.threads import HostRoomNeeded
from lading.fronts.rest_api.told import started
from lading.fronts.rest_api.waiting import answered
from lading.services.distribution.forms import DistributionForm
from lading.services.jobs.idempotency import RequestKey, body_digest
from lading.services.jobs.job import Job
from lading.services.work.copies import CopyForm
from lading.services.work.pulls import PullForm
from lading.services.work.push_forms import PushForm

TAG = "transfers"
router = APIRouter(prefix="/api/images", tags=[TAG])

EnvironmentId = Annotated[
    int | None, Query(alias="env", ge=1, description="The environment's id; without it, the default one.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=255, description="Sent again with the same request, it answers with the same job."),
]


async def key_of(request: Request, idempotency_key: IdempotencyKey = None) -> RequestKey | None:
    """What the caller named this request, and the request as it was sent; an empty name is none. Its body is small, and
    read by now."""
    if not idempotency_key:
        return None
    return keyed(request, idempotency_key, body_digest(await request.body()))


def keyed(request: Request, key: str, body: str) -> RequestKey:
    """The request with a body of this digest, by the name that its caller gave it."""
    return RequestKey.of(key, request.method, request.url.path, request.url.query, body)


KeyNeeded = Annotated[RequestKey | None, Depends(key_of)]


@router.post("/push", responses=started(PushDone))
async def push(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    room: HostRoomNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    environment: EnvironmentId = None,
    body: PushBody = PushBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Push an image of an environment to a registry."""
    form = push_form(body)

    def start() -> Job:
        with product.cancellation() as cancel:
            return product.pushes.start(actor, environment, form, key, cancel)

    return await answered(request, product, streams, actor, await room.run(start))


@router.post("/pull", responses=started(PullDone))
async def pull(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    environment: EnvironmentId = None,
    body: PullBody = PullBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Pull an image into an environment."""
    job = await run_in_threadpool(product.pulls.start, actor, environment, pull_form(body), key)
    return await answered(request, product, streams, actor, job)


@router.post("/copy", responses=started(PushDone))
async def copy(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    body: CopyBody = CopyBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Copy an image from one registry to others, from one read, with its signatures."""
    form = CopyForm(
        body.source, tuple(body.targets), body.platform, body.dry_run, body.own, body.verify is True, body.sign
    )
    job = await run_in_threadpool(product.copies.start, actor, form, key)
    return await answered(request, product, streams, actor, job)


@router.post("/distribute", responses=started(DistributeDone))
async def distribute(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    room: HostRoomNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    body: DistributeBody = DistributeBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Have many environments fetch one image from our registry, each moving only what it lacks."""
    form = DistributionForm(
        body.image, tuple(body.environments), body.env, body.name, body.platform, body.scan_after_pull
    )

    def start() -> Job:
        with product.cancellation() as cancel:
            return product.distributions.requests.start(actor, form, key, cancel)

    return await answered(request, product, streams, actor, await room.run(start))


def push_form(body: PushBody) -> PushForm:
    """As the services take it."""
    return PushForm(
        body.image_id,
        body.registry_id,
        body.image_name,
        body.new_tag,
        body.target,
        body.platform,
        tuple(body.tags),
        body.if_absent,
        body.dry_run,
        body.relay,
        body.sign,
    )


def pull_form(body: PullBody) -> PullForm:
    """As the services take it."""
    return PullForm(body.image, body.scan_after_pull, body.platform, body.verify is True)
