"""The first listener's application: the API, the pages that need no script, and what machines ask of us."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp

from lading import __version__
from lading.errors import InputInvalid, LadingError, StorageFailed, Unreachable
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames
from lading.fronts.rest_api.audit_stream import AuditStream
from lading.fronts.rest_api.doorkeeper import Doorkeeper, Observe
from lading.fronts.rest_api.job_streams import JobStreams
from lading.fronts.rest_api.pages import agents as agents_page
from lading.fronts.rest_api.pages import routes as pages
from lading.fronts.rest_api.pages import sign_on
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import refusal
from lading.fronts.rest_api.routes import (
    advisories,
    agents,
    audit,
    environments,
    images,
    jobs,
    machines,
    people,
    policies,
    registries,
    repositories,
    retention,
    scanners,
    scans,
    storage,
    transfers,
)
from lading.fronts.rest_api.rules import rule
from lading.fronts.rest_api.threads import share_out

log = logging.getLogger("lading.rest")

_KEY = "[key]"
"""Pydantic's word behind the name of an entry, where that name is what is wrong."""

Asgi = ASGIApp
"""What `application` gives, and a server runs."""


def application(
    product: Product, names: OurNames, forwarding: Forwarding, observe: Observe, public_url: str | None
) -> ASGIApp:
    """Everything that answers there, its doorkeeper in front; `public_url` is how others reach us, where that is
    configured."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        share_out(app)
        streams = JobStreams(product.news)
        audit_stream = AuditStream(product.audit_news, product.audit, beside=streams)
        app.state.product, app.state.streams, app.state.audit_stream = product, streams, audit_stream
        app.state.public_url = public_url
        try:
            yield
        finally:
            streams.close()
            audit_stream.close()

    app = FastAPI(
        title="Lading",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (
        transfers.router,
        jobs.router,
        scans.router,
        policies.router,
        images.router,
        registries.router,
        environments.router,
        agents.router,
        repositories.router,
        retention.router,
        storage.router,
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
    app.add_exception_handler(LadingError, _failed)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _routed_nowhere)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(Exception, _unforeseen)
    return Doorkeeper(app, names, forwarding, _reads_by_pieces, observe)


_BY_PIECES = {"POST": re.compile("/api/images/import"), "PATCH": re.compile("/api/images/imports/[^/]+")}


def _reads_by_pieces(method: str, path: str) -> bool:
    return method in _BY_PIECES and _BY_PIECES[method].fullmatch(path) is not None


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, LadingError)
    if isinstance(error, Unreachable):
        log.error("%s %s: %s", request.method, request.url.path, error)
    elif isinstance(error, StorageFailed):
        log.error("%s %s", request.method, request.url.path, exc_info=error)
    if _is_page(request):
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
    text = {404: "Not found", 405: f"{request.method} is not known here"}.get(error.status_code, error.detail)
    return JSONResponse({"error": text}, error.status_code, headers=error.headers)


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
    body = {"error": "Lading made a mistake", "code": "failed", "hint": f"See its log at {request.state.request}."}
    return JSONResponse(body, 500)


def _is_page(request: Request) -> bool:
    """Whether a person looks at it: neither an API nor a machine's address, and asked for as HTML."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
