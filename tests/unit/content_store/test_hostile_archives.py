"""Archives that are broken, damaged or meant to harm: each is refused by one error, with nothing left behind."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.backends.content_store.archive import open_archive
from lading.backends.content_store.compression import CompressionInvalid
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.oci.archive import LAYOUT_TEXT, ArchiveInvalid, NoImages, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest, DigestMismatch
from lading.oci.image_config import ConfigInvalid
from lading.oci.layout_index import EMPTY, named, point
from lading.oci.manifest import Index
from lading.oci.media_types import OCI_INDEX
from lading.oci.tar import TarInvalid
from tests.fakes.memory import MemoryStore
from tests.fakes.reading import read_all
from tests.fakes.root_images import (
    packed_by_bzip2,
    packed_by_gzip,
    packed_by_xz,
    packed_by_zstd,
    tar_of,
)
from tests.fakes.work import run_copy
from tests.unit.content_store.archive_files import Files, add, add_file, docker_files, oci_files, read


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
    ("an empty index", changed("index.json", EMPTY), ArchiveInvalid),
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
