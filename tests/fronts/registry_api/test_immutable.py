"""/v2/ at an immutable tag: every way to change it is refused, with the reason in the specification's form."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.gate import OpenGate
from lading.fronts.registry_api.serving import registry_application
from lading.oci.media_types import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from lading.services.repositories import decisions
from lading.services.repositories.audit import RepositoryAudit
from lading.services.repositories.rules import WHOLE
from tests.fakes.clock import WaitingClock
from tests.fakes.environment_records import KeptTrail
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker, Reply

NAME = "team/app"


@pytest.fixture
def trail() -> KeptTrail:
    return KeptTrail()


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords()


@pytest.fixture
def ask(tmp_path: Path, trail: KeptTrail, records: MemoryRecords) -> Iterator[Asker]:
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        yield Asker(registry_application(records, content, OpenGate(RepositoryAudit(trail, WaitingClock()))))


def lock(records: MemoryRecords) -> None:
    records.change(NAME, decisions.set_rules([WHOLE]), time.time())


def refusal(reply: Reply) -> tuple[int, str, str]:
    (fault,) = json.loads(reply.body)["errors"]
    return reply.status, fault["code"], fault["message"]


IMMUTABLE = "tag v1 of team/app is immutable (rule ** of this repository)"


def test_every_way_to_change_it_is_refused(ask: Asker, records: MemoryRecords) -> None:
    digest = ask.put_image(NAME, "v1")
    other = ask.put_image(NAME, "v2", b"another layer")
    raw, others = (ask("GET", f"/v2/{NAME}/manifests/{each}").body for each in (digest, other))
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [{"mediaType": OCI_MANIFEST, "digest": digest, "size": len(raw)}],
        }
    ).encode()
    layer = json.loads(raw)["layers"][0]["digest"]
    lock(records)

    overwritten = (409, "DENIED", f"{IMMUTABLE}: it cannot be overwritten")
    assert refusal(ask.put_manifest(NAME, "v1", others, OCI_MANIFEST)) == overwritten
    assert refusal(ask.put_manifest(NAME, f"{other}?tag=v3&tag=v1", others, OCI_MANIFEST)) == overwritten
    assert refusal(ask.put_manifest(NAME, "v1", index, OCI_INDEX)) == overwritten
    assert refusal(ask("DELETE", f"/v2/{NAME}/manifests/v1")) == (409, "DENIED", f"{IMMUTABLE}: it cannot be deleted")
    assert refusal(ask("DELETE", f"/v2/{NAME}/manifests/{digest}"))[:2] == (409, "DENIED")
    assert ask("DELETE", f"/v2/{NAME}/blobs/{layer}").status == 405
    assert ask("GET", f"/v2/{NAME}/manifests/v3").status == 404
    assert ask("GET", f"/v2/{NAME}/manifests/v1").body == raw
    assert ask("GET", f"/v2/{NAME}/blobs/{layer}").status == 200


def test_the_same_again_is_a_success(ask: Asker, records: MemoryRecords) -> None:
    digest = ask.put_image(NAME, "v1")
    raw = ask("GET", f"/v2/{NAME}/manifests/v1").body
    lock(records)

    assert ask.put_manifest(NAME, "v1", raw, OCI_MANIFEST).status == 201
    assert ask.put_manifest(NAME, digest, raw, OCI_MANIFEST).status == 201
    assert ask.put_manifest(NAME, "new", raw, OCI_MANIFEST).status == 201


def test_the_same_bytes_may_not_be_called_something_else(ask: Asker, records: MemoryRecords) -> None:
    first = ask.put_image(NAME, "v0")
    document = json.loads(ask("GET", f"/v2/{NAME}/manifests/{first}").body)
    document.pop("mediaType")
    raw = json.dumps(document).encode()
    assert ask.put_manifest(NAME, "v1", raw, OCI_MANIFEST).status == 201
    lock(records)

    assert refusal(ask.put_manifest(NAME, "v1", raw, DOCKER_MANIFEST))[:2] == (409, "DENIED")
    assert ask("GET", f"/v2/{NAME}/manifests/v1").headers["content-type"] == OCI_MANIFEST


def test_a_refusal_is_on_the_trail_once_a_minute(ask: Asker, records: MemoryRecords, trail: KeptTrail) -> None:
    ask.put_image(NAME, "v1")
    lock(records)
    trail.records.clear()

    for _ in range(3):
        ask("DELETE", f"/v2/{NAME}/manifests/v1")

    ((_, deed, result),) = trail.records
    assert (deed.action, deed.entity_name, result.value) == ("remove", "team/app:v1", "denied")
    assert deed.details["refused"] == f"{IMMUTABLE}: it cannot be deleted"
