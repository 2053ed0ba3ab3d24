"""How long tags stay in a repository of our own registry, and which of them become tags of another."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, StreamsNeeded
from lading.fronts.rest_api.paging import Limit, PageNumber, window
from lading.fronts.rest_api.retention_bodies import PreviewBody, PromoteBody, RetentionBody, retention_of
from lading.fronts.rest_api.routes.repositories import Name
from lading.fronts.rest_api.routes.transfers import KeyNeeded
from lading.fronts.rest_api.shapes.jobs import RetentionDone
from lading.fronts.rest_api.shapes.repositories import Promoted, RetentionPreview, RetentionRules
from lading.fronts.rest_api.told import one, started
from lading.fronts.rest_api.waiting import answered
from lading.services.promotion.promotion import promoted_json
from lading.services.repositories.retention_rules import retention_json
from lading.services.retention.view import verdict_json

router = APIRouter(prefix="/api", tags=["repositories"])


@router.get("/repositories/{repository}/retention", responses=one(RetentionRules))
def get_retention(product: ProductNeeded, actor: ActorNeeded, repository: Name) -> Json:
    """Its own rules of retention."""
    return {"rules": [retention_json(rule) for rule in product.retention.rules(actor, repository)]}


@router.put("/repositories/{repository}/retention", responses=one(RetentionRules))
def set_retention(product: ProductNeeded, actor: ActorNeeded, repository: Name, body: RetentionBody) -> Json:
    """All of its own rules of retention, in place of those there were. A repository that is not there is made."""
    rules = retention_of(body.rules)
    product.retention.set_rules(actor, repository, rules)
    return {"rules": [retention_json(rule) for rule in rules]}


@router.post("/repositories/{repository}/retention/preview", responses=one(RetentionPreview))
def preview_retention(
    product: ProductNeeded,
    actor: ActorNeeded,
    repository: Name,
    body: PreviewBody = PreviewBody(),  # noqa: B008  it is frozen
    page: PageNumber = None,
    limit: Limit = None,
) -> Json:
    """What a run would do now: for each tag whether it stays, by which rule and why. `gone` counts the tags that go,
    `manifests` what goes because no tag needs it."""
    rules = None if body.rules is None else retention_of(body.rules)
    preview = product.retention.preview(actor, repository, rules)
    first, count = window(page, limit)
    answer: Json = {
        "items": [verdict_json(verdict) for verdict in preview.verdicts[first : first + count]],
        "total": len(preview.verdicts),
        "gone": preview.gone,
        "manifests": preview.manifests,
    }
    return answer | ({"next": (page or 1) + 1} if first + count < len(preview.verdicts) else {})


@router.post("/repositories/{repository}/retention/run", responses=started(RetentionDone))
async def run_retention(
    request: Request,
    product: ProductNeeded,
    streams: StreamsNeeded,
    actor: ActorNeeded,
    key: KeyNeeded,
    repository: Name,
) -> JSONResponse:
    """Let go of what its rules say, and those of the whole registry."""
    job = await run_in_threadpool(product.retention_runs.start, actor, repository, key)
    return await answered(request, product, streams, actor, job)


@router.post("/prune/repositories", responses=started(RetentionDone))
async def prune_repositories(
    request: Request, product: ProductNeeded, streams: StreamsNeeded, actor: ActorNeeded, key: KeyNeeded
) -> JSONResponse:
    """Let go of what the rules of retention say, in every repository: what Lading does by itself once a day."""
    job = await run_in_threadpool(product.retention_runs.start, actor, None, key)
    return await answered(request, product, streams, actor, job)


@router.post("/repositories/{repository}/promote", responses=one(Promoted))
def promote(product: ProductNeeded, actor: ActorNeeded, repository: Name, body: PromoteBody) -> Json:
    """Make a tag of another repository of it, with signatures and all that belongs to the image. No byte moves."""
    return promoted_json(product.promotions.promote(actor, repository, body.tag, body.to, body.to_tag))
