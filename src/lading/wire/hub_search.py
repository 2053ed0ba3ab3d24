"""Docker Hub's search: an interface of its own beside the registry protocol, the one that `docker search` asks.

    GET https://index.docker.io/v1/search?q=nginx&n=100
    {"results": [{"name": "nginx", "description": "…", "star_count": 20000, "is_official": true}, …]}

Nobody logs in for it, and it knows public repositories alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from lading.oci.reference import HUB, ReferenceInvalid, Repository, check_path
from lading.wire.json_answers import read_json
from lading.wire.listing import ListUnreadable
from lading.wire.locations import follow
from lading.wire.message import Conversation, Request, Response
from lading.wire.registry_errors import refused

SEARCH_URL = "https://index.docker.io/v1/search"
MOST_HITS = 100
"""As many as Hub gives at a time."""

LONGEST_DESCRIPTION = 1000


@dataclass(frozen=True, slots=True)
class Hit:
    """A public repository; `stars` is how many people marked it, `official` means that Docker looks after it."""

    repository: Repository
    description: str
    stars: int
    official: bool


def search(term: str) -> Conversation[tuple[Hit, ...]]:
    """In Hub's order, the best first. Raises ListUnreadable, and what `refused` makes."""
    asking = Request("GET", f"{SEARCH_URL}?{urlencode({'q': term, 'n': MOST_HITS})}", {"accept": "application/json"})
    request, response = yield from follow(asking)
    if response.status != 200:
        raise refused(request, response)
    return tuple(_hits(request, response))


def _hits(request: Request, response: Response) -> Iterator[Hit]:
    try:
        document = read_json(response.body)
    except ValueError as error:
        raise ListUnreadable(request.url, "it is not JSON") from error
    found = document.get("results") if isinstance(document, dict) else None
    if not isinstance(found, list | None):
        raise ListUnreadable(request.url, "results is no list")
    for row in found or ():
        hit = _hit(row) if isinstance(row, dict) else None
        if hit is not None:
            yield hit


def _hit(row: dict[str, object]) -> Hit | None:
    """None where the name is none: it goes into references."""
    name, description, stars = row.get("name"), row.get("description"), row.get("star_count")
    if not isinstance(name, str):
        return None
    path = name if "/" in name else f"library/{name}"
    try:
        check_path(path, path)
    except ReferenceInvalid:
        return None
    return Hit(
        Repository(HUB, path),
        description[:LONGEST_DESCRIPTION] if isinstance(description, str) else "",
        stars if isinstance(stars, int) else 0,
        row.get("is_official") is True,
    )
