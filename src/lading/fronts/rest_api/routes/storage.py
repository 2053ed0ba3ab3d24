"""What our own content takes, and removing what nothing needs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.bodies import SweepBody
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, StreamsNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.routes.transfers import KeyNeeded
from lading.fronts.rest_api.shapes.jobs import SweepDone
from lading.fronts.rest_api.shapes.repositories import RepositoryStorage, Storage
from lading.fronts.rest_api.told import listed, one, started
from lading.fronts.rest_api.waiting import answered
from lading.services.content.storage_view import figures_json, repository_figures_json
from lading.services.jobs.job import Job

router = APIRouter(prefix="/api", tags=["storage"])


@router.get("/storage", responses=one(Storage))
def storage(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """What our own content takes in all, in bytes, as it was counted a short while ago."""
    return figures_json(product.storage.figures(actor))


@router.get("/storage/repositories", responses=listed(RepositoryStorage))
def storage_of_repositories(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """What each repository takes: all it holds, and what only it holds."""
    return wanted.listed(product.storage.repositories(actor), lambda each: [each.name], repository_figures_json)


@router.post("/prune/content", responses=started(SweepDone))
async def prune_content(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    body: SweepBody = SweepBody(),  # noqa: B008  it is frozen
) -> JSONResponse:
    """Collect garbage: content of our own that no image and no repository needs, and transfers that were given up."""

    def start() -> Job:
        return product.sweep.start(actor, key, dry_run=body.dry_run)

    return await answered(request, product, streams, actor, await run_in_threadpool(start))
