"""What machines ask: whether we live, whether we can work, what we count, and how the API is described."""

from __future__ import annotations

import logging
from typing import cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from lading.errors import LadingError
from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded

log = logging.getLogger("lading.rest")

router = APIRouter(tags=["machines"])

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
@router.head("/healthz", include_in_schema=False)
async def healthy() -> Json:
    """The process lives and answers."""
    return {"status": "ok"}


@router.get("/readyz")
@router.head("/readyz", include_in_schema=False)
def ready(product: ProductNeeded) -> JSONResponse:
    """It can work: its database answers. Why it does not, the log says: this is answered to strangers."""
    try:
        product.ready()
    except LadingError as error:
        log.warning("not ready: %s", error)
        return JSONResponse({"status": "not ready", "code": error.code}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/metrics")
def metrics(product: ProductNeeded, actor: ActorNeeded) -> Response:
    """Counts and durations, for Prometheus; a token with `metrics:view` reads them."""
    return Response(product.metrics.read(actor), media_type=METRICS_TYPE)


@router.get("/api/openapi.json")
def description(request: Request) -> JSONResponse:
    """This API, described for programs."""
    return JSONResponse(openapi(cast("FastAPI", request.app)))


def openapi(app: FastAPI) -> Json:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, routes=app.routes, summary="Move container images."
        )
        document["components"]["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            "token": {"type": "http", "scheme": "bearer"},
        }
        document["security"] = [{"session": []}, {"token": []}]
        app.openapi_schema = document
    return app.openapi_schema
