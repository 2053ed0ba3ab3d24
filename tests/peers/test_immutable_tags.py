"""Real clients at a tag that is immutable: each prints our reason, and nothing changes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.repositories import DatabaseRecords, open_records
from lading.fronts.registry_api.serving import open_registry
from lading.services.repositories import decisions
from lading.services.repositories.rules import WHOLE
from tests.fakes.records import MemoryLeases
from tests.peers import programs
from tests.peers.command import Lading
from tests.peers.layouts import layer, write_image, write_layout
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.registry_clients import Failed, PodmanClient
from tests.peers.test_embedded_registry import root_file_system

OVERWRITTEN = "tag 1.0 of app is immutable (rule ** of this repository): it cannot be overwritten"
DELETED = "tag 1.0 of app is immutable (rule ** of this repository): it cannot be deleted"


@dataclass(frozen=True)
class Locked:
    """A registry whose repository app is immutable once `lock` was called."""

    registry: RunningRegistry
    records: DatabaseRecords

    def lock(self) -> None:
        self.records.change("app", decisions.set_rules([WHOLE]), time.time())

    @property
    def name(self) -> str:
        return f"{self.registry.host}/app:1.0"

    @property
    def digest(self) -> str:
        return str(self.records.view("app").tag("1.0"))


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Locked]:
    content = ContentFolder(tmp_path / "content", MemoryLeases())
    with (
        closing(content),
        closing(open_records(tmp_path / "lading.db")) as records,
        open_registry(records, content) as server,
    ):
        host, port = server.addresses[0]
        yield Locked(RunningRegistry(f"{host}:{port}", tmp_path / "log", tmp_path / "content"), records)


def refused(run: object, *arguments: str) -> str:
    """What a program says that fails."""
    assert callable(run)
    with pytest.raises(AssertionError) as failure:
        run(*arguments)
    return str(failure.value)


@pytest.mark.peer("dockerd", "docker")
def test_docker_says_why_it_may_not_push(locked: Locked, docker_engine: RunningDocker) -> None:
    docker_engine("import", "-", locked.name, input=root_file_system(20, 50_000))
    docker_engine("push", locked.name)
    docker_engine("rmi", locked.name)
    locked.lock()
    before = locked.digest

    docker_engine("import", "-", locked.name, input=root_file_system(21, 50_000))
    told = refused(docker_engine, "push", locked.name)

    assert OVERWRITTEN in told
    assert locked.digest == before
    docker_engine("rmi", locked.name)
    docker_engine("pull", locked.name)
    assert "digest: " + before in docker_engine("push", locked.name)
    docker_engine("rmi", locked.name)


def image(folder: Path, seed: str) -> str:
    """A small image in a layout, as skopeo names it."""
    write_layout(folder, "1.0", write_image(folder, [layer(seed, 20_000)]))
    return f"oci:{folder}:1.0"


def skopeo_copy(source: str, target: str) -> str:
    return programs.skopeo("copy", "--dest-tls-verify=false", source, f"docker://{target}")


@pytest.mark.peer("skopeo")
def test_skopeo_says_why_it_may_not_push_or_delete(locked: Locked, tmp_path: Path) -> None:
    first, second = image(tmp_path / "first", "a"), image(tmp_path / "second", "b")
    skopeo_copy(first, locked.name)
    locked.lock()
    before = locked.digest

    told = refused(skopeo_copy, second, locked.name)
    removed = refused(programs.skopeo, "delete", "--tls-verify=false", f"docker://{locked.name}")

    assert OVERWRITTEN in told
    assert f"{before} belongs to it and cannot be deleted" in removed  # it deletes by digest, whatever it was told
    skopeo_copy(first, locked.name)
    assert locked.digest == before


@pytest.mark.peer("podman", "skopeo")
def test_podman_says_why_it_may_not_push(locked: Locked, tmp_path: Path) -> None:
    skopeo_copy(image(tmp_path / "first", "a"), locked.name)
    locked.lock()
    before = locked.digest

    with tempfile.TemporaryDirectory() as short:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "auth.json").write_text("{}")
        podman = PodmanClient(tmp_path / "home", Path(short))
        with pytest.raises(Failed) as failure:
            podman.push(locked.name)

    assert OVERWRITTEN in str(failure.value)
    assert locked.digest == before


def test_our_own_command_says_why_it_may_not_push(locked: Locked, tmp_path: Path) -> None:
    """By its exit status too: refused by a rule, and not for want of a login."""
    lading = Lading(tmp_path / "data")
    lading("copy", image(tmp_path / "first", "a"), locked.name)
    locked.lock()

    done = lading.run("copy", image(tmp_path / "second", "b"), locked.name)

    assert done.returncode == 6
    assert OVERWRITTEN in done.stderr.decode()
