"""Reading archives: every form and packing, from files, pipes and standard input."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from lading.backends.content_store.archive import open_archive
from lading.backends.content_store.arriving import ArchiveMissing
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown, TagUnknown
from lading.errors import Cancelled, TimedOut
from lading.oci.archive import blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import EMPTY, named, point
from lading.oci.manifest import Index, Manifest, parse_manifest
from lading.oci.media_types import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST
from lading.wire.message import FileReader
from tests.fakes.reading import read_all
from tests.fakes.root_images import (
    Pack,
    as_it_is,
    packed_by_bzip2,
    packed_by_gzip,
    packed_by_xz,
    packed_by_zstd,
    tar_of,
)
from tests.unit.content_store.archive_files import add, add_file, copied, docker_files, oci_files, read

# ── forms and packings


@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_zstd, packed_by_xz, packed_by_bzip2])
def test_an_oci_archive_is_read_in_any_packing(tmp_path: Path, pack: Pack) -> None:
    files, root = oci_files("docker.io/library/app:1")
    (tmp_path / "image.tar").write_bytes(pack(tar_of(files)))

    with open_archive(tmp_path / "image.tar", tmp_path / "scratch", Cancellation()) as archive:
        assert list(archive.tags()) == ["docker.io/library/app:1"]
        assert archive.resolve("app:1").digest == archive.resolve(root.digest).digest == root.digest
        held = copied(archive, "1").blobs

    assert {blob_member(digest): raw for digest, raw in held.items()} == {
        name: raw for name, raw in files.items() if name.startswith("blobs/")
    }
    assert not (tmp_path / "scratch").exists() or not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(
    ("pack", "media_type"),
    [(as_it_is, OCI_LAYER), (packed_by_gzip, OCI_LAYER_GZIP), (packed_by_zstd, OCI_LAYER_ZSTD)],
)
def test_a_docker_archive_keeps_its_image_id_and_layers(tmp_path: Path, pack: Pack, media_type: str) -> None:
    files = docker_files(pack)
    with read(tar_of(files), tmp_path) as archive:
        assert list(archive.tags()) == ["docker.io/library/app:1", "q.io/app:2"]
        root = archive.resolve("app:1")
        manifest = parse_manifest(read_all(archive.open(root)))
        assert isinstance(manifest, Manifest)
        held = copied(archive, "q.io/app:2").blobs

    assert f"{manifest.config.digest.encoded}.json" in files
    assert {layer.media_type for layer in manifest.layers} == {media_type}
    assert [held[layer.digest] for layer in manifest.layers] == [
        files["layer0/layer.tar"],
        files["layer1/layer.tar"],
    ]


def test_a_docker_archive_read_again_has_the_same_digest(tmp_path: Path) -> None:
    raw = tar_of(docker_files())
    with read(raw, tmp_path) as one, read(raw, tmp_path) as two:
        assert one.resolve("app:1") == two.resolve("app:1")


def test_layers_that_are_links_to_others_are_found(tmp_path: Path) -> None:
    files = docker_files()
    shared = files.pop("layer1/layer.tar")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in (files | {"elsewhere.tar": shared}).items():
            add_file(tar, name, content)
        add(tar, "layer1/layer.tar", tarfile.SYMTYPE, "../elsewhere.tar")

    with read(raw.getvalue(), tmp_path) as archive:
        assert shared in copied(archive, "app:1").blobs.values()


def test_an_archive_with_both_is_read_by_its_oci_index(tmp_path: Path) -> None:
    files, root = oci_files("docker.io/library/app:1")

    with read(tar_of(docker_files() | files), tmp_path) as archive:
        assert archive.resolve("app:1").digest == root.digest


def test_images_without_names_are_called_by_their_digest(tmp_path: Path) -> None:
    files = docker_files()
    listing = json.loads(files["manifest.json"])
    listing[0]["RepoTags"] = None
    with read(tar_of(files | {"manifest.json": json.dumps(listing).encode()}), tmp_path) as archive:
        (name,) = archive.tags()
        assert name == str(archive.resolve(name).digest)


def test_one_platform_of_several_is_enough(tmp_path: Path) -> None:
    files, root = oci_files()
    absent = Descriptor(OCI_MANIFEST, Digest.of(b"absent"), 6)
    index = Index.build([absent, root])
    files |= {
        blob_member(index.descriptor().digest): index.raw,
        "index.json": point(EMPTY, "1.0", index.descriptor()),
    }

    with read(tar_of(files), tmp_path) as archive:
        assert archive.resolve("1.0").digest == index.descriptor().digest
        with pytest.raises(ContentUnknown):
            archive.open(absent)


def test_what_is_named_very_often_is_looked_into_once(tmp_path: Path) -> None:
    files, child = oci_files()
    for _ in range(3):
        index = Index.build([child] * 2000)
        child = index.descriptor()
        files[blob_member(child.digest)] = index.raw
    entries = [child] * 1000 + [named(child, f"q.io/app:{number}") for number in range(4000)]
    files["index.json"] = Index.build(entries).raw

    with read(tar_of(files), tmp_path) as archive:
        names = list(archive.tags())
        roots = {archive.resolve(name).digest for name in names}

    assert len(names) == 4001
    assert roots == {child.digest}


def test_a_plain_archives_members_can_be_sent_by_the_kernel(tmp_path: Path) -> None:
    files, _ = oci_files()
    (tmp_path / "image.tar").write_bytes(tar_of(files))
    name, raw = next((name, raw) for name, raw in files.items() if raw.startswith(b"\x1f\x8b"))
    layer = Descriptor(OCI_LAYER_GZIP, Digest.parse(name.replace("blobs/", "").replace("/", ":")), len(raw))

    with open_archive(tmp_path / "image.tar", tmp_path, Cancellation()) as archive:
        reader = archive.open(layer, 10)
        part = archive.open(layer, 3, 5)

    assert isinstance(reader, FileReader)  # both stay good after the archive was closed
    file, position = reader.file()
    assert os.pread(file, 10, position) == raw[10:20]
    assert read_all(reader) == raw[10:]
    assert read_all(part) == raw[3:8]


def test_what_is_not_in_it_is_unknown(tmp_path: Path) -> None:
    with read(tar_of(oci_files()[0]), tmp_path) as archive:
        with pytest.raises(TagUnknown) as unknown:
            archive.resolve("2.0")
        assert unknown.value.there == tuple(archive.tags())
        with pytest.raises(ContentUnknown):
            archive.resolve(Digest.of(b"absent"))
        with pytest.raises(ContentUnknown):
            archive.open(Descriptor(OCI_LAYER, Digest.of(b"absent"), 6))


# ── where it comes from


def test_a_pipe_is_read(tmp_path: Path) -> None:
    files, root = oci_files()
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream:
        sender = threading.Thread(target=send, args=(writing, packed_by_zstd(tar_of(files))))
        sender.start()
        with open_archive(stream, tmp_path, Cancellation()) as archive:
            assert archive.resolve("1.0").digest == root.digest
        sender.join()

    assert not list(tmp_path.iterdir())


def send(file: int, raw: bytes) -> None:
    with os.fdopen(file, "wb") as stream:
        stream.write(raw)


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    files, root = oci_files()
    os.mkfifo(tmp_path / "pipe")
    sender = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(tar_of(files),))
    sender.start()
    with open_archive(tmp_path / "pipe", tmp_path, Cancellation()) as archive:
        assert archive.resolve("1.0").digest == root.digest
    sender.join()


def test_a_plain_file_on_standard_input_is_not_copied(tmp_path: Path) -> None:
    files, root = oci_files()
    (tmp_path / "image.tar").write_bytes(tar_of(files))
    nowhere = tmp_path / "image.tar" / "scratch"  # cannot be made

    with (
        (tmp_path / "image.tar").open("rb") as stream,
        open_archive(stream, nowhere, Cancellation()) as archive,
    ):
        assert archive.resolve("1.0").digest == root.digest


@pytest.mark.parametrize("name", ["missing.tar", ".", "x" * 5000])
def test_what_is_no_file_is_said_to_be_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveMissing) as refused:
        open_archive(tmp_path / name, tmp_path, Cancellation())

    assert refused.value.why
    assert (refused.value.hint is not None) is (name == ".")
    assert ("lading import -" in (refused.value.hint or "")) is (name == ".")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a pipe that nobody writes to cannot be waited for")
def test_a_pipe_that_nobody_writes_to_is_waited_for_until_the_work_is_cancelled(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(TimedOut):
        open_archive(tmp_path / "pipe", tmp_path, Cancellation(0.05, clock=time.monotonic))


def test_standard_input_that_stays_silent_is_waited_for_until_the_work_is_cancelled(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"the beginning")
    with os.fdopen(reading, "rb") as stream, pytest.raises(TimedOut):
        open_archive(stream, tmp_path, Cancellation(0.05, clock=time.monotonic))
    os.close(writing)


def test_unpacking_can_be_cancelled(tmp_path: Path) -> None:
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(Cancelled):
        open_archive(io.BytesIO(packed_by_gzip(tar_of(oci_files()[0]))), tmp_path, cancel)

    assert not list(tmp_path.iterdir())
