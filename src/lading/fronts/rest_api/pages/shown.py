"""What the pages have in common: a template rendered, a form read, a sentence, and a way to another page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse

from lading.errors import LadingError
from lading.services.access import Denied

T = TypeVar("T")

PLACE = "lading.fronts.rest_api.pages"
"""Where the templates are."""

_templates = Environment(loader=PackageLoader(PLACE, "."), autoescape=select_autoescape(), trim_blocks=True)


def page(request: Request, template: str, status: int = 200, **fields: object) -> HTMLResponse:
    """A template, filled in."""
    base = request.scope.get("root_path", "")
    return HTMLResponse(_templates.get_template(template).render(base=base, **fields), status)


def elsewhere(request: Request, path: str) -> RedirectResponse:
    """To another page of ours."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", 303)


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
