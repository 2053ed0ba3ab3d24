"""Advisories: of what time the data of our own scanner is, and bringing it up to date."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.bodies import AdvisoriesBody, UpdateBody
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, StreamsNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.routes.transfers import KeyNeeded
from lading.fronts.rest_api.shapes.jobs import AdvisoriesDone
from lading.fronts.rest_api.shapes.scans import AdvisoriesForgotten, AdvisoryFeed
from lading.fronts.rest_api.told import listed, one, started
from lading.fronts.rest_api.waiting import answered
from lading.services.scans.advisories import feed_json

router = APIRouter(prefix="/api/advisories", tags=["advisories"])


@router.get("", responses=listed(AdvisoryFeed))
def advisories(product: ProductNeeded, actor: ActorNeeded, wanted: ListNeeded) -> object:
    """Each ecosystem from each source: how many advisories, when the last was modified, of what time the data is, and
    when it was brought."""
    return wanted.listed(product.advisories.feeds(actor), lambda feed: [feed.ecosystem, feed.source], feed_json)


@router.delete("", responses=one(AdvisoriesForgotten))
def forget_advisories(
    product: ProductNeeded,
    actor: ActorNeeded,
    source: Annotated[str, Query(max_length=4096, description="As the list names it.")] = "",
) -> Json:
    """Let go of a source and all it brought. Images are held against what is left within the hour, or at once by
    `POST /api/scans/rematch`."""
    return {"source": source, "gone": product.advisories.forget(actor, source)}


@router.post("/update", responses=started(AdvisoriesDone))
async def update_advisories(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    body: UpdateBody = UpdateBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Bring advisories up to date from where the settings say. Nothing is sent there but requests for files."""
    job = await run_in_threadpool(product.advisories.start_update, actor, tuple(body.ecosystems), key)
    return await answered(request, product, streams, actor, job)


@router.post("/import", responses=started(AdvisoriesDone))
async def import_advisories(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    body: AdvisoriesBody = AdvisoriesBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Import a zip of advisories in the OSV format from a URL. Files of the server are imported by its owner, with the
    command `lading advisories import`."""
    job = await run_in_threadpool(product.advisories.start_import, actor, body.url, body.name, key)
    return await answered(request, product, streams, actor, job)
