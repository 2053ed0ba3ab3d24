"""What wants somebody's attention, and what this server was set to."""

from __future__ import annotations

from fastapi import APIRouter

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded
from lading.fronts.rest_api.shapes.overview import Overview, ServerSetting
from lading.fronts.rest_api.told import array, one

router = APIRouter(prefix="/api", tags=["overview"])


@router.get("/overview", responses=one(Overview))
def overview(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """Logins that end soon, environments that do not answer, findings, storage and rate limits: each as far as you may
    see it, null where not at all."""
    return product.overview.of(actor)


@router.get("/settings/server", responses=array(ServerSetting))
def list_server_settings(product: ProductNeeded, actor: ActorNeeded) -> list[Json]:
    """What the server was set to when it began, and by whom. Of secrets only whether they are set."""
    return [each.json for each in product.server_settings.list(actor)]
