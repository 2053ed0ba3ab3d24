"""Manifests at a registry: found for one HEAD, read whole, put and proven (distribution-spec, Pulling and Pushing
Manifests).

    HEAD answers                                        then
    200 with digest, length and a manifest's type       found
    200 without one of them (proxies, old registries)   GET, and look for ourselves
    403 405 or other refusals                           GET: some answer HEAD worse than GET, or only GET with a reason
    404                                                 not there

What a registry says of its content is believed where it is asked for a name, and checked wherever the bytes are seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lading.errors import ProtocolBroken
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.oci.manifest import SchemaOneRefused, parse_manifest
from lading.oci.media_types import MANIFEST_TYPES, essence, is_document, is_schema1
from lading.wire.download import check_encoding, content_length
from lading.wire.locations import follow
from lading.wire.message import BytesContent, ConnectionLost, Conversation, Request, Response, Stalled
from lading.wire.registry_errors import refused
from lading.wire.registry_urls import ManifestAt, url
from lading.wire.retry import TRANSIENT

ACCEPT = ", ".join(MANIFEST_TYPES)

_ASK_BY_GET = frozenset({400, 403, 405, 406, 501})


class DigestWrong(ProtocolBroken):
    """The registry says that a manifest has another digest than it was asked for, or given, under."""

    def __init__(self, host: str, expected: Digest, answered: Digest) -> None:
        super().__init__(host, expected, answered)
        self.host, self.expected, self.answered = host, expected, answered

    def __str__(self) -> str:
        return f"{self.host} calls {self.expected} by another digest, {self.answered}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One repository's manifests: `origin` is scheme://host[:port], `path` the repository."""

    origin: str
    path: str

    def at(self, reference: str | Digest) -> str:
        """The URL of a manifest."""
        return url(self.origin, ManifestAt(self.path, reference))

    @property
    def host(self) -> str:
        """Who answers."""
        return urlsplit(self.origin).netloc


def find(shelf: Shelf, reference: str | Digest) -> Conversation[Descriptor | None]:
    """What a tag or digest names; None where it names nothing. Raises what `refused` makes, DigestWrong."""
    asked, response = yield from follow(Request("HEAD", shelf.at(reference), _asking()))
    if response.status == 404:
        return None
    if response.status == 200:
        found = _described(shelf, reference, response)
        if found is not None:
            return found
    elif response.status not in _ASK_BY_GET:
        raise refused(asked, response)
    raw = yield from fetch(shelf, reference)
    return None if raw is None else _seen(raw, reference)


def fetch(shelf: Shelf, reference: str | Digest) -> Conversation[Fetched | None]:
    """The manifest's bytes; None where there are none.

    Raises DigestMismatch where they are not what the registry or the digest asked for says, and what `refused` makes.
    """
    asked, response = yield from follow(Request("GET", shelf.at(reference), _asking()))
    if response.status == 404:
        return None
    if response.status != 200:
        raise refused(asked, response)
    check_encoding(asked, response)
    said = reference if isinstance(reference, Digest) else _digest(response.headers)
    if said is not None:
        computed = Digest.of(response.body, said.algorithm)
        if computed != said:
            raise DigestMismatch(said, computed)
    return Fetched(response.body, essence(response.headers.get("content-type", "")))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A manifest as it came; `said` is the media type of the answer, which may be anything."""

    raw: bytes
    said: str

    @property
    def media_type(self) -> str:
        """What it is: as the answer says where that is a manifest's type, else as the document does.

        Some registries serve manifests as text/plain. Raises ManifestInvalid, SchemaOneRefused.
        """
        return self.said if is_document(self.said) else parse_manifest(self.raw, self.said).media_type


def put(shelf: Shelf, descriptor: Descriptor, raw: bytes, reference: str | Digest) -> Conversation[Mapping[str, str]]:
    """Put the bytes under a tag or their digest; the headers of the answer.

    Where the answer got lost, or is a proxy's, it is asked what stands there before anything is sent again.
    Raises DigestWrong, and what `refused` makes.
    """
    headers = {"content-type": descriptor.media_type}
    request = Request("PUT", shelf.at(reference), headers, BytesContent(raw), answer_seconds=120.0)
    while True:
        try:
            response = yield request
        except (ConnectionLost, Stalled):
            pass
        else:
            if response.status in {200, 201, 202, 204}:
                return _taken(shelf, descriptor, raw, response.headers)
            if response.status not in TRANSIENT:
                raise refused(request, response)
        found = yield from find(shelf, reference)
        if found is not None and is_content(raw, found.digest):
            return {}


def _taken(shelf: Shelf, descriptor: Descriptor, raw: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    said = _digest(headers)
    if said is not None and not is_content(raw, said):
        raise DigestWrong(shelf.host, descriptor.digest, said)
    return headers


def is_content(raw: bytes, digest: Digest) -> bool:
    """Whether the digest, of whichever algorithm the registry prefers, is that of these bytes."""
    return Digest.of(raw, digest.algorithm) == digest


def remove(shelf: Shelf, reference: str | Digest) -> Conversation[bool]:
    """Delete a tag, or a manifest with all its tags; False where it was not there. Raises what `refused` makes."""
    request = Request("DELETE", shelf.at(reference))
    lost = False
    while True:
        try:
            response = yield request
        except (ConnectionLost, Stalled):
            lost = True
            continue
        if response.status in {200, 202, 204}:
            return True
        if response.status == 404:
            return lost
        if response.status not in TRANSIENT:
            raise refused(request, response)


def _asking() -> dict[str, str]:
    return {"accept": ACCEPT, "accept-encoding": "identity"}


def _described(shelf: Shelf, reference: str | Digest, response: Response) -> Descriptor | None:
    """From the headers alone; None where they do not tell everything. Raises DigestWrong, SchemaOneRefused."""
    media_type = essence(response.headers.get("content-type", ""))
    if is_schema1(media_type):
        raise SchemaOneRefused
    digest, length = _digest(response.headers), content_length(response.headers)
    if not is_document(media_type) or not length:
        return None
    if isinstance(reference, Digest):
        if digest is not None and digest.algorithm is reference.algorithm and digest != reference:
            raise DigestWrong(shelf.host, reference, digest)
        return Descriptor(media_type, reference, length)
    return None if digest is None else Descriptor(media_type, digest, length)


def _seen(fetched: Fetched, reference: str | Digest) -> Descriptor:
    algorithm = reference.algorithm if isinstance(reference, Digest) else Algorithm.SHA256
    return Descriptor(fetched.media_type, Digest.of(fetched.raw, algorithm), len(fetched.raw))


def _digest(headers: Mapping[str, str]) -> Digest | None:
    """Docker-Content-Digest, where it is there and can be read."""
    return Digest.if_valid(headers.get("docker-content-digest", "").strip())
