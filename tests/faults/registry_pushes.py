"""A client that pushes to our registry in every way there is, and remembers what it was told.

What was acknowledged must be there, whatever became of the server, and nothing may be half there.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.database.repositories import DatabaseRecords, open_records
from lading.engine.cancel import Cancellation
from lading.engine.collect import collect
from lading.engine.reach import reach
from lading.engine.records import Holder
from lading.fronts.registry_api.serving import registry_application
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from lading.services.repository_uploads import forget_ended
from tests.fakes.records import MemoryImageNames
from tests.fronts.registry_api.asking import Asker, artifact, digest_of, index, manifest

REPOSITORY, OTHER = "team/app", "other/app"
SECONDS = 30.0
FOR_EVER = float("inf")


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


# ── what must be true afterwards


class NoLeases:
    """A day has passed."""

    def hold(self, digests: Collection[Digest]) -> None:
        pass

    def renewed(self, digests: Collection[Digest]) -> bool:
        return not digests

    def work(self) -> NoLeases:
        return self

    def end(self, holder: Holder) -> None:
        pass

    def held(self, holders: Collection[Holder] = ()) -> Collection[Digest]:
        return ()

    def among(self, digests: Collection[Digest], holders: Collection[Holder] = ()) -> Collection[Digest]:
        return ()

    def forget_ended(self) -> None:
        pass

    def forget(self, digests: Collection[Digest], holders: Collection[Holder]) -> None:
        pass


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[tuple[DatabaseRecords, ContentFolder]]:
    """The rows and the bytes of a data folder."""
    with (
        closing(open_records(folder / "lading.db")) as records,
        closing(ContentFolder(folder / "content", NoLeases())) as content,
    ):
        yield records, content


@contextlib.contextmanager
def reopened(folder: Path) -> Iterator[Asker]:
    """The registry as a restart finds it, in this process."""
    with opened(folder) as (records, content):
        yield Asker(registry_application(records, content))


def assert_kept(folder: Path, memory: Memory) -> None:
    """Everything acknowledged is pulled with right digests, and no tag is half there; then what nothing needs is
    collected, after which all of that is still true and nothing else is left."""
    with reopened(folder) as ask:
        _assert_true(ask, memory)
    _collect_all(folder)
    _assert_nothing_left(folder)
    with reopened(folder) as ask:
        _assert_true(ask, memory)


def _assert_true(ask: Asker, memory: Memory) -> None:
    for name, allowed in memory.tags.items():
        repository, _, tag = name.partition(":")
        reply = ask("GET", f"/v2/{repository}/manifests/{tag}")
        digest = reply.headers["docker-content-digest"] if reply.status == 200 else None
        assert digest in allowed, f"{name} is {digest}, and not {allowed}"
        if digest is not None:
            assert_whole(ask, repository, digest)
    for digest in memory.manifests:
        assert_whole(ask, REPOSITORY, digest)
    listed = ask("GET", f"/v2/{REPOSITORY}/tags/list")
    names = json.loads(listed.body)["tags"] if listed.status == 200 else []
    assert {f"{REPOSITORY}:{name}" for name in names} <= memory.tags.keys()


def assert_whole(ask: Asker, repository: str, digest: str) -> None:
    """The manifest, and everything it names, with the bytes that their digests name."""
    reply = ask("GET", f"/v2/{repository}/manifests/{digest}")
    assert reply.status == 200, f"{digest} is lost"
    assert digest_of(reply.body) == digest
    document = json.loads(reply.body)
    for child in document.get("manifests", ()):
        assert_whole(ask, repository, child["digest"])
    for child in (*([document["config"]] if "config" in document else []), *document.get("layers", ())):
        blob = ask("GET", f"/v2/{repository}/blobs/{child['digest']}")
        assert blob.status == 200, f"{child['digest']} of {digest} is lost"
        assert digest_of(blob.body) == child["digest"]


def _collect_all(folder: Path) -> None:
    with opened(folder) as (records, content):
        collect(
            CollectableFolder(content),
            MemoryImageNames(),
            NoLeases(),
            [records],
            left_before=FOR_EVER,
            dry_run=False,
            cancel=Cancellation(),
        )
        forget_ended(records, content.uploads, FOR_EVER)


def _assert_nothing_left(folder: Path) -> None:
    with opened(folder) as (records, content):
        here = {digest for digest, _ in CollectableFolder(content).blobs()}
        assert here <= reach(content, records.reached(), content.referrers), "something unreachable is left"
    with closing(sqlite3.connect(folder / "lading.db")) as database:
        rows = database.execute("SELECT digest FROM held_blob UNION SELECT digest FROM held_manifest").fetchall()
        sessions = database.execute("SELECT id FROM upload_session").fetchall()
    assert {Digest.parse(digest) for (digest,) in rows} == here
    assert sessions == []
    for name in ("uploads", "partial", "trash", "damaged"):
        left = [path for path in (folder / "content" / name).rglob("*") if path.is_file()]
        assert left == []
