"""The /v2/ door where content was found damaged, and where there is no room: nobody is given wrong bytes or silence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.soundness import CheckedFolder
from lading.backends.content_store.storage import Reserve
from lading.engine.cancel import Cancellation
from lading.fronts.registry_api.serving import registry_application
from lading.oci.digest import Digest
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker, digest_of, manifest

LAYER = b"layer"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ContentFolder]:
    with closing(ContentFolder(tmp_path, MemoryLeases())) as content:
        yield content


@pytest.fixture
def ask(folder: ContentFolder) -> Asker:
    return Asker(registry_application(MemoryRecords(), folder))


def damage(folder: ContentFolder, content: bytes) -> None:
    """It is found to be something else than its name says."""
    digest = Digest.of(content)
    path = folder.tree.blob(digest)
    path.chmod(0o600)
    path.write_bytes(content.upper())
    assert CheckedFolder(folder).set_aside(digest, lambda _: None, Cancellation())


def codes(body: bytes) -> list[str]:
    return [error["code"] for error in json.loads(body)["errors"]]


def test_a_damaged_layer_is_not_served_and_is_whole_when_it_is_pushed_again(ask: Asker, folder: ContentFolder) -> None:
    ask.put_image("team/app", "1", LAYER)
    damage(folder, LAYER)
    blob = f"/v2/team/app/blobs/{digest_of(LAYER)}"

    assert (ask("HEAD", blob).status, ask("GET", blob).status) == (404, 404)
    again = ask.put_manifest("team/app", "1", manifest(LAYER))
    assert (again.status, codes(again.body)) == (400, ["MANIFEST_BLOB_UNKNOWN"])
    assert ask("POST", f"/v2/other/app/blobs/uploads/?mount={digest_of(LAYER)}&from=team/app").status == 202

    ask.put_blob("team/app", LAYER)
    assert ask("GET", blob).body == LAYER
    assert ask.put_manifest("team/app", "1", manifest(LAYER)).status == 201
    assert CheckedFolder(folder).damaged() == []


def test_a_damaged_manifest_is_whole_when_it_is_pushed_again(ask: Asker, folder: ContentFolder) -> None:
    digest = ask.put_image("team/app", "1", LAYER)
    damage(folder, manifest(LAYER))
    there = f"/v2/team/app/manifests/{digest}"

    assert codes(ask("GET", there).body) == ["MANIFEST_UNKNOWN"]
    assert ask.put_manifest("team/app", "1", manifest(LAYER)).status == 201
    assert ask("GET", there).body == manifest(LAYER)


def test_what_is_lacking_names_what_the_repository_does_not_hold_too(ask: Asker) -> None:
    ask.put_blob("other/app", b"{}")
    refused = ask.put_manifest("team/app", "1", manifest(LAYER))

    named = {each["digest"] for each in json.loads(refused.body)["errors"][0]["detail"]}
    assert named == {digest_of(LAYER), digest_of(b"{}")}


def test_no_upload_begins_where_there_is_no_room_and_the_rest_goes_on(
    ask: Asker, folder: ContentFolder, caplog: pytest.LogCaptureFixture
) -> None:
    digest = ask.put_image("team/app", "1", LAYER)
    records = MemoryRecords()
    with closing(ContentFolder(folder.tree.root, MemoryLeases(), reserve=Reserve(2**62))) as full:
        there = Asker(registry_application(records, full))
        refused = there("POST", "/v2/team/app/blobs/uploads/")
        whole = there("POST", f"/v2/team/app/blobs/uploads/?digest={digest_of(b'x')}", b"x")

    for reply in (refused, whole):
        assert reply.status == 507
        (error,) = json.loads(reply.body)["errors"]
        assert error["message"] == "the registry has no room left for this: its disk is full, or nearly so"
    assert list(records.uploads(begun_before=math.inf)) == []
    assert [line.exc_info for line in caplog.records] == [None, None]
    assert all("takes nothing new" in line.getMessage() for line in caplog.records)
    assert str(folder.tree.root) not in refused.body.decode()
    assert ask("GET", f"/v2/team/app/manifests/{digest}").status == 200
    assert ask("DELETE", f"/v2/team/app/manifests/{digest}").status == 202
