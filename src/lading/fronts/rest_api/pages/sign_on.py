"""Single sign-on: a browser goes to the provider, and comes back with what proves who it is."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from lading.errors import LadingError
from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.cookies import (
    begun_of,
    forget_begun,
    session_of,
    set_begun,
    set_session,
)
from lading.fronts.rest_api.dependencies import (
    ProductNeeded,
    ServerNeeded,
    TrialCancelNeeded,
    VisitNeeded,
)
from lading.fronts.rest_api.pages.routes import local_path, login_failed
from lading.fronts.rest_api.pages.shown import elsewhere
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import refusal
from lading.fronts.rest_api.shapes.accounts import SignOn
from lading.fronts.rest_api.told import one
from lading.services.access import NotLoggedIn
from lading.services.identity.sign_on_secrets import LONGEST_SHOWN
from lading.services.identity.single_sign_on import BroughtBack, SignOnOff, SingleSignOn

log = logging.getLogger("lading.rest")

router = APIRouter(prefix="/api/auth/oidc", tags=["people"])

CALLBACK = "/api/auth/oidc/callback"
"""Where the provider sends browsers back to, below the server's URL: what is registered with it."""

Shown = Annotated[str, Query(max_length=LONGEST_SHOWN)]


async def sign_on_of(product: ProductNeeded) -> SingleSignOn:
    """Raises SignOnOff."""
    if product.sign_on is None:
        raise SignOnOff
    return product.sign_on


SignOnNeeded = Annotated[SingleSignOn, Depends(sign_on_of)]


@router.get("", responses=one(SignOn))
def sign_on(product: ProductNeeded) -> Json:
    """Whether there is single sign-on here, what people call it, and where it begins; for whoever is not logged in."""
    if product.sign_on is None:
        return {"enabled": False, "name": None, "login": None}
    return {"enabled": True, "name": product.sign_on.name, "login": "/api/auth/oidc/login"}


@router.get("/login", status_code=303, response_class=RedirectResponse)
def begin(  # noqa: PLR0917  the framework passes a route's arguments by name
    request: Request,
    sign_on: SignOnNeeded,
    product: ProductNeeded,
    server: ServerNeeded,
    cancel: TrialCancelNeeded,
    next: Shown = "",  # noqa: A002  as of the login page
) -> Response:
    """Where a browser logs in; `next` is a path here to go to afterwards."""
    try:
        begun = sign_on.begin(f"{server}{CALLBACK}", cancel)
    except LadingError as error:
        return _failed(request, product, error)
    response = RedirectResponse(begun.url, 303)
    set_begun(request, response, begun.secret, local_path(next))
    return response


@router.get("/callback", status_code=303, response_class=RedirectResponse)
def finish(  # noqa: PLR0917  the framework passes a route's arguments by name
    request: Request,
    sign_on: SignOnNeeded,
    product: ProductNeeded,
    visit: VisitNeeded,
    server: ServerNeeded,
    cancel: TrialCancelNeeded,
    state: Shown = "",
    code: Shown = "",
    iss: Shown | None = None,
    error: Shown = "",
) -> Response:
    """Where the provider sends the browser; the answer sets the session cookie."""
    secret, wanted = begun_of(request)
    brought = BroughtBack(state, code, iss, error)
    try:
        session = sign_on.finish(visit, brought, secret, f"{server}{CALLBACK}", cancel, cookie=session_of(request))
    except LadingError as failed:
        response = _failed(request, product, failed)
    else:
        response = elsewhere(request, local_path(wanted) or "/")
        set_session(request, response, session)
    forget_begun(request, response)
    return response


def _failed(request: Request, product: Product, error: LadingError) -> Response:
    """The login page, where a person looks at it. What is wrong with the provider, or with us there, is the operator's
    to mend."""
    if not isinstance(error, NotLoggedIn):
        log.error("single sign-on: %s", error)
    if "text/html" in request.headers.get("accept", ""):
        return login_failed(request, product, error)
    return refusal(error)
