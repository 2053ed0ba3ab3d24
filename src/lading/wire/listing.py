"""Lists at a registry: tags, repositories and referrers, page by page (distribution-spec, Content Discovery).

    Link: </v2/app/tags/list?last=b&n=100>; rel="next"

A page names the next one in many spellings: relative or absolute, quoted or not, without the brackets. Whatever it
says is followed on the registry's own host only; whoever walks the pages stops at one that was seen before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from lading.errors import ProtocolBroken
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.document import DocumentInvalid
from lading.oci.manifest import Index, parse_manifest
from lading.oci.media_types import OCI_INDEX
from lading.oci.reference import ReferenceInvalid, check_path, check_tag, fallback_tag
from lading.wire.guard import authority
from lading.wire.json_answers import read_json
from lading.wire.locations import follow, locate
from lading.wire.manifests import Shelf, fetch
from lading.wire.message import Conversation, Request, Response
from lading.wire.registry_errors import refused
from lading.wire.registry_urls import Catalog, ReferrersOf, TagList, url

Entry = TypeVar("Entry")

PAGE_SIZE = 1000
"""How many entries to ask for at once: the most that Amazon ECR allows."""

_NO_REFERRERS_API = frozenset({400, 404, 405, 406, 501})
_LINK = re.compile(r"<?(?<![^<>,;\s])(?P<target>[^<>,;\s]++)>?\s*+;(?P<parameters>[^<>]*+)")
_NEXT = re.compile(r"""\brel\s*+=\s*+["']?\s*+next\b""", re.IGNORECASE)
"""Neither looks at a byte again that it has passed: a field may have hundreds of thousands."""


class ListUnreadable(ProtocolBroken):
    """An answer that should be a list of tags, repositories or referrers and is not."""

    def __init__(self, asked: str, reason: str) -> None:
        super().__init__(asked, reason)
        self.asked, self.reason = urlsplit(asked)._replace(query="").geturl(), reason

    def __str__(self) -> str:
        return f"{self.asked} answered no list: {self.reason}"


@dataclass(frozen=True, slots=True)
class Page(Generic[Entry]):
    """Entries of one page, and the URL of the next."""

    entries: tuple[Entry, ...]
    following: str | None


def tags(shelf: Shelf, after: str = "", page: str | None = None) -> Conversation[Page[str]]:
    """The tags after `after` (empty: all), or those of a further page; in order within a page.

    docker-registry 2.8 knows neither an order nor `last`: where `after` itself comes back, what precedes it is dropped.
    Digests, which Artifactory lists among tags, are dropped too. Raises ListUnreadable, and what `refused` makes.
    """
    found = yield from _names(page or _first(shelf.origin, TagList(shelf.path), after), "tags", check_tag)
    names = sorted(found.entries)
    return Page(tuple(names[names.index(after) + 1 :] if after in names else names), found.following)


def repositories(origin: str, page: str | None = None) -> Conversation[Page[str]]:
    """The catalog. Raises ListUnreadable, and what `refused` makes."""
    return _names(page or _first(origin, Catalog(), ""), "repositories", check_path)


def _first(origin: str, route: TagList | Catalog, after: str) -> str:
    if after:
        return url(origin, route, n=str(PAGE_SIZE), last=after)
    return url(origin, route, n=str(PAGE_SIZE))


def referrers(shelf: Shelf, subject: Digest, page: str | None = None) -> Conversation[Page[Descriptor]]:
    """What refers to `subject`: by the API, else by the fallback tag (Referrers Tag Schema).

    No filter is asked for: not all registries that take one obey it. Raises ListUnreadable, and what `refused` makes.
    """
    asking = Request("GET", page or url(shelf.origin, ReferrersOf(shelf.path, subject)), {"accept": OCI_INDEX})
    request, response = yield from follow(asking)
    if response.status in _NO_REFERRERS_API:
        return Page((yield from tagged_referrers(shelf, subject)), None)
    if response.status != 200:
        raise refused(request, response)
    return Page(_manifests(request.url, response.body), following(request, response))


def tagged_referrers(shelf: Shelf, subject: Digest) -> Conversation[tuple[Descriptor, ...]]:
    """What the index under the fallback tag lists; nothing where there is none."""
    tag = fallback_tag(subject)
    found = yield from fetch(shelf, tag)
    return () if found is None else _manifests(shelf.at(tag), found.raw)


def _manifests(asked: str, raw: bytes) -> tuple[Descriptor, ...]:
    try:
        index = parse_manifest(raw, OCI_INDEX)
    except DocumentInvalid as error:
        raise ListUnreadable(asked, str(error)) from error
    assert isinstance(index, Index)  # as no other type was allowed
    return index.manifests


def _names(page: str, member: str, check: Callable[[str, str], None]) -> Conversation[Page[str]]:
    request, response = yield from follow(Request("GET", page, {"accept": "application/json"}))
    if response.status != 200:
        raise refused(request, response)
    return Page(tuple(_read(request, response, member, check)), following(request, response))


def _read(request: Request, response: Response, member: str, check: Callable[[str, str], None]) -> Iterator[str]:
    """The names that pass `check`; `null` is an empty list, as Go writes it and Nexus sends it."""
    try:
        document = read_json(response.body)
    except ValueError as error:
        raise ListUnreadable(request.url, "it is not JSON") from error
    listed = document.get(member) if isinstance(document, dict) else None
    if not isinstance(listed, list | None):
        raise ListUnreadable(request.url, f"{member} is no list")
    for name in listed or ():
        if isinstance(name, str):
            try:
                check(name, name)
            except ReferenceInvalid:
                continue
            yield name


def following(request: Request, response: Response) -> str | None:
    """The next page's URL, on the host that was asked; None after the last (RFC 8288)."""
    for link in _LINK.finditer(response.headers.get("link", "")):
        if _NEXT.search(link["parameters"]):
            there = locate(request.url, link["target"])
            return there if authority(there) == authority(request.url) else None
    return None
