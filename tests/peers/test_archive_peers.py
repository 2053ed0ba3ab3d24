"""Archives and layouts against the programs that read and write them: skopeo, umoci and a real Docker engine."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lading.backends.content_store.archive import open_archive
from lading.backends.content_store.archive_target import ArchiveTarget
from lading.backends.content_store.layout import LayoutStore
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.engine.stores import Source, Store
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import Manifest, parse_manifest
from lading.services.content.stores import ArchiveForm, Compression
from tests.fakes.memory import MemoryStore
from tests.fakes.reading import read_all
from tests.fakes.root_images import AMD64, Pack, as_it_is, packed_by_gzip, packed_by_zstd, put_root_image
from tests.fakes.work import run_copy
from tests.peers import programs

NAME = "docker.io/library/app:1"


def save(path: Path, source: Source, root: Descriptor, form: ArchiveForm, compression: Compression) -> None:
    with ArchiveTarget(path, form, compression, AMD64) as target:
        arrive(source, root, target, NAME)


def arrive(source: Source, root: Descriptor, target: Store, name: str) -> None:
    (arrival,) = run_copy(source, root, [Destination(target.name, target, (name,))])
    assert arrival.error is None


def image_id(source: Source, root: Descriptor) -> str:
    manifest = parse_manifest(read_all(source.open(root)))
    assert isinstance(manifest, Manifest)
    return str(manifest.config.digest)


def inspect(image: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(programs.skopeo("inspect", image))
    return found


# ── skopeo


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_zstd])
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZSTD])
def test_skopeo_reads_our_docker_archives(tmp_path: Path, pack: Pack, compression: Compression) -> None:
    source = MemoryStore()
    root = put_root_image(source, pack=pack)
    save(tmp_path / "image.tar", source, root, ArchiveForm.DOCKER, compression)

    config = json.loads(programs.skopeo("inspect", "--config", f"docker-archive:{tmp_path / 'image.tar'}"))

    assert config["rootfs"]["diff_ids"]
    assert inspect(f"docker-archive:{tmp_path / 'image.tar'}:app:1")["Architecture"] == "amd64"


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("form", ArchiveForm)
@pytest.mark.parametrize("compression", Compression)
def test_skopeo_reads_our_archives_as_oci(tmp_path: Path, form: ArchiveForm, compression: Compression) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    save(tmp_path / "image.tar", source, root, form, compression)

    assert inspect(f"oci-archive:{tmp_path / 'image.tar'}")["Digest"] == str(root.digest)


@pytest.mark.peer("skopeo")
def test_skopeo_reads_our_layout_and_we_read_its_copy(tmp_path: Path) -> None:
    source, ours = MemoryStore(), LayoutStore(tmp_path / "ours")
    root = put_root_image(source)
    arrive(source, root, ours, NAME)

    assert inspect(f"oci:{tmp_path / 'ours'}:{NAME}")["Digest"] == str(root.digest)
    programs.skopeo("copy", "--preserve-digests", f"oci:{tmp_path / 'ours'}:{NAME}", f"oci:{tmp_path / 'theirs'}:2.0")
    theirs, back = LayoutStore(tmp_path / "theirs"), MemoryStore("back", verifies=True)
    assert list(theirs.tags()) == ["2.0"]
    arrive(theirs, theirs.resolve("2.0"), back, "x")

    assert back.blobs == source.blobs


@pytest.mark.peer("skopeo")
def test_skopeo_and_we_share_one_layout(tmp_path: Path) -> None:
    source, layout = MemoryStore(), LayoutStore(tmp_path / "layout")
    one, two = put_root_image(source), put_root_image(source, label=" again")
    arrive(source, one, layout, "1.0")
    save(tmp_path / "two.tar", source, two, ArchiveForm.OCI, Compression.NONE)

    programs.skopeo(
        "copy", "--preserve-digests", f"oci-archive:{tmp_path / 'two.tar'}", f"oci:{tmp_path / 'layout'}:2.0"
    )
    arrive(source, one, layout, "3.0")

    assert {name: layout.resolve(name).digest for name in layout.tags()} == {
        "1.0": one.digest,
        "2.0": two.digest,
        "3.0": one.digest,
    }
    layout.untag("2.0")
    assert inspect(f"oci:{tmp_path / 'layout'}:3.0")["Digest"] == str(one.digest)


@pytest.mark.peer("skopeo")
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
@pytest.mark.parametrize("packed", [False, True])
def test_we_read_skopeos_archives(tmp_path: Path, kind: str, packed: bool) -> None:
    source, path = MemoryStore(), tmp_path / "theirs.tar"
    root = put_root_image(source)
    save(tmp_path / "ours.tar", source, root, ArchiveForm.OCI, Compression.NONE)
    programs.skopeo("copy", f"oci-archive:{tmp_path / 'ours.tar'}", f"{kind}:{path}:app:1")
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))

    with open_archive(path, tmp_path, Cancellation()) as archive:
        found = archive.resolve("app:1")
        arrive(archive, found, MemoryStore("back", verifies=True), "x")
        assert image_id(archive, found) == image_id(source, root)


# ── umoci


@pytest.mark.peer("umoci")
def test_umoci_reads_our_layout_and_we_read_its_changes(tmp_path: Path) -> None:
    source, layout = MemoryStore(), LayoutStore(tmp_path / "layout")
    root = put_root_image(source)
    arrive(source, root, layout, "1.0")
    umoci = programs.find("umoci")
    assert umoci

    assert programs.run(umoci, "ls", "--layout", str(tmp_path / "layout")).split() == ["1.0"]
    programs.run(umoci, "stat", "--image", f"{tmp_path / 'layout'}:1.0")
    programs.run(umoci, "config", "--image", f"{tmp_path / 'layout'}:1.0", "--tag", "2.0", "--config.user", "1000")

    assert list(layout.tags()) == ["1.0", "2.0"]
    arrive(layout, layout.resolve("2.0"), MemoryStore("back", verifies=True), "x")
    assert layout.resolve("1.0").digest == root.digest


# ── a Docker engine


@pytest.mark.peer("dockerd", "docker")
@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip])
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_docker_loads_our_archives_and_we_read_what_it_saves(
    tmp_path: Path, docker_engine: programs.RunningDocker, pack: Pack, compression: Compression
) -> None:
    source, path = MemoryStore(), tmp_path / "image.tar"
    root = put_root_image(source, pack=pack, label=f" {pack.__name__} {compression}")
    save(path, source, root, ArchiveForm.DOCKER, compression)

    assert "Loaded image: app:1" in docker_engine("load", "-i", str(path))
    assert docker_engine("image", "inspect", "--format", "{{.Id}}", "app:1").strip() == image_id(source, root)

    docker_engine("tag", "app:1", "localhost:5000/other/app:2")
    docker_engine("save", "-o", str(tmp_path / "saved.tar"), "app:1", "localhost:5000/other/app:2")
    docker_engine("image", "rm", "app:1", "localhost:5000/other/app:2")
    with open_archive(tmp_path / "saved.tar", tmp_path, Cancellation()) as archive:
        assert list(archive.tags()) == ["docker.io/library/app:1", "localhost:5000/other/app:2"]
        found = archive.resolve("app:1")
        assert image_id(archive, found) == image_id(source, root)
        arrive(archive, found, MemoryStore("back", verifies=True), "x")


@pytest.mark.peer("dockerd", "docker")
def test_layers_that_docker_shares_by_links_are_read(tmp_path: Path, docker_engine: programs.RunningDocker) -> None:
    source = MemoryStore()
    for label in ("one", "two"):
        root = put_root_image(source, label=label)
        with ArchiveTarget(tmp_path / f"{label}.tar", ArchiveForm.DOCKER, Compression.NONE, AMD64) as target:
            arrive(source, root, target, f"{label}:1")
        docker_engine("load", "-i", str(tmp_path / f"{label}.tar"))
    docker_engine("save", "-o", str(tmp_path / "both.tar"), "one:1", "two:1")
    docker_engine("image", "rm", "one:1", "two:1")

    with open_archive(tmp_path / "both.tar", tmp_path, Cancellation()) as archive:
        for name in ("one:1", "two:1"):
            arrive(archive, archive.resolve(name), MemoryStore("back", verifies=True), "x")
