"""What is done in the repositories is on the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.gate import OpenGate
from lading.fronts.registry_api.serving import registry_application
from lading.services.repositories.audit import RepositoryAudit
from tests.fakes.clock import WaitingClock
from tests.fakes.environment_records import KeptTrail
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker


@pytest.fixture
def trail() -> KeptTrail:
    return KeptTrail()


@pytest.fixture
def clock() -> WaitingClock:
    return WaitingClock()


@pytest.fixture
def ask(tmp_path: Path, trail: KeptTrail, clock: WaitingClock) -> Iterator[Asker]:
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        gate = OpenGate(RepositoryAudit(trail, clock))
        yield Asker(registry_application(MemoryRecords(), content, gate))


def told(trail: KeptTrail) -> list[tuple[str, str, str]]:
    return [(deed.action, deed.entity_id, deed.entity_name) for _, deed, _ in trail.records]


def test_a_push_is_a_record_for_each_name(ask: Asker, trail: KeptTrail) -> None:
    digest = ask.put_image("team/app", "v1")

    assert told(trail) == [("push", digest, "team/app:v1")]
    assert trail.records[0][0] == "anonymous"
    assert trail.records[0][1].details == {"repository": "team/app"}


def test_reading_a_manifest_is_recorded_once_a_minute(ask: Asker, trail: KeptTrail, clock: WaitingClock) -> None:
    digest = ask.put_image("team/app", "v1")
    trail.records.clear()

    ask("HEAD", "/v2/team/app/manifests/v1")
    assert told(trail) == []
    for reference in ("v1", digest, "v1"):
        assert ask("GET", f"/v2/team/app/manifests/{reference}").status == 200
    assert told(trail) == [("pull", digest, "team/app:v1")]

    clock.now += 61
    ask("GET", f"/v2/team/app/manifests/{digest}")
    assert told(trail)[1:] == [("pull", digest, f"team/app@{digest}")]


def test_what_is_removed_is_recorded_and_what_is_not_there_is_not(ask: Asker, trail: KeptTrail) -> None:
    digest = ask.put_image("team/app", "v1")
    trail.records.clear()

    assert ask("DELETE", "/v2/team/app/manifests/v1").status == 202
    assert ask("DELETE", "/v2/team/app/manifests/v1").status == 404
    assert ask("DELETE", f"/v2/team/app/manifests/{digest}").status == 202

    assert told(trail) == [("remove", "v1", "team/app:v1"), ("remove", digest, f"team/app@{digest}")]


def test_a_failed_push_leaves_no_record(ask: Asker, trail: KeptTrail) -> None:
    assert ask.put_manifest("team/app", "v1", b"no manifest", "application/json").status == 400

    assert trail.records == []
