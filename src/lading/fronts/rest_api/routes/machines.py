"""What machines ask: whether we live, whether we can work, what we count, and how the API is described."""

from __future__ import annotations

import logging
from typing import cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from lading.errors import LadingError
from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded
from lading.fronts.rest_api.description import openapi
from lading.fronts.rest_api.shapes.machines import Description, Health
from lading.fronts.rest_api.told import file, one

log = logging.getLogger("lading.rest")

router = APIRouter(tags=["machines"])

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz", responses=one(Health))
@router.head("/healthz", include_in_schema=False, responses=one(Health))
async def healthy() -> Json:
    """The process lives and answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={**one(Health), **one(Health, 503, "It cannot work.")})
@router.head("/readyz", include_in_schema=False, responses=one(Health) | one(Health, 503, "It cannot work."))
def ready(product: ProductNeeded) -> JSONResponse:
    """It can work: its database answers. Why it does not, the log says: this is answered to strangers."""
    try:
        product.ready()
    except LadingError as error:
        log.warning("not ready: %s", error)
        return JSONResponse({"status": "not ready", "code": error.code}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/metrics", responses=file("text/plain"))
def metrics(product: ProductNeeded, actor: ActorNeeded) -> Response:
    """Counts and durations, for Prometheus; a token with `metrics:view` reads them."""
    return Response(product.metrics.read(actor), media_type=METRICS_TYPE)


@router.get("/api/openapi.json", responses=one(Description))
def description(request: Request) -> JSONResponse:
    """This API, described for programs."""
    return JSONResponse(openapi(cast("FastAPI", request.app)))
