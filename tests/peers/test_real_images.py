"""Images between Lading, real registries and a real Docker engine: all must see the same digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningDocker, RunningRegistry


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    """The command with an empty store."""
    return Lading(tmp_path / "data")


def registry_digest(registry: RunningRegistry, repository: str, tag: str) -> str:
    """By the bytes themselves, as the standard library reads them."""
    accept = f"{layouts.MANIFEST}, {layouts.INDEX}"
    body, _ = programs.get(registry, f"/v2/{repository}/manifests/{tag}", accept)
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def asked(registry: RunningRegistry, before: int = 0) -> list[str]:
    """What it was asked since then, as method and kind."""
    return [f"{line.method} {line.path.split('?')[0].split('/')[-2]}" for line in registry.asked()[before:]]


@pytest.mark.peer("debootstrap", "docker-registry", "skopeo", "dockerd", "docker")
def test_a_debian_image_is_the_same_to_lading_skopeo_and_docker(
    lading: Lading, debian_tar: Path, docker_registry: RunningRegistry, docker_engine: RunningDocker, tmp_path: Path
) -> None:
    name = f"{docker_registry.host}/team/debian:bookworm"
    lading("import", str(debian_tar), name)
    pushed = lading("-q", "push", name).strip()
    digest = pushed.partition("@")[2]

    lading("copy", name, f"oci:{tmp_path / 'back'}:bookworm", "--insecure")

    seen = json.loads(programs.skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
    assert seen["Digest"] == digest == registry_digest(docker_registry, "team/debian", "bookworm")
    assert f"Digest: {digest}" in docker_engine("pull", name)
    kept = json.loads(programs.skopeo("inspect", f"oci:{tmp_path / 'back'}:bookworm"))
    assert kept["Digest"] == digest
    assert kept["Layers"] == seen["Layers"]


@pytest.mark.peer("docker-registry")
def test_a_push_costs_fifteen_requests_then_one_then_nine(
    lading: Lading, docker_registry: RunningRegistry, tmp_path: Path
) -> None:
    digest = layouts.five_layers(tmp_path / "layout")
    source, host = f"oci:{tmp_path / 'layout'}:v1", docker_registry.host

    lading("copy", source, f"{host}/team/app:v1", "--insecure")
    cold = asked(docker_registry)
    lading("copy", source, f"{host}/team/app:v1", "--insecure")
    again = asked(docker_registry, len(cold))
    lading("copy", source, f"{host}/other/app:v1", "--insecure")
    second = asked(docker_registry, len(cold) + len(again))

    assert registry_digest(docker_registry, "other/app", "v1") == digest
    assert (len(cold), len(again), len(second)) == (15, 1, 9), (cold, again, second)
    assert sum(each.startswith("POST") for each in cold) == sum(each == "PUT uploads" for each in cold) == 6
    assert not any(each == "PUT uploads" for each in second)


@pytest.mark.peer("docker-registry")
def test_many_tags_move_blobs_once(lading: Lading, docker_registry: RunningRegistry, tmp_path: Path) -> None:
    digest = layouts.five_layers(tmp_path / "layout")
    repository = f"{docker_registry.host}/team/app"

    lading("copy", f"oci:{tmp_path / 'layout'}:v1", *(f"{repository}:t{n}" for n in range(4)), "--insecure")

    assert [registry_digest(docker_registry, "team/app", f"t{n}") for n in range(4)] == [digest] * 4
    assert asked(docker_registry).count("PUT uploads") == 6


@pytest.mark.peer("docker-registry")
def test_if_absent_refuses_another_image_before_anything_moves(
    lading: Lading, docker_registry: RunningRegistry, tmp_path: Path
) -> None:
    first = layouts.five_layers(tmp_path / "layout", "one")
    layouts.five_layers(tmp_path / "layout", "two")
    target = f"{docker_registry.host}/team/app:v1"
    lading("copy", f"oci:{tmp_path / 'layout'}:one", target, "--insecure")
    before = len(docker_registry.asked())

    refused = lading.run("copy", f"oci:{tmp_path / 'layout'}:two", target, "--insecure", "--if-absent")

    assert refused.returncode == 6
    assert f"{docker_registry.host}/team/app".encode() in refused.stderr
    assert registry_digest(docker_registry, "team/app", "v1") == first
    assert not [each for each in asked(docker_registry, before) if not each.startswith(("HEAD", "GET"))]
    lading("copy", f"oci:{tmp_path / 'layout'}:one", target, "--insecure", "--if-absent")


@pytest.mark.peer("docker-registry")
def test_a_dry_run_says_what_then_moves(lading: Lading, docker_registry: RunningRegistry, tmp_path: Path) -> None:
    layouts.five_layers(tmp_path / "layout")
    source, target = f"oci:{tmp_path / 'layout'}:v1", f"{docker_registry.host}/team/app:v1"

    told = json.loads(lading("--format", "json", "copy", source, target, "--insecure", "--dry-run"))
    assert not [each for each in asked(docker_registry) if not each.startswith(("HEAD", "GET"))]
    moved = json.loads(lading("--format", "json", "copy", source, target, "--insecure"))

    assert told["totals"]["left"] == moved["totals"]["sent"] > 0
