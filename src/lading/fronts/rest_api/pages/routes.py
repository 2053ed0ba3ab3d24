"""The pages: what a person sees before there is a web app, and without script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import TypeVar, cast
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Request
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lading import __version__
from lading.errors import LadingError
from lading.fronts.rest_api.answers import iso
from lading.fronts.rest_api.cookies import forget_session, session_of, set_session
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, SecureNeeded, VisitNeeded
from lading.fronts.rest_api.pages.reference import groups
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import status_of
from lading.fronts.rest_api.routes.machines import openapi
from lading.services.access import Actor, Denied, NotLoggedIn
from lading.services.job import Job
from lading.services.job_records import JobFilter
from lading.services.passwords import SHORTEST_PASSWORD
from lading.services.setup import SetupLinkOver

T = TypeVar("T")

router = APIRouter(include_in_schema=False)

_PLACE = "lading.fronts.rest_api.pages"
_templates = Environment(loader=PackageLoader(_PLACE, "."), autoescape=select_autoescape(), trim_blocks=True)
_STYLE = files(_PLACE).joinpath("style.css").read_bytes()
_SHOWN_JOBS = 20


@router.get("/")
def front_page(request: Request) -> Response:
    """There is no web app yet: the status page stands in."""
    return _elsewhere(request, "/status")


@router.get("/pages/style.css")
def style() -> Response:
    """How the pages look."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/setup")
def setup_page(request: Request, product: ProductNeeded, token: str = "") -> Response:
    """Where the one-time link leads."""
    if not product.setup.opens(token):
        raise SetupLinkOver
    return _page(request, "setup.html", token=token, username="admin", shortest=SHORTEST_PASSWORD)


@router.post("/setup")
async def set_up(request: Request, product: ProductNeeded, visit: VisitNeeded, secure: SecureNeeded) -> Response:
    """Make the first user, and log in."""
    form = await _form(request)
    token, username, password = form.get("token", ""), form.get("username", ""), form.get("password", "")

    def refused(text: str, status: int) -> Response:
        fields = {"token": token, "username": username, "shortest": SHORTEST_PASSWORD, "error": text}
        return _page(request, "setup.html", status, **fields)

    if password != form.get("again"):
        return refused("The two passwords differ.", 400)
    try:
        await run_in_threadpool(product.setup.finish, visit, token, username, password)
        session = await run_in_threadpool(product.authentication.login, visit, username, password, session_of(request))
    except SetupLinkOver:
        raise
    except LadingError as error:
        return refused(_sentence(error), status_of(error))
    response = _elsewhere(request, "/status")
    set_session(response, session, secure=secure)
    return response


@router.get("/login")
def login_page(request: Request, next: str = "") -> Response:  # noqa: A002  the form's word
    """Name and password."""
    return _page(request, "login.html", username="", next=_local(next))


@router.post("/login")
async def log_in(request: Request, product: ProductNeeded, visit: VisitNeeded, secure: SecureNeeded) -> Response:
    """Log in, and go where the person wanted to."""
    form = await _form(request)
    username, password, wanted = form.get("username", ""), form.get("password", ""), _local(form.get("next", ""))
    try:
        session = await run_in_threadpool(product.authentication.login, visit, username, password, session_of(request))
    except LadingError as error:
        fields = {"username": username, "next": wanted, "error": _sentence(error)}
        return _page(request, "login.html", status_of(error), **fields)
    response = _elsewhere(request, wanted or "/status")
    set_session(response, session, secure=secure)
    return response


@router.post("/logout")
def log_out(request: Request, product: ProductNeeded, visit: VisitNeeded, secure: SecureNeeded) -> Response:
    """End the session."""
    cookie = session_of(request)
    if cookie is not None:
        product.authentication.logout(visit, cookie)
    response = _elsewhere(request, "/login")
    forget_session(response, secure=secure)
    return response


@router.get("/status")
def status_page(request: Request, product: ProductNeeded, actor: ActorNeeded) -> Response:
    """What there is, as far as the person may see it."""
    if actor.user is None and not actor.grants:
        return _elsewhere(request, "/login")
    return _page(
        request,
        "status.html",
        version=__version__,
        actor=actor.name,
        origin=f"{request.url.scheme}://{request.url.netloc}",
        environments=[
            {"name": row.name, "kind": row.connection_type.value, "is_default": row.is_default}
            for row in _seen(lambda: product.environments.list(actor))
        ],
        registries=_seen(lambda: product.registries.list(actor)),
        jobs=_jobs(product, actor),
    )


@router.get("/api/docs")
def reference_page(request: Request) -> Response:
    """The API's reference, from the same document that programs read."""
    document = openapi(cast("FastAPI", request.app))
    return _page(request, "reference.html", version=__version__, groups=groups(document))


async def failed(request: Request, error: LadingError) -> Response:
    """A page that says what was wrong, and where to log in if that would help."""
    if isinstance(error, NotLoggedIn):
        return _elsewhere(request, "/login")
    title = "Permission denied" if isinstance(error, Denied) else "That did not work"
    return _page(request, "message.html", status_of(error), title=title, text=_sentence(error), hint=error.hint)


def _jobs(product: Product, actor: Actor) -> list[Mapping[str, object]]:
    return [_job(job) for job in _seen(lambda: product.jobs.page(actor, JobFilter(), 0, _SHOWN_JOBS).jobs)]


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


def _seen(look: Callable[[], Iterable[T]]) -> Iterable[T]:
    """What the person may see; nothing, where that is nothing."""
    try:
        return look()
    except Denied:
        return ()


def _page(request: Request, template: str, status: int = 200, **fields: object) -> HTMLResponse:
    base = request.scope.get("root_path", "")
    return HTMLResponse(_templates.get_template(template).render(base=base, **fields), status)


def _elsewhere(request: Request, path: str) -> RedirectResponse:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", 303)


def _local(path: str) -> str:
    """Where to go after a login, if that is a path here: a link may not send anybody to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else ""


def _sentence(error: LadingError) -> str:
    text = error.afar
    return f"{text[:1].upper()}{text[1:]}."


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of an HTML form; of one that came twice, the last."""
    text = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, max_num_fields=50).items()}
