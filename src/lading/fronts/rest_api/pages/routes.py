"""The pages: what a person sees without script, and the way to the app that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import cast
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from lading import __version__
from lading.errors import LadingError
from lading.fronts.rest_api.answers import iso
from lading.fronts.rest_api.cookies import forget_session, session_of, set_session
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, ServerNeeded, TrialCancelNeeded, VisitNeeded
from lading.fronts.rest_api.description import openapi
from lading.fronts.rest_api.pages.reference import groups
from lading.fronts.rest_api.pages.shown import (
    PLACE,
    elsewhere,
    fields_of,
    is_looked_at,
    login_first,
    page,
    seen,
    sentence,
)
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import headers_of, status_of
from lading.fronts.rest_api.web_app import WebApp
from lading.services.access import Actor, Denied, NotLoggedIn
from lading.services.identity.passwords import SHORTEST_PASSWORD
from lading.services.identity.setup import SetupLinkOver
from lading.services.jobs.job import Job
from lading.services.jobs.records import JobFilter

router = APIRouter(include_in_schema=False)

_STYLE, _MARK = (files(PLACE).joinpath(name).read_bytes() for name in ("style.css", "mark.svg"))
_SHOWN_JOBS = 20
_URL = ":/?#[]@!$&'()*+,=%~"
"""What stays of an address as it is; a semicolon would end it where browsers read this field."""


@router.get("/")
@router.head("/")
def front_page(request: Request) -> Response:
    """The web app; where it was not built, the status page stands in."""
    app = _web_app(request)
    return elsewhere(request, "/status") if app is None else app.page(request)


@router.get("/pages/style.css")
def style() -> Response:
    """How the pages look."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/pages/mark.svg")
def mark() -> Response:
    """What a browser shows beside the title."""
    return Response(_MARK, media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"})


@router.get("/setup")
def setup_page(request: Request, product: ProductNeeded, token: str = "") -> Response:
    """Where the one-time link leads."""
    if not product.setup.opens(token):
        raise SetupLinkOver
    return page(request, "setup.html", token=token, username="admin", shortest=SHORTEST_PASSWORD)


@router.post("/setup")
async def set_up(request: Request, product: ProductNeeded, visit: VisitNeeded) -> Response:
    """Make the first user, and log in."""
    form = await fields_of(request)
    token, username, password = form.get("token", ""), form.get("username", ""), form.get("password", "")

    def refused(text: str, status: int) -> Response:
        fields = {"token": token, "username": username, "shortest": SHORTEST_PASSWORD, "error": text}
        return page(request, "setup.html", status, **fields)

    if password != form.get("again"):
        return refused("The two passwords differ.", 400)
    try:
        await run_in_threadpool(product.setup.finish, visit, token, username, password)
        session = await run_in_threadpool(product.authentication.login, visit, username, password, session_of(request))
    except SetupLinkOver:
        raise
    except LadingError as error:
        return refused(sentence(error), status_of(error))
    response = elsewhere(request, "/")
    set_session(request, response, session)
    return response


@router.get("/login")
def login_page(request: Request, product: ProductNeeded, next: str = "") -> Response:  # noqa: A002  the form's word
    """Name and password, or single sign-on."""
    return _login_page(request, product, next=local_path(next))


@router.post("/login")
async def log_in(request: Request, product: ProductNeeded, visit: VisitNeeded) -> Response:
    """Log in, and go where the person wanted to."""
    form = await fields_of(request)
    username, password, wanted = form.get("username", ""), form.get("password", ""), local_path(form.get("next", ""))
    try:
        session = await run_in_threadpool(product.authentication.login, visit, username, password, session_of(request))
    except LadingError as error:
        fields = {"username": username, "next": wanted, "error": sentence(error)}
        return _login_page(request, product, status_of(error), **fields)
    response = elsewhere(request, wanted or "/")
    set_session(request, response, session)
    return response


@router.post("/logout")
def log_out(  # noqa: PLR0917  the framework passes a route's arguments by name
    request: Request,
    product: ProductNeeded,
    visit: VisitNeeded,
    actor: ActorNeeded,
    server: ServerNeeded,
    cancel: TrialCancelNeeded,
) -> Response:
    """End the session; of whoever came by single sign-on, the provider's as well, where it has a place for that."""
    cookie = session_of(request)
    if cookie is not None:
        product.authentication.logout(visit, cookie)
    onward = None
    if product.sign_on is not None and cookie is not None:
        onward = product.sign_on.leave(actor.user, f"{server}/login", cancel)
    response = elsewhere(request, "/login") if onward is None else _logged_out(request, onward)
    forget_session(request, response)
    return response


def _logged_out(request: Request, onward: str) -> Response:
    """A page that goes on by itself: of a form, browsers follow no redirection to another site (CSP, form-action)."""
    response = page(request, "message.html", title="Logged out", text="The provider of single sign-on is told as well.")
    response.headers["Refresh"] = f"0; url={quote(onward, safe=_URL)}"
    return response


@router.get("/status")
def status_page(request: Request, product: ProductNeeded, actor: ActorNeeded) -> Response:
    """What there is, as far as the person may see it."""
    if actor.user is None and not actor.grants:
        return login_first(request)
    return page(
        request,
        "status.html",
        version=__version__,
        built=_web_app(request) is not None,
        actor=actor.name,
        origin=f"{request.url.scheme}://{request.url.netloc}",
        environments=[
            {"name": row.name, "kind": row.connection_type.value, "is_default": row.is_default}
            for row in seen(lambda: product.environments.list(actor))
        ],
        registries=seen(lambda: product.registries.list(actor)),
        jobs=_jobs(product, actor),
    )


@router.get("/api/docs")
def reference_page(request: Request) -> Response:
    """The API's reference, from the same document that programs read."""
    document = openapi(cast("FastAPI", request.app))
    return page(request, "reference.html", version=__version__, groups=groups(document))


def login_failed(request: Request, product: Product, error: LadingError) -> Response:
    """The login page, which says what was wrong."""
    return _login_page(request, product, status_of(error), error=sentence(error), hint=error.hint)


def _login_page(request: Request, product: Product, status: int = 200, **fields: object) -> HTMLResponse:
    sign_on = None if product.sign_on is None else product.sign_on.name
    return page(request, "login.html", status, **{"username": "", "next": "", "sign_on": sign_on, **fields})


async def failed(request: Request, error: LadingError) -> Response:
    """A page that says what was wrong, and where to log in if that would help."""
    if isinstance(error, NotLoggedIn):
        return login_first(request)
    title = "Permission denied" if isinstance(error, Denied) else "That did not work"
    shown = page(request, "message.html", status_of(error), title=title, text=sentence(error), hint=error.hint)
    shown.headers.update(headers_of(error) or {})
    return shown


def said(request: Request, status: int, text: str, hint: str) -> Response:
    """A page for what no error of ours stands for."""
    return page(request, "message.html", status, title="That did not work", text=text, hint=hint)


def nowhere(request: Request, status: int) -> Response | None:
    """Where no route is for it: a file of the app's, or the app itself, which knows paths of its own; without one, a
    page that says so. None for whoever does not look at pages."""
    app = _web_app(request) if request.method in {"GET", "HEAD"} else None
    file = app.file(request) if app else None
    if file is not None or not is_looked_at(request):
        return file
    return app.page(request) if app else page(request, "message.html", status, title="There is no such page", text="")


def _web_app(request: Request) -> WebApp | None:
    return cast("WebApp | None", request.app.state.web_app)


def _jobs(product: Product, actor: Actor) -> list[Mapping[str, object]]:
    return [_job(job) for job in seen(lambda: product.jobs.page(actor, JobFilter(), 0, _SHOWN_JOBS).jobs)]


def _job(job: Job) -> Mapping[str, object]:
    fields = job.request.fields
    targets = fields.get("targets")
    what = targets[0] if isinstance(targets, list | tuple) and targets else fields.get("image", "")
    return {
        "created": iso(job.created),
        "kind": job.request.kind,
        "what": what,
        "owner": job.owner_name,
        "state": job.state.value,
        "error": (job.result or {}).get("error"),
    }


def local_path(path: str) -> str:
    """Where to go after a login, if that is a path here: a link may not send anybody to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else ""
