"""The pages: what a person sees before there is a web app, and without script."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import cast

from fastapi import APIRouter, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from lading import __version__
from lading.errors import LadingError
from lading.fronts.rest_api.answers import iso
from lading.fronts.rest_api.cookies import forget_session, session_of, set_session
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, SecureNeeded, VisitNeeded
from lading.fronts.rest_api.pages.reference import groups
from lading.fronts.rest_api.pages.shown import PLACE, elsewhere, fields_of, page, seen, sentence
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import status_of
from lading.fronts.rest_api.routes.machines import openapi
from lading.services.access import Actor, Denied, NotLoggedIn
from lading.services.job import Job
from lading.services.job_records import JobFilter
from lading.services.passwords import SHORTEST_PASSWORD
from lading.services.setup import SetupLinkOver

router = APIRouter(include_in_schema=False)

_STYLE = files(PLACE).joinpath("style.css").read_bytes()
_SHOWN_JOBS = 20


@router.get("/")
def front_page(request: Request) -> Response:
    """There is no web app yet: the status page stands in."""
    return elsewhere(request, "/status")


@router.get("/pages/style.css")
def style() -> Response:
    """How the pages look."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/setup")
def setup_page(request: Request, product: ProductNeeded, token: str = "") -> Response:
    """Where the one-time link leads."""
    if not product.setup.opens(token):
        raise SetupLinkOver
    return page(request, "setup.html", token=token, username="admin", shortest=SHORTEST_PASSWORD)


@router.post("/setup")
async def set_up(request: Request, product: ProductNeeded, visit: VisitNeeded, secure: SecureNeeded) -> Response:
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
    response = elsewhere(request, "/status")
    set_session(response, session, secure=secure)
    return response


@router.get("/login")
def login_page(request: Request, product: ProductNeeded, next: str = "") -> Response:  # noqa: A002  the form's word
    """Name and password, or single sign-on."""
    return _login_page(request, product, next=local_path(next))


@router.post("/login")
async def log_in(request: Request, product: ProductNeeded, visit: VisitNeeded, secure: SecureNeeded) -> Response:
    """Log in, and go where the person wanted to."""
    form = await fields_of(request)
    username, password, wanted = form.get("username", ""), form.get("password", ""), local_path(form.get("next", ""))
    try:
        session = await run_in_threadpool(product.authentication.login, visit, username, password, session_of(request))
    except LadingError as error:
        fields = {"username": username, "next": wanted, "error": sentence(error)}
        return _login_page(request, product, status_of(error), **fields)
    response = elsewhere(request, wanted or "/status")
    set_session(response, session, secure=secure)
    return response


@router.post("/logout")
def log_out(request: Request, product: ProductNeeded, visit: VisitNeeded, secure: SecureNeeded) -> Response:
    """End the session."""
    cookie = session_of(request)
    if cookie is not None:
        product.authentication.logout(visit, cookie)
    response = elsewhere(request, "/login")
    forget_session(response, secure=secure)
    return response


@router.get("/status")
def status_page(request: Request, product: ProductNeeded, actor: ActorNeeded) -> Response:
    """What there is, as far as the person may see it."""
    if actor.user is None and not actor.grants:
        return elsewhere(request, "/login")
    return page(
        request,
        "status.html",
        version=__version__,
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
        return elsewhere(request, "/login")
    title = "Permission denied" if isinstance(error, Denied) else "That did not work"
    return page(request, "message.html", status_of(error), title=title, text=sentence(error), hint=error.hint)


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
