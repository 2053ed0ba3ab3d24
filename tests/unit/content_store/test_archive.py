"""Reading archives: every form and packing, and everything hostile refused by one error, with nothing left behind."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.backends.content_store.archive import ArchiveSource, open_archive
from lading.backends.content_store.arriving import ArchiveMissing
from lading.backends.content_store.compression import CompressionInvalid
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown, TagUnknown
from lading.errors import Cancelled, LadingError, TimedOut
from lading.oci.archive import LAYOUT_TEXT, ArchiveInvalid, NoImages, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest, DigestMismatch
from lading.oci.image_config import ConfigInvalid
from lading.oci.layout_index import EMPTY, named, point
from lading.oci.manifest import Index, Manifest, parse_manifest
from lading.oci.media_types import OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST
from lading.oci.tar import TarInvalid
from lading.wire.message import FileReader
from tests.fakes.memory import MemoryStore
from tests.fakes.reading import read_all
from tests.fakes.root_images import (
    Pack,
    as_it_is,
    layer_tars,
    packed_by_bzip2,
    packed_by_gzip,
    packed_by_xz,
    packed_by_zstd,
    put_root_image,
    tar_of,
)
from tests.fakes.work import run_copy

Files = Mapping[str, bytes]


def read(raw: bytes, scratch: Path) -> ArchiveSource:
    return open_archive(io.BytesIO(raw), scratch, Cancellation())


def copied(archive: ArchiveSource, name: str) -> MemoryStore:
    back = MemoryStore(verifies=True)
    (arrival,) = run_copy(archive, archive.resolve(name), [Destination("back", back, ("x",))])
    assert arrival.error is None
    return back


def oci_files(*names: str) -> tuple[dict[str, bytes], Descriptor]:
    """The members of an OCI archive with one image."""
    source = MemoryStore()
    root = put_root_image(source)
    index = EMPTY
    for name in names or ("1.0",):
        index = point(index, name, root)
    files = {"oci-layout": LAYOUT_TEXT, "index.json": index}
    return files | {blob_member(digest): raw for digest, raw in source.blobs.items()}, root


def docker_files(pack: Pack = as_it_is) -> dict[str, bytes]:
    """The members of an archive as docker wrote them before version 25: config and a folder for each layer."""
    tars = layer_tars()
    source = MemoryStore()
    manifest = parse_manifest(source.blobs[put_root_image(source, tars).digest])
    assert isinstance(manifest, Manifest)
    config = f"{manifest.config.digest.encoded}.json"
    files = {f"layer{number}/layer.tar": pack(tar) for number, tar in enumerate(tars)}
    listing = [{"Config": config, "RepoTags": ["app:1", "q.io/app:2"], "Layers": list(files)}]
    return files | {
        config: source.blobs[manifest.config.digest],
        "manifest.json": json.dumps(listing).encode(),
        "repositories": b'{"app":{"1":"layer1"}}',
    }


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


# ── hostile archives


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def add(tar: tarfile.TarFile, name: str, kind: bytes, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    tar.addfile(member)


def with_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for file, content in oci_files()[0].items():
            add_file(tar, file, content)
        add(tar, name, kind, link)
    return raw.getvalue()


def without_layer() -> bytes:
    files, _ = oci_files()
    del files[next(name for name, raw in files.items() if raw.startswith(b"\x1f\x8b"))]
    return tar_of(files)


def without_docker_layer() -> bytes:
    files = docker_files()
    del files["layer1/layer.tar"]
    return tar_of(files)


def with_a_longer_layer() -> bytes:
    files, _ = oci_files()
    name = next(name for name, raw in files.items() if raw.startswith(b"\x1f\x8b"))
    return tar_of(files | {name: files[name] + b"x"})


def changed(name: str, raw: bytes, files: Callable[[], Files] = lambda: oci_files()[0]) -> Callable[[], bytes]:
    return lambda: tar_of({**files(), name: raw})


def with_a_changed_manifest() -> bytes:
    files, root = oci_files()
    return tar_of(files | {blob_member(root.digest): files[blob_member(root.digest)][:-1] + b" "})


def with_an_index_that_contains_itself() -> bytes:
    claimed = Digest.of(b"itself")
    raw = Index.build([Descriptor(OCI_INDEX, claimed, 300)]).raw
    raw = raw.ljust(300)
    itself = Descriptor(OCI_INDEX, claimed, 300)
    return tar_of({"oci-layout": LAYOUT_TEXT, "index.json": point(EMPTY, "1", itself), blob_member(claimed): raw})


def with_indexes_within_indexes() -> bytes:
    files, inner = oci_files()
    for _ in range(6):
        index = Index.build([inner])
        inner = index.descriptor()
        files[blob_member(inner.digest)] = index.raw
    return tar_of(files | {"index.json": point(EMPTY, "1", inner)})


def with_a_size_that_lies() -> bytes:
    files, root = oci_files()
    lying = Descriptor(root.media_type, root.digest, root.size + 1)
    return tar_of(files | {"index.json": Index.build([named(lying, "1.0")]).raw})


def docker_listing(**changes: object) -> Callable[[], bytes]:
    def build() -> bytes:
        files = docker_files()
        listing = json.loads(files["manifest.json"])
        listing[0].update(changes)
        return tar_of(files | {"manifest.json": json.dumps(listing).encode()})

    return build


WHOLE = tar_of(oci_files()[0])

HOSTILE: list[tuple[str, Callable[[], bytes], type[LadingError]]] = [
    ("empty", lambda: b"", TarInvalid),
    ("no tar", lambda: b"hello world" * 100, TarInvalid),
    ("broken bzip2", lambda: b"BZh91AY&SY" + b"x" * 600, CompressionInvalid),
    ("cut in a header", lambda: WHOLE[:700], TarInvalid),
    ("cut in a member", lambda: WHOLE[:3000], TarInvalid),
    ("cut before its end mark", lambda: WHOLE[: -(-len(WHOLE.rstrip(b"\0")) // 512) * 512], TarInvalid),
    ("cut gzip", lambda: packed_by_gzip(WHOLE)[:-20], CompressionInvalid),
    ("cut zstd", lambda: packed_by_zstd(WHOLE)[:-20], CompressionInvalid),
    ("cut xz", lambda: packed_by_xz(WHOLE)[:-20], CompressionInvalid),
    ("cut bzip2", lambda: packed_by_bzip2(WHOLE)[:-20], CompressionInvalid),
    ("an archive in an archive's packing", lambda: packed_by_gzip(packed_by_gzip(WHOLE)), TarInvalid),
    ("an absolute name", lambda: with_member("/etc/passwd"), ArchiveInvalid),
    ("a name that leads out", lambda: with_member("../../etc/passwd"), ArchiveInvalid),
    ("a link out", lambda: with_member("a", tarfile.SYMTYPE, "/etc/passwd"), ArchiveInvalid),
    ("a link up", lambda: with_member("a/b", tarfile.SYMTYPE, "../../x"), ArchiveInvalid),
    ("a hard link out", lambda: with_member("a", tarfile.LNKTYPE, "../etc/passwd"), ArchiveInvalid),
    ("a device", lambda: with_member("a", tarfile.CHRTYPE), ArchiveInvalid),
    ("a pipe", lambda: with_member("a", tarfile.FIFOTYPE), ArchiveInvalid),
    ("a member twice", lambda: with_member("index.json"), ArchiveInvalid),
    ("neither index", lambda: tar_of({"etc/passwd": b"root"}), NoImages),
    ("no layout file", lambda: tar_of({"index.json": EMPTY}), ArchiveInvalid),
    ("another layout version", changed("oci-layout", b'{"imageLayoutVersion":"3.0.0"}'), ArchiveInvalid),
    ("a bad index", changed("index.json", b"{}"), ArchiveInvalid),
    ("an index too long", changed("index.json", b" " * (4 * 1024 * 1024 + 1)), ArchiveInvalid),
    ("a missing layer", without_layer, ArchiveInvalid),
    ("a layer of the wrong size", with_a_longer_layer, ArchiveInvalid),
    ("a size that lies", with_a_size_that_lies, ArchiveInvalid),
    ("an index that contains itself", with_an_index_that_contains_itself, DigestMismatch),
    ("a changed manifest", with_a_changed_manifest, DigestMismatch),
    ("indexes without end", with_indexes_within_indexes, ArchiveInvalid),
    ("docker: a missing layer", without_docker_layer, ArchiveInvalid),
    ("docker: too few layers", docker_listing(Layers=["layer0/layer.tar"]), ArchiveInvalid),
    ("docker: a layer outside", docker_listing(Layers=["../../etc/passwd", "layer1/layer.tar"]), ArchiveInvalid),
    ("docker: a config outside", docker_listing(Config="/etc/passwd"), ArchiveInvalid),
    ("docker: no config", docker_listing(Config="missing.json"), ArchiveInvalid),
    ("docker: a config that is none", docker_listing(Config="layer0/layer.tar"), ConfigInvalid),
    ("docker: a bad name", docker_listing(RepoTags=["Not A Name"]), ArchiveInvalid),
    ("docker: a bad list", changed("manifest.json", b"{}", docker_files), ArchiveInvalid),
    ("docker: a list that is null", changed("manifest.json", b"null", docker_files), ArchiveInvalid),
    ("docker: an empty list", changed("manifest.json", b"[]", docker_files), ArchiveInvalid),
    ("docker: xz layers", lambda: tar_of(docker_files(packed_by_xz)), ArchiveInvalid),
]


@pytest.mark.parametrize(("build", "error"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
@pytest.mark.parametrize("from_a_file", [True, False])
def test_hostile_archives_are_refused_by_one_error(
    tmp_path: Path, build: Callable[[], bytes], error: type[LadingError], from_a_file: bool
) -> None:
    scratch, path = tmp_path / "scratch", tmp_path / "image.tar"
    path.write_bytes(build())
    before = len(os.listdir("/dev/fd"))

    with pytest.raises(error) as refused:
        open_archive(path if from_a_file else io.BytesIO(path.read_bytes()), scratch, Cancellation())

    assert type(refused.value) is error
    assert str(refused.value)
    assert not scratch.exists() or not list(scratch.iterdir())
    assert len(os.listdir("/dev/fd")) == before


def test_a_layer_that_is_not_what_the_config_says_is_found_when_it_moves(tmp_path: Path) -> None:
    files = docker_files()
    changed_layer = bytearray(files["layer0/layer.tar"])
    changed_layer[600] ^= 1
    back = MemoryStore(verifies=True)

    raw = tar_of(files | {"layer0/layer.tar": bytes(changed_layer)})
    with read(raw, tmp_path) as archive, pytest.raises(LadingError) as refused:
        run_copy(archive, archive.resolve("app:1"), [Destination("back", back, ("x",))])

    assert refused.value.side.value == "source"
    assert not back.names
    assert hashlib.sha256(changed_layer).hexdigest() not in {digest.encoded for digest in back.blobs}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from([WHOLE, tar_of(docker_files()), packed_by_gzip(WHOLE), packed_by_zstd(WHOLE), packed_by_xz(WHOLE)]),
    st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4),
)
def test_any_damage_is_refused_or_changes_nothing_that_was_checked(
    tmp_path: Path, raw: bytes, damages: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(raw)
    for place, noise in damages:
        start = place % len(damaged)
        damaged[start : start + len(noise)] = noise

    with suppress(LadingError), read(bytes(damaged), tmp_path) as archive:
        for name in archive.tags():
            root = archive.resolve(name)
            assert Digest.of(read_all(archive.open(root))) == root.digest

    assert not list(tmp_path.iterdir())
