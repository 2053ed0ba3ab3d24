"""What the pages have in common: a template rendered, a form read, a sentence, and a way to another page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import parse_qs, quote

from fastapi import Request
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse

from lading.errors import LadingError
from lading.fronts.rest_api.sub_path import base_of
from lading.services.access import Denied

T = TypeVar("T")

PLACE = "lading.fronts.rest_api.pages"
"""Where the templates are."""

_templates = Environment(loader=PackageLoader(PLACE, "."), autoescape=select_autoescape(), trim_blocks=True)


def page(request: Request, template: str, status: int = 200, **fields: object) -> HTMLResponse:
    """A template, filled in."""
    return HTMLResponse(_templates.get_template(template).render(base=base_of(request), **fields), status)


def elsewhere(request: Request, path: str) -> RedirectResponse:
    """To another page of ours."""
    return RedirectResponse(f"{base_of(request)}{path}", 303)


def login_first(request: Request) -> RedirectResponse:
    """To the login, and from there back to what was asked for."""
    path, query = request.scope["path"], request.url.query
    wanted = f"{path}?{query}" if query else path
    return elsewhere(request, f"/login?next={quote(wanted, safe='/')}" if request.method == "GET" else "/login")


def is_looked_at(request: Request) -> bool:
    """Whether a person does: it is asked for as HTML, and neither an API nor part of a page."""
    path = request.scope["path"]
    return not path.startswith(("/api/", "/assets/", "/pages/")) and "text/html" in request.headers.get("accept", "")


def seen(look: Callable[[], Iterable[T]]) -> Iterable[T]:
    """What the person may see; nothing, where that is nothing."""
    try:
        return look()
    except Denied:
        return ()


def sentence(error: LadingError) -> str:
    """What was wrong, for a page."""
    text = error.afar
    return f"{text[:1].upper()}{text[1:]}."


async def fields_of(request: Request) -> Mapping[str, str]:
    """The fields of an HTML form; of one that came twice, the last."""
    text = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, max_num_fields=50).items()}
