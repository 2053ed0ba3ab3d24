"""The /v2/ URL grammar (distribution-spec, Endpoints): built by the client, matched by the server.

    /v2/                              Root
    /v2/_catalog                      Catalog
    /v2/token                         TokenService    (ours: a repository's path ends in one of those below)
    /v2/<path>/tags/list              TagList
    /v2/<path>/manifests/<reference>  ManifestAt
    /v2/<path>/blobs/<digest>         BlobAt
    /v2/<path>/blobs/uploads/         UploadStart
    /v2/<path>/blobs/uploads/<id>     UploadAt
    /v2/<path>/referrers/<digest>     ReferrersOf

A route is a value whose `str()` is its path, so `match(str(route)) == route`. A path is read from its end, because
repositories may be called `tags` or `blobs/uploads` themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlencode

from lading.errors import InputInvalid
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported
from lading.oci.reference import HUB, ReferenceInvalid, check_path, check_tag
from lading.wire.registry_errors import Code

HUB_API_HOST = "registry-1.docker.io"
"""Where Docker Hub answers the registry protocol; `docker.io` is only its name in references."""

PREFIX = "/v2/"

_SESSION = re.compile(r"[A-Za-z0-9_.=~-]{1,256}")


class RouteInvalid(InputInvalid):
    """A path of the right shape whose repository, digest or tag breaks its own grammar; `fault` is the spec's code."""

    def __init__(self, fault: Code, text: str, reason: str) -> None:
        super().__init__(fault, text, reason)
        self.fault, self.text, self.reason = fault, text, reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Root:
    """Where a client asks whether it may come in (distribution-spec, Determining Support)."""

    def __str__(self) -> str:
        return PREFIX


@dataclass(frozen=True, slots=True)
class Catalog:
    """All repositories (Docker's registry API; the OCI specification leaves it out)."""

    def __str__(self) -> str:
        return f"{PREFIX}_catalog"


@dataclass(frozen=True, slots=True)
class TokenService:
    """Where our registry gives out tokens; others name a place of their own in the challenge."""

    def __str__(self) -> str:
        return f"{PREFIX}token"


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of one repository."""

    path: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}/tags/list"


@dataclass(frozen=True, slots=True)
class ManifestAt:
    """A manifest by tag (text) or by digest."""

    path: str
    reference: str | Digest

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}/manifests/{self.reference}"


@dataclass(frozen=True, slots=True)
class BlobAt:
    """A blob by digest."""

    path: str
    digest: Digest

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}/blobs/{self.digest}"


@dataclass(frozen=True, slots=True)
class UploadStart:
    """Where uploads and mounts begin."""

    path: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}/blobs/uploads/"


@dataclass(frozen=True, slots=True)
class UploadAt:
    """One upload; `session` is the registry's own name for it."""

    path: str
    session: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}/blobs/uploads/{self.session}"


@dataclass(frozen=True, slots=True)
class ReferrersOf:
    """The manifests whose subject is this digest."""

    path: str
    digest: Digest

    def __str__(self) -> str:
        return f"{PREFIX}{self.path}/referrers/{self.digest}"


Route = Root | Catalog | TokenService | TagList | ManifestAt | BlobAt | UploadStart | UploadAt | ReferrersOf


def match(path: str) -> Route | None:
    """The route of a request's path, still percent-encoded and without its query; None where there is none.

    Raises RouteInvalid.
    """
    return _match_again(path) if len(path) <= _REMEMBERED else _match(path)


def _match(path: str) -> Route | None:
    if path in {PREFIX, PREFIX.rstrip("/")}:
        return Root()
    if not path.startswith(PREFIX):
        return None
    segments = [unquote(segment) for segment in path[len(PREFIX) :].split("/")]
    if segments == ["_catalog"]:
        return Catalog()
    if segments == ["token"]:
        return TokenService()
    return _match_upload(segments) or _match_content(segments)


_REMEMBERED = 512
"""The longest path that is remembered: the memory for some thousands of them has a bound."""

_match_again = lru_cache(maxsize=4096)(_match)
"""Many hosts pull the same image at once, and clients ask for the same thing with HEAD and GET."""


def _match_upload(segments: list[str]) -> Route | None:
    match segments:
        case [*name, "blobs", "uploads"] | [*name, "blobs", "uploads", ""] if name:
            return UploadStart(_name(name))
        case [*name, "blobs", "uploads", session] if name and _SESSION.fullmatch(session):
            return UploadAt(_name(name), session)
        case _:
            return None


def _match_content(segments: list[str]) -> Route | None:
    match segments:
        case [*name, "tags", "list"] if name:
            return TagList(_name(name))
        case [*name, "manifests", reference] if name and reference:
            return ManifestAt(_name(name), _reference(reference))
        case [*name, "blobs", digest] if name and digest:
            return BlobAt(_name(name), _digest(digest))
        case [*name, "referrers", digest] if name and digest:
            return ReferrersOf(_name(name), _digest(digest))
        case _:
            return None


def _name(segments: list[str]) -> str:
    path = "/".join(segments)
    try:
        check_path(path, path)
    except ReferenceInvalid as error:
        raise RouteInvalid(Code.NAME_INVALID, path, str(error)) from error
    return path


def _reference(text: str) -> str | Digest:
    if ":" in text:
        return _digest(text)
    try:
        check_tag(text, text)
    except ReferenceInvalid as error:
        raise RouteInvalid(Code.MANIFEST_INVALID, text, str(error)) from error
    return text


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except (DigestInvalid, DigestUnsupported) as error:
        raise RouteInvalid(Code.DIGEST_INVALID, text, str(error)) from error


def api_host(registry: str) -> str:
    """Host[:port] that answers /v2/ for a registry's name in references."""
    return HUB_API_HOST if registry == HUB else registry


def url(origin: str, route: Route, **query: str) -> str:
    """The whole URL; `origin` is scheme://host[:port]. `from_` stands for the query `from`, which is a Python word."""
    pairs = {name.rstrip("_"): value for name, value in query.items()}
    return f"{origin}{route}" + (f"?{urlencode(pairs, safe=':/')}" if pairs else "")
