"""Real clients against our registry: docker's engine and skopeo push, pull, and find their digests again."""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.repositories import open_records
from lading.fronts.registry_api.serving import open_registry
from lading.oci.digest import Digest
from tests.fakes.records import MemoryLeases
from tests.peers import programs
from tests.peers.programs import RunningDocker, RunningRegistry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    """Ours, over plain HTTP on loopback, on a real database and a real folder."""
    content = ContentFolder(tmp_path / "content", MemoryLeases())
    with (
        closing(content),
        closing(open_records(tmp_path / "lading.db")) as records,
        open_registry(records, content) as server,
    ):
        host, port = server.addresses[0]
        yield RunningRegistry(f"{host}:{port}", tmp_path / "log", tmp_path / "content")


def root_file_system(seed: int, size: int) -> bytes:
    """A tar with one file of `size` bytes that does not compress."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        member = tarfile.TarInfo(f"file-{seed}")
        member.size = size
        tar.addfile(member, io.BytesIO(random.Random(seed).randbytes(size)))
    return written.getvalue()


@pytest.mark.peer("dockerd", "docker")
def test_docker_pushes_and_pulls_back(registry: RunningRegistry, docker_engine: RunningDocker) -> None:
    name = f"{registry.host}/team/app:1"
    imported = docker_engine("import", "-", name, input=root_file_system(1, 48 * 1024 * 1024)).strip()

    docker_engine("push", name)
    manifest, headers = programs.get(registry, "/v2/team/app/manifests/1")
    docker_engine("rmi", name)
    docker_engine("pull", name)

    assert docker_engine("image", "inspect", "--format", "{{.Id}}", name).strip() == imported
    assert json.loads(manifest)["config"]["digest"] == imported
    digests = docker_engine("image", "inspect", "--format", "{{json .RepoDigests}}", name)
    assert headers["docker-content-digest"] in digests
    docker_engine("rmi", name)


@pytest.mark.peer("dockerd", "docker")
def test_docker_mounts_a_layer_it_pushed_before(registry: RunningRegistry, docker_engine: RunningDocker) -> None:
    first, second = f"{registry.host}/one:1", f"{registry.host}/two:1"
    docker_engine("import", "-", first, input=root_file_system(2, 100_000))
    docker_engine("tag", first, second)

    docker_engine("push", first)
    told = docker_engine("push", second)

    assert "Mounted from one" in told
    docker_engine("rmi", first, second)


@pytest.mark.peer("dockerd", "docker")
def test_docker_prints_our_refusals(registry: RunningRegistry, docker_engine: RunningDocker) -> None:
    with pytest.raises(AssertionError, match=r"there is no repository none|not found|manifest unknown"):
        docker_engine("pull", f"{registry.host}/none:1")


@pytest.mark.peer("skopeo")
def test_skopeo_copies_in_and_out(registry: RunningRegistry, tmp_path: Path) -> None:
    (tmp_path / "root.tar").write_bytes(root_file_system(3, 3_000_000))
    archive, layout, back = tmp_path / "docker.tar", tmp_path / "layout", tmp_path / "back"
    make_archive(archive, (tmp_path / "root.tar").read_bytes())
    programs.skopeo("copy", f"docker-archive:{archive}", f"oci:{layout}:v1")

    there = f"docker://{registry.host}/team/app:v1"
    programs.skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:v1", there, cold=True)
    programs.skopeo("copy", "--src-tls-verify=false", there, f"oci:{back}:v1", cold=True)

    sent, received = (json.loads((folder / "index.json").read_text()) for folder in (layout, back))
    assert received["manifests"][0]["digest"] == sent["manifests"][0]["digest"]
    inspected = json.loads(programs.skopeo("inspect", "--tls-verify=false", there))
    assert inspected["Digest"] == sent["manifests"][0]["digest"]
    assert inspected["RepoTags"] == ["v1"]

    programs.skopeo("delete", "--tls-verify=false", there)
    with pytest.raises(AssertionError, match="manifest"):
        programs.skopeo("inspect", "--tls-verify=false", there)


def make_archive(path: Path, layer: bytes) -> None:
    """What `docker save` writes for an image of one layer."""
    root = {"type": "layers", "diff_ids": [str(Digest.of(layer))]}
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": root}
    manifest = [{"Config": "config.json", "RepoTags": ["app:v1"], "Layers": ["layer.tar"]}]
    members = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
