"""A client that pushes to our registry in every way there is, and remembers what it was told."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from tests.fronts.registry_api.asking import artifact, digest_of, index, manifest

REPOSITORY, OTHER = "team/app", "other/app"
SECONDS = 30.0


class Gone(Exception):
    """The connection ended before the answer: whether it was done, nobody said."""


@dataclass(frozen=True)
class Told:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Memory:
    """What must be true of the registry. A tag may be at one of several digests while a request is on its way; None:
    there is no such tag."""

    tags: dict[str, set[str | None]] = field(default_factory=dict)
    manifests: set[str] = field(default_factory=set)

    def begin(self, tag: str, digest: str | None) -> None:
        self.tags[tag] = self.tags.get(tag, {None}) | {digest}

    def done(self, tag: str, digest: str | None) -> None:
        self.tags[tag] = {digest}
        if digest is not None:
            self.manifests.add(digest)


class Refused(Exception):
    """Answered 5xx: as clients do, what was being done is begun again."""


class Client:
    """One connection, opened again where it broke. What was answered 5xx is asked once more where `refused` is given,
    which hears of it first. `login` is what an Authorization header holds."""

    def __init__(self, port: int, refused: Callable[[], None] | None = None, login: str = "") -> None:
        self._port, self._refused = port, refused
        self._login = {"Authorization": login} if login else {}
        self._connection: http.client.HTTPConnection | None = None
        self.refusals: list[Told] = []

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Told:
        """The answer, of whatever status below 500. Raises Gone, Refused."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        told = self._once(method, path, body, fields)
        if told.status >= 500:
            self.refusals.append(told)
            raise Refused(f"{method} {path} answered {told.status}")
        return told

    def insist(self, step: Callable[[], None]) -> None:
        """Do this, and where it was refused do it again. Raises Gone, Refused where it is refused again."""
        try:
            step()
        except Refused:
            if self._refused is None:
                raise
            self._refused()
            step()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Told:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        try:
            self._connection.request(method, path, body, {**self._login, **headers})
            answer = self._connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Told(answer.status, found, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Gone from error


LAYERS = [bytes([number]) * (30_000 + number) for number in range(4)]
CONFIG = b"{}"
FIRST, SECOND = manifest(LAYERS[0]), manifest(LAYERS[1])
BOTH = index(FIRST, SECOND)
SIGNATURE = artifact(FIRST, "application/x-signature")


def push_all(client: Client, memory: Memory) -> None:
    """Every way to push, move, mount, cancel and delete, one after the other. Raises Gone, Refused."""
    blobs = f"/v2/{REPOSITORY}/blobs"
    for step in (
        lambda: _single(client, blobs, CONFIG),
        lambda: _chunked(client, blobs, LAYERS[0]),
        lambda: _put(client, memory, FIRST, "one"),
        lambda: _monolithic(client, blobs, LAYERS[1]),
        lambda: _put(client, memory, SECOND, "two"),
        lambda: _put(client, memory, SECOND, "one"),  # moves
        lambda: _put(client, memory, FIRST, digest_of(FIRST), tags=("three", "four")),
        lambda: _put(client, memory, BOTH, "both", media_type=OCI_INDEX),
        lambda: _put(client, memory, SIGNATURE, digest_of(SIGNATURE)),
        lambda: _mounted(client, CONFIG),
        lambda: _mounted(client, LAYERS[1]),
        lambda: _put(client, memory, SECOND, "one", repository=OTHER),
        lambda: _cancelled(client, blobs, LAYERS[2]),
        lambda: _begun(client, blobs, LAYERS[3]),
        lambda: _delete_tag(client, memory, "four"),
    ):
        client.insist(step)


def delete_some(client: Client, memory: Memory) -> None:
    """So that there is something to collect: an index, and one of its two images."""
    for raw, tags in ((BOTH, ("both",)), (SECOND, ("two", "one"))):
        _expect(client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{digest_of(raw)}"), 202)
        memory.manifests.discard(digest_of(raw))
        for tag in tags:
            memory.tags[f"{REPOSITORY}:{tag}"] = {None}
    _expect(client.ask("DELETE", f"/v2/{OTHER}/manifests/{digest_of(SECOND)}"), 202)
    memory.tags[f"{OTHER}:one"] = {None}


def _single(client: Client, blobs: str, content: bytes) -> None:
    _expect(client.ask("POST", f"{blobs}/uploads/?digest={digest_of(content)}", content), 201)


def _monolithic(client: Client, blobs: str, content: bytes) -> None:
    place = _begin(client, blobs)
    _expect(client.ask("PUT", f"{place}?digest={digest_of(content)}", content), 201)


def _chunked(client: Client, blobs: str, content: bytes) -> None:
    place = _begin(client, blobs)
    offset = 0
    while offset < len(content):
        end = min(offset + 12_000, len(content))
        told = client.ask("PATCH", place, content[offset:end], content_range=f"{offset}-{end - 1}")
        _expect(told, 202)
        offset = int(told.headers["range"].partition("-")[2]) + 1
    _expect(client.ask("PUT", f"{place}?digest={digest_of(content)}"), 201)


def _begun(client: Client, blobs: str, content: bytes) -> None:
    """Never ended."""
    place = _begin(client, blobs)
    _expect(client.ask("PATCH", place, content), 202)


def _cancelled(client: Client, blobs: str, content: bytes) -> None:
    place = _begin(client, blobs)
    _expect(client.ask("PATCH", place, content), 202)
    _expect(client.ask("DELETE", place), 204)


def _mounted(client: Client, content: bytes) -> None:
    _expect(client.ask("POST", f"/v2/{OTHER}/blobs/uploads/?mount={digest_of(content)}&from={REPOSITORY}"), 201)


def _begin(client: Client, blobs: str) -> str:
    told = client.ask("POST", f"{blobs}/uploads/")
    _expect(told, 202)
    place = told.headers["location"]
    return place[place.index("/v2/") :]


def _put(
    client: Client,
    memory: Memory,
    raw: bytes,
    reference: str,
    *,
    tags: Sequence[str] = (),
    media_type: str = OCI_MANIFEST,
    repository: str = REPOSITORY,
) -> None:
    digest = digest_of(raw)
    names = [f"{repository}:{tag}" for tag in (*([] if reference == digest else [reference]), *tags)]
    for name in names:
        memory.begin(name, digest)
    query = "?" + "&".join(f"tag={tag}" for tag in tags) if tags else ""
    told = client.ask("PUT", f"/v2/{repository}/manifests/{reference}{query}", raw, content_type=media_type)
    _expect(told, 201)
    for name in names:
        memory.done(name, digest)
    if repository == REPOSITORY:
        memory.manifests.add(digest)


def _delete_tag(client: Client, memory: Memory, tag: str) -> None:
    name = f"{REPOSITORY}:{tag}"
    memory.begin(name, None)
    _expect(client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{tag}"), 202, 404)  # done, and asked again
    memory.tags[name] = {None}


def _expect(told: Told, *statuses: int) -> None:
    assert told.status in statuses, (told.status, told.body)
