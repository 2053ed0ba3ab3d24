"""What a push or a pull would come to, by the same rules, before it is asked for."""

from __future__ import annotations

from fastapi import APIRouter

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.bodies import PullBody, PushBody
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ProductNeeded
from lading.fronts.rest_api.routes.transfers import EnvironmentId, pull_form, push_form
from lading.fronts.rest_api.shapes.previews import PullPreview, PushPreview
from lading.fronts.rest_api.told import one
from lading.services.work.previews import Preview

router = APIRouter(prefix="/api/images", tags=["transfers"])


@router.post("/push/preview", responses=one(PushPreview))
def preview_push(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    environment: EnvironmentId = None,
    body: PushBody = PushBody(),  # noqa: B008  it is frozen
) -> Json:
    """Where a push with the same body would go, who would log in there, and what is wrong with it. No registry and no
    Docker host is asked, and nothing is begun."""
    found = product.previews.push(actor, environment, push_form(body), cancel)
    targets = [target.familiar for target in found.targets]
    return {"target": targets[0] if targets else None, "targets": targets, **_told(found)}


@router.post("/pull/preview", responses=one(PullPreview))
def preview_pull(
    product: ProductNeeded,
    actor: ActorNeeded,
    environment: EnvironmentId = None,
    body: PullBody = PullBody(),  # noqa: B008  it is frozen
) -> Json:
    """What a pull with the same body would bring, who would log in there, and what is wrong with it."""
    found = product.previews.pull(actor, environment, pull_form(body))
    return {"reference": found.targets[0].familiar if found.targets else None, **_told(found)}


def _told(found: Preview) -> Json:
    row = found.registry
    return {
        "registry": None if row is None else {"id": row.id, "name": row.name},
        "credential": found.credential,
        "problems": [{"field": each.field, "text": each.text} for each in found.problems],
    }
