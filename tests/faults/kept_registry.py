"""What must be true of a registry's data folder whatever became of its server: what was acknowledged is there, and
nothing is half there."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
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
from lading.services.repositories.uploads import forget_ended
from tests.fakes.records import MemoryImageNames
from tests.faults.registry_pushes import REPOSITORY, Memory
from tests.fronts.registry_api.asking import Asker, digest_of

FOR_EVER = float("inf")


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
