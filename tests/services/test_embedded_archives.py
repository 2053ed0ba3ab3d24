"""Archives of our own engine: what leaves under which names, what comes in under which, and imported file systems."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import ContentCorrupt
from lading.oci.config_changes import ChangeInvalid
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.embedded.environment import EmbeddedEnvironment
from lading.services.environments.orders import ImportOrder, PruneOrder
from lading.services.lookup import ImageUnknown
from lading.services.platforms import PlatformMissing
from lading.wire.progress import Event
from tests.fakes.docker_archives import docker_archive, members, read_to_end, reader
from tests.fakes.embedded import embedded
from tests.fakes.images import AMD64, ARM64, S390X
from tests.fakes.oci_archives import called, oci_archive
from tests.fakes.root_images import (
    Pack,
    as_it_is,
    packed_by_bzip2,
    packed_by_gzip,
    packed_by_xz,
    packed_by_zstd,
    tar_of,
)
from tests.fakes.several_platforms import Several, several

CANCEL = Cancellation()
HUB = "docker.io/library"
ROOT = tar_of({"bin/sh": b"#!" * 500, "etc/passwd": b"root:x:0:0\n"})


def told(_event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[EmbeddedEnvironment]:
    with embedded(tmp_path / "lading") as made:
        yield made.environment


def load(environment: EmbeddedEnvironment, archive: bytes, platform: Platform | None = None) -> str:
    return environment.load(reader(archive), told, CANCEL, platform)[0].id


def export(environment: EmbeddedEnvironment, *images: str, platform: Platform | None = None) -> dict[str, bytes]:
    with environment.export(images, CANCEL, platform) as stream:
        archive = read_to_end(stream)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert max(Counter(tar.getnames()).values()) == 1
    return members(archive)


def listed(archive: dict[str, bytes]) -> list[tuple[str, str | None]]:
    """The roots of index.json with their whole names."""
    entries = json.loads(archive["index.json"])["manifests"]
    return sorted((each["digest"], each.get("annotations", {}).get("io.containerd.image.name")) for each in entries)


def repo_tags(archive: dict[str, bytes]) -> list[list[str]]:
    return sorted(sorted(entry["RepoTags"]) for entry in json.loads(archive["manifest.json"]))


# ── out


def test_an_archive_is_an_oci_layout_and_dockers_own_at_once(environment: EmbeddedEnvironment) -> None:
    image = several()
    load(environment, image.archive(f"{HUB}/app:1"))

    archive = export(environment, "app:1")
    assert listed(archive) == [(str(image.root.digest), f"{HUB}/app:1")]
    (entry,) = json.loads(archive["manifest.json"])
    manifest = image.manifest(image.amd64)
    assert entry["RepoTags"] == ["app:1"]
    assert entry["Config"] == f"blobs/sha256/{manifest.config.digest.encoded}"
    assert entry["Layers"] == [f"blobs/sha256/{layer.digest.encoded}" for layer in manifest.layers]
    held = {Digest.parse(f"sha256:{name.rpartition('/')[2]}") for name in archive if name.startswith("blobs/")}
    absent = {image.absent.digest, *(child.digest for child in image.manifest(image.absent).children)}
    assert held == set(image.store.blobs) - absent


def test_names_leave_as_they_were_asked_for(environment: EmbeddedEnvironment) -> None:
    identity = load(environment, docker_archive(["app:1", "app:2", "other:1"]))

    assert repo_tags(export(environment, "app:1")) == [["app:1"]]
    assert repo_tags(export(environment, "app")) == [["app:1", "app:2"]]
    assert repo_tags(export(environment, "app", "other:1")) == [["app:1", "app:2", "other:1"]]
    assert repo_tags(export(environment, identity)) == [[]]
    assert listed(export(environment, identity[7:19])) == [(identity, None)]
    assert repo_tags(export(environment, identity, "app:2")) == [["app:2"]]
    assert listed(export(environment, f"app@{identity}")) == [(identity, None)]


def test_a_platform_leaves_as_an_image_of_its_own(environment: EmbeddedEnvironment) -> None:
    image = several()
    load(environment, image.archive(f"{HUB}/app:1"))

    archive = export(environment, "app:1", platform=ARM64)
    assert listed(archive) == [(str(image.arm64.digest), f"{HUB}/app:1")]
    assert len([name for name in archive if name.startswith("blobs/")]) == 1 + 1 + 2


@pytest.mark.parametrize("platform", [S390X, Platform("windows", "amd64")])
def test_a_platform_that_is_not_here_is_an_error_before_the_first_byte(
    environment: EmbeddedEnvironment, platform: Platform
) -> None:
    load(environment, several().archive(f"{HUB}/app:1"))
    with pytest.raises(PlatformMissing):
        environment.export(["app:1"], CANCEL, platform)


def test_what_is_not_here_is_an_error_before_the_first_byte(environment: EmbeddedEnvironment) -> None:
    load(environment, docker_archive(["app:1"]))
    for text in ("other", "app:2", "0123456789ab"):
        with pytest.raises(ImageUnknown):
            environment.export(["app:1", text], CANCEL)


def test_an_image_that_is_removed_while_it_leaves_leaves_whole(
    environment: EmbeddedEnvironment, tmp_path: Path
) -> None:
    load(environment, docker_archive(["app:1"]))
    blobs = tmp_path / "lading/content/blobs/sha256"
    with environment.export(["app:1"], CANCEL) as stream:
        environment.remove("app:1", True, CANCEL)
        assert list(blobs.iterdir())
        archive = read_to_end(stream)
    environment.prune(PruneOrder(), CANCEL)

    assert not list(blobs.iterdir())
    assert load(environment, archive)


def test_what_leaves_comes_back_as_it_was(environment: EmbeddedEnvironment, tmp_path: Path) -> None:
    image = several()
    load(environment, image.archive(f"{HUB}/app:1"))
    single = load(environment, docker_archive(["single:1"]))
    with environment.export(["app:1", single], CANCEL) as stream:
        archive = read_to_end(stream)

    with embedded(tmp_path / "other") as other:
        arrived = other.environment.load(reader(archive), told, CANCEL)
        assert {(each.id, str(each.reference) if each.reference else None) for each in arrived} == {
            (str(image.root.digest), f"{HUB}/app:1"),
            (single, None),
        }
        assert other.environment.image("app:1", CANCEL) is not None
        names = {each.id: each.names for each in other.environment.images(CANCEL)}
        assert names == {str(image.root.digest): (f"{HUB}/app:1",), single: ()}


# ── in


@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_bzip2, packed_by_xz, packed_by_zstd])
@pytest.mark.parametrize("form", ["docker", "oci"])
def test_an_archive_comes_in_any_form_and_packing(environment: EmbeddedEnvironment, pack: Pack, form: str) -> None:
    plain = docker_archive(["app:1"]) if form == "docker" else several().archive(f"{HUB}/app:1")

    (arrived,) = environment.load(reader(pack(plain)), told, CANCEL)
    assert str(arrived.reference) == f"{HUB}/app:1"
    assert environment.image("app:1", CANCEL).summary.parts[0].available


@pytest.mark.parametrize(
    ("ref_name", "whole_name", "expected"),
    [
        (f"{HUB}/app:1", None, f"{HUB}/app:1"),
        ("app:1", None, f"{HUB}/app:1"),
        ("1", "example.com/app:1", "example.com/app:1"),
        (None, "example.com/app:1", "example.com/app:1"),
        ("1", None, None),
        ("latest", None, None),
        ("No Name:At all", None, None),
        (None, None, None),
        (f"app@sha256:{'0' * 64}", None, None),
    ],
)
def test_an_image_gets_the_name_it_brings_or_none(
    environment: EmbeddedEnvironment, ref_name: str | None, whole_name: str | None, expected: str | None
) -> None:
    image = several()
    archive = oci_archive(image.store, [called(image.root, ref_name, whole_name)], [image.absent.digest])

    (arrived,) = environment.load(reader(archive), told, CANCEL)
    assert arrived.reference == (Reference.parse(expected) if expected else None)
    assert arrived.id == str(image.root.digest)
    assert environment.image(arrived.id, CANCEL).summary.names == ((expected,) if expected else ())


def test_an_image_that_comes_again_without_a_name_keeps_the_one_it_has(environment: EmbeddedEnvironment) -> None:
    image = several()
    load(environment, image.archive(f"{HUB}/app:1"))
    load(environment, image.archive())

    (summary,) = environment.images(CANCEL)
    assert summary.names == (f"{HUB}/app:1",)
    assert environment.remove("app:1", False, CANCEL).deleted == (summary.id,)


def test_one_platform_comes_in_under_the_index_as_it_is(environment: EmbeddedEnvironment) -> None:
    image = several()

    assert load(environment, image.archive(f"{HUB}/app:1"), ARM64) == str(image.root.digest)
    here = {part.descriptor.digest for part in environment.image("app:1", CANCEL).summary.parts if part.available}
    assert here == {image.arm64.digest}


@pytest.mark.parametrize("platform", [S390X, Platform("windows", "amd64")])
def test_a_platform_that_an_archive_has_not_leaves_nothing(
    environment: EmbeddedEnvironment, platform: Platform
) -> None:
    with pytest.raises(PlatformMissing):
        load(environment, several().archive(f"{HUB}/app:1"), platform)
    with pytest.raises(PlatformMissing):
        load(environment, docker_archive(["app:1"]), platform)
    assert environment.images(CANCEL) == []


def test_what_is_wrong_in_an_archive_leaves_no_image(environment: EmbeddedEnvironment) -> None:
    image: Several = several()
    layer = image.manifest(image.arm64).layers[1]
    raw = bytearray(image.store.blobs[layer.digest])
    raw[-1] ^= 1
    image.store.blobs[layer.digest] = bytes(raw)

    with pytest.raises(ContentCorrupt):
        load(environment, image.archive(f"{HUB}/app:1"))
    assert environment.images(CANCEL) == []


# ── a root file system


@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_bzip2, packed_by_xz, packed_by_zstd])
def test_a_root_file_system_becomes_an_image_with_its_changes(environment: EmbeddedEnvironment, pack: Pack) -> None:
    order = ImportOrder(
        Reference.parse("made"), "from a backup", ('CMD ["/bin/sh"]', "ENV A=1", "LABEL of=me", "EXPOSE 80"), ARM64
    )

    arrived = environment.import_(reader(pack(ROOT)), order, told, CANCEL)

    details = environment.image("made:latest", CANCEL)
    assert arrived.reference == Reference.parse("made:latest")
    assert arrived.id == details.summary.id
    assert details.config == {
        "Cmd": ["/bin/sh"],
        "Env": ["A=1"],
        "Labels": {"of": "me"},
        "ExposedPorts": {"80/tcp": {}},
    }
    assert (details.platform, details.comment) == ("linux/arm64", "from a backup")
    assert details.diff_ids == (str(Digest.of(ROOT)),)
    assert details.summary.labels == {"of": "me"}
    assert details.summary.created is not None
    assert details.summary.created > 1_700_000_000
    (step,) = environment.history("made", CANCEL)
    assert step.comment == "from a backup"


def test_a_root_file_system_may_have_no_name(environment: EmbeddedEnvironment) -> None:
    arrived = environment.import_(reader(ROOT), ImportOrder(None), told, CANCEL)

    assert arrived.reference is None
    assert environment.image(arrived.id, CANCEL).summary.names == ()
    assert environment.image(arrived.id, CANCEL).platform == "linux/amd64"


def test_a_wrong_change_or_a_cut_tar_leaves_nothing(environment: EmbeddedEnvironment) -> None:
    name = Reference.parse("made:1")
    with pytest.raises(ChangeInvalid):
        environment.import_(reader(ROOT), ImportOrder(name, changes=("RUN make",)), told, CANCEL)
    for cut in (ROOT[:700], gzip.compress(ROOT)[:-20], bz2.compress(ROOT)[:-20]):
        with pytest.raises(ContentCorrupt):
            environment.import_(reader(cut), ImportOrder(name), told, CANCEL)
    assert environment.images(CANCEL) == []


def test_amd64_is_meant_where_nobody_says(environment: EmbeddedEnvironment) -> None:
    load(environment, several().archive(f"{HUB}/app:1"))
    assert environment.image("app:1", CANCEL).platform == str(AMD64)
