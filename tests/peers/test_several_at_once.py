"""Several targets, several platforms, and what speaks of an image, between real registries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry

pytestmark = pytest.mark.peer("docker-registry")


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    """The command with an empty store."""
    return Lading(tmp_path / "data")


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[RunningRegistry]]:
    """A source and two targets."""
    with (
        programs.docker_registry(tmp_path / "one") as one,
        programs.docker_registry(tmp_path / "two") as two,
        programs.docker_registry(tmp_path / "three") as three,
    ):
        yield [one, two, three]


def two_platforms(folder: Path, tag: str = "v1") -> tuple[str, list[str]]:
    """A layout with an index of amd64 and arm64; gives the index's digest and those of its images."""
    images = [
        layouts.write_image(
            folder, [layouts.layer(f"{tag}-{architecture}-{n}", 200_000) for n in range(2)], architecture
        )
        for architecture in ("amd64", "arm64")
    ]
    index = {"schemaVersion": 2, "mediaType": layouts.INDEX, "manifests": images}
    root = {"mediaType": layouts.INDEX} | layouts.write_blob(folder, json.dumps(index).encode())
    return layouts.write_layout(folder, tag, root), [str(image["digest"]) for image in images]


def manifest(registry: RunningRegistry, repository: str, name: str) -> dict[str, object]:
    """As the registry answers it to the standard library."""
    body, _ = programs.get(registry, f"/v2/{repository}/manifests/{name}", f"{layouts.MANIFEST}, {layouts.INDEX}")
    document = json.loads(body)
    assert isinstance(document, dict)
    return document


def test_two_targets_are_served_from_one_read(lading: Lading, three: list[RunningRegistry], tmp_path: Path) -> None:
    source, *targets = three
    digest, _ = two_platforms(tmp_path / "layout")
    lading("copy", f"oci:{tmp_path / 'layout'}:v1", f"{source.host}/team/app:v1")
    before = len(source.asked())

    lading("copy", f"{source.host}/team/app:v1", *(f"{target.host}/mirror/app:v1" for target in targets))

    got = [line.path for line in source.asked()[before:] if line.method == "GET" and line.status == 200]
    blobs = [path for path in got if "/blobs/" in path]
    assert len(blobs) == len(set(blobs)) == 6  # two configs, four layers
    assert len([path for path in got if "/manifests/sha256:" in path]) == 3
    for target in targets:
        _, headers = programs.get(target, "/v2/mirror/app/manifests/v1", layouts.INDEX)
        assert headers["docker-content-digest"] == digest


def test_one_dead_target_does_not_stop_the_other(lading: Lading, three: list[RunningRegistry], tmp_path: Path) -> None:
    digest = layouts.five_layers(tmp_path / "layout")
    dead = f"127.0.0.1:{programs.free_port()}"

    copied = lading.run(
        "copy", f"oci:{tmp_path / 'layout'}:v1", f"{dead}/app:v1", f"{three[1].host}/app:v1", "--keep-going"
    )

    assert copied.returncode == 3
    assert f"cannot connect to {dead}".encode() in copied.stderr
    _, headers = programs.get(three[1], "/v2/app/manifests/v1", layouts.MANIFEST)
    assert headers["docker-content-digest"] == digest


def test_platforms_that_are_not_here_are_named_and_have_leaves_them_out(
    lading: Lading, three: list[RunningRegistry], tmp_path: Path
) -> None:
    source, target, _ = three
    folder = tmp_path / "layout"
    images = [
        layouts.write_image(folder, [layouts.layer(f"only-{architecture}", 100_000)], architecture)
        for architecture in ("amd64", "arm64", "s390x")
    ]
    index = {"schemaVersion": 2, "mediaType": layouts.INDEX, "manifests": images}
    root = {"mediaType": layouts.INDEX} | layouts.write_blob(folder, json.dumps(index).encode())
    layouts.write_layout(folder, "v1", root)
    name = f"{source.host}/team/app:v1"
    lading("copy", f"oci:{folder}:v1", name)
    lading("pull", name, "--platform", "linux/amd64", "--platform", "linux/arm64")

    refused = lading.run("push", name, f"{target.host}/team/app:v1")
    lading("push", name, f"{target.host}/team/app:v1", "--platform", "have")

    assert refused.returncode == 6
    assert b"Image has 2 of 3 platforms here. Use platform=have, or pull the rest." in refused.stderr
    pushed = manifest(target, "team/app", "v1")["manifests"]
    assert isinstance(pushed, list)
    assert [child["digest"] for child in pushed] == [image["digest"] for image in images[:2]]


def test_signatures_come_along_unless_left_behind(lading: Lading, three: list[RunningRegistry], tmp_path: Path) -> None:
    source, target, bare = three
    digest = layouts.five_layers(tmp_path / "layout")
    lading("copy", f"oci:{tmp_path / 'layout'}:v1", f"{source.host}/team/app:v1")
    signature = f"{digest.replace(':', '-')}.sig"
    layouts.write_layout(
        tmp_path / "signature", "s", layouts.write_image(tmp_path / "signature", [layouts.layer("signature", 500)])
    )
    lading("copy", f"oci:{tmp_path / 'signature'}:s", f"{source.host}/team/app:{signature}")

    told = lading("copy", f"{source.host}/team/app:v1", f"{target.host}/team/app:v1")
    lading("copy", f"{source.host}/team/app:v1", f"{bare.host}/team/app:v1", "--no-referrers")

    assert manifest(target, "team/app", signature) == manifest(source, "team/app", signature)
    assert "1 referrer" in told
    assert json.loads(programs.get(bare, "/v2/team/app/tags/list")[0])["tags"] == ["v1"]
