"""The first listener's application: the API, the pages that need no script, and what machines ask of us."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp

from lading import __version__
from lading.errors import InputInvalid, LadingError, StorageFailed, Unavailable, Unreachable
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames
from lading.fronts.rest_api.audit_stream import AuditStream
from lading.fronts.rest_api.board_streams import BoardStreams
from lading.fronts.rest_api.description import openapi, operation_id
from lading.fronts.rest_api.doorkeeper import Doorkeeper, Observe
from lading.fronts.rest_api.job_streams import JobStreams
from lading.fronts.rest_api.pages import agents as agents_page
from lading.fronts.rest_api.pages import routes as pages
from lading.fronts.rest_api.pages import sign_on
from lading.fronts.rest_api.pages.shown import is_looked_at
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import refusal
from lading.fronts.rest_api.routes import (
    advisories,
    agents,
    audit,
    environments,
    images,
    insides,
    jobs,
    machines,
    overview,
    people,
    policies,
    previews,
    registries,
    repositories,
    retention,
    scanners,
    scans,
    statistics,
    storage,
    transfers,
    trust,
)
from lading.fronts.rest_api.rules import rule
from lading.fronts.rest_api.threads import share_out
from lading.fronts.rest_api.web_app import WebApp

log = logging.getLogger("lading.rest")

_KEY = "[key]"
"""Pydantic's word behind the name of an entry, where that name is what is wrong."""

Asgi = ASGIApp
"""What `application` gives, and a server runs."""


def application(
    product: Product,
    names: OurNames,
    forwarding: Forwarding,
    observe: Observe,
    *,
    public_url: str | None,
    web_app: WebApp | None = None,
) -> ASGIApp:
    """Everything that answers there, its doorkeeper in front; `public_url` is how others reach us, where that is
    configured, and `web_app` what people look at, where it was built."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        share_out(app)
        streams = JobStreams(product.news)
        board_streams = BoardStreams(product.news, product.job_looks)
        audit_stream = AuditStream(product.audit_news, product.audit, beside=(streams, board_streams))
        app.state.product, app.state.streams, app.state.audit_stream = product, streams, audit_stream
        app.state.board_streams = board_streams
        app.state.public_url, app.state.web_app = public_url, web_app
        try:
            yield
        finally:
            streams.close()
            board_streams.close()
            audit_stream.close()

    app = _routed(lifespan)
    app.add_exception_handler(LadingError, _failed)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _routed_nowhere)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(Exception, _unforeseen)
    return Doorkeeper(app, names, forwarding, _reads_by_pieces, observe)


def description() -> Mapping[str, object]:
    """The API's, for who has no server at hand (`lading openapi`)."""
    return openapi(_routed())


def _routed(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    app = FastAPI(
        title="Lading",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    for router in (
        transfers.router,
        previews.router,
        jobs.router,
        scans.router,
        policies.router,
        insides.router,
        images.router,
        registries.router,
        environments.router,
        agents.router,
        repositories.router,
        retention.router,
        trust.router,
        storage.router,
        statistics.router,
        overview.router,
        advisories.router,
        scanners.router,
        people.router,
        sign_on.router,
        audit.router,
        machines.router,
        pages.router,
        agents_page.router,
    ):
        app.include_router(router)
    return app


_BY_PIECES = {"POST": re.compile("/api/images/import"), "PATCH": re.compile("/api/images/imports/[^/]+")}


def _reads_by_pieces(method: str, path: str) -> bool:
    return method in _BY_PIECES and _BY_PIECES[method].fullmatch(path) is not None


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, LadingError)
    if isinstance(error, Unavailable):
        pass  # told where it is noticed, once
    elif isinstance(error, Unreachable):
        log.error("%s %s: %s", request.method, request.url.path, error)
    elif isinstance(error, StorageFailed):
        log.error("%s %s", request.method, request.url.path, exc_info=error)
    if is_looked_at(request):
        return await pages.failed(request, error)
    return refusal(error, transfer=transfers.TAG in getattr(request.scope.get("route"), "tags", ()))


async def _not_understood(request: Request, error: Exception) -> Response:
    """The first field that is wrong, by its path, and the rule that it breaks."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    kind, *place = first["loc"]
    if kind == "body" and (not place or first["type"] == "json_invalid"):
        hint = None if _is_json(request) else "Send it with Content-Type: application/json."
        return _wrong("The body is not a JSON object", hint)
    named = ".".join(str(part) for part in place if part != _KEY)
    return _wrong(f"{named} {rule(first['type'], first.get('ctx', {}))}")


async def _routed_nowhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # the framework's word for a body that JSON's reader gave up on
        return _wrong("The body is not a JSON object")
    shown = pages.nowhere(request, error.status_code) if error.status_code in _NOWHERE else None
    if shown is not None:
        return shown
    text = {404: "Not found", 405: f"{request.method} is not known here"}.get(error.status_code, error.detail)
    return JSONResponse({"error": text}, error.status_code, headers=error.headers)


_NOWHERE = {404, 405}
"""Said by the router alone: no route is for that path, or for that method there."""


def _wrong(text: str, hint: str | None = None) -> Response:
    told = {"error": text, "code": InputInvalid.code, "hint": hint}
    return JSONResponse({name: each for name, each in told.items() if each is not None}, 400)


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def _hung_up(request: Request, error: Exception) -> Response:  # noqa: ARG001  Starlette's signature
    """Nobody reads this."""
    return Response(status_code=400)


async def _unforeseen(request: Request, error: Exception) -> Response:
    """A mistake of ours: what it was goes to the log alone."""
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    text, hint = "Lading made a mistake", f"See its log at {request.state.request}."
    if is_looked_at(request):
        return pages.said(request, 500, f"{text}.", hint)
    return JSONResponse({"error": text, "code": "failed", "hint": hint}, 500)
