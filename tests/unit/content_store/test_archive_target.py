from __future__ import annotations

import errno
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from lading.backends.content_store.archive import open_archive
from lading.backends.content_store.archive_target import ArchiveBroken, ArchiveTarget
from lading.backends.content_store.storage import StorageUnusable
from lading.backends.content_store.tar_writer import NewFile
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown, Outcome, TagMoved, TagUnknown
from lading.errors import Cancelled
from lading.oci.archive import blob_member, read_docker_manifest
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.oci.layout_index import entry_name, read_index
from lading.oci.manifest import Manifest, ManifestInvalid, parse_manifest
from lading.oci.media_types import OCI_LAYER, OCI_MANIFEST
from lading.oci.platform import Platform
from lading.services.content.stores import ArchiveForm, Compression
from lading.wire.message import BytesContent, ConnectionLost
from tests.fakes.contents import PlannedContent
from tests.fakes.images import put_image, put_index
from tests.fakes.memory import MemoryStore
from tests.fakes.root_images import AMD64, Pack, as_it_is, packed_by_gzip, packed_by_zstd, put_root_image
from tests.fakes.tracks import RecordingTrack
from tests.fakes.work import run_copy

ARM64 = Platform("linux", "arm64")
NAME = "docker.io/library/app:1"
RAW = bytes(range(256)) * 40
LAYER = Descriptor(OCI_LAYER, Digest.of(RAW), len(RAW))


def target_at(
    place: Path | io.BytesIO,
    form: ArchiveForm = ArchiveForm.DOCKER,
    compression: Compression = Compression.NONE,
    platform: Platform = AMD64,
) -> ArchiveTarget:
    return ArchiveTarget(place, form, compression, platform)


def save(target: ArchiveTarget, source: MemoryStore, root: Descriptor, names: Sequence[str] = (NAME,)) -> None:
    (arrival,) = run_copy(source, root, [Destination(target.name, target, tuple(names))])
    assert arrival.error is None


def load(place: Path | io.BytesIO, scratch: Path, name: str = NAME) -> dict[Digest, bytes]:
    back = MemoryStore()
    with open_archive(place, scratch, Cancellation()) as archive:
        (arrival,) = run_copy(archive, archive.resolve(name), [Destination("back", back, ("x",))])
    assert arrival.error is None
    return back.blobs


def documents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: extracted(tar, member) for member in tar}


def extracted(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None
    with stream:
        return stream.read()


@pytest.mark.parametrize("form", ArchiveForm)
@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_zstd])
def test_what_is_saved_loads_byte_for_byte(
    tmp_path: Path, form: ArchiveForm, compression: Compression, pack: Pack
) -> None:
    source = MemoryStore()
    root = put_root_image(source, pack=pack)
    with target_at(tmp_path / "image.tar", form, compression) as target:
        save(target, source, root)

    assert load(tmp_path / "image.tar", tmp_path) == source.blobs
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]


@pytest.mark.parametrize("compression", Compression)
def test_a_stream_is_written_and_read(tmp_path: Path, compression: Compression) -> None:
    source, stream = MemoryStore(), io.BytesIO()
    root = put_root_image(source)
    with target_at(stream, compression=compression) as target:
        save(target, source, root)
    stream.seek(0)

    assert load(stream, tmp_path) == source.blobs
    assert not list(tmp_path.iterdir())


def test_several_platforms_are_kept_and_docker_is_shown_its_own(tmp_path: Path) -> None:
    source = MemoryStore()
    arm, amd = put_root_image(source, platform=ARM64), put_root_image(source, platform=AMD64)
    root = put_index(source, [arm, amd])
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, root, [NAME, "app:latest"])

    files = documents(tmp_path / "image.tar")
    (image,) = read_docker_manifest(files["manifest.json"])
    chosen = parse_manifest(source.blobs[amd.digest])
    assert isinstance(chosen, Manifest)
    assert image.config == blob_member(chosen.config.digest)
    assert image.layers == tuple(blob_member(layer.digest) for layer in chosen.layers)
    assert [reference.familiar for reference in image.references] == ["app:1", "app:latest"]
    assert json.loads(files["repositories"])["app"].keys() == {"1", "latest"}
    assert [entry.digest for entry in read_index(files["index.json"])] == [root.digest] * 2
    assert load(tmp_path / "image.tar", tmp_path) == source.blobs


def test_an_oci_archive_has_nothing_of_dockers(tmp_path: Path) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    with target_at(tmp_path / "image.tar", ArchiveForm.OCI) as target:
        save(target, source, root, ["1.0"])

    files = documents(tmp_path / "image.tar")
    assert set(files) == {"oci-layout", "index.json", *(blob_member(digest) for digest in source.blobs)}
    assert [entry_name(entry) for entry in read_index(files["index.json"])] == ["1.0"]


def test_docker_is_told_of_images_only(tmp_path: Path) -> None:
    source = MemoryStore()
    chart = Manifest.build(source.put(b"{}", "application/vnd.cncf.helm.config.v1+json"), [source.put(b"x", "a/b")])
    source.blobs[chart.descriptor().digest] = chart.raw
    source.held[chart.descriptor().digest] = chart.descriptor()
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, chart.descriptor(), ["charts/app:1"])

    files = documents(tmp_path / "image.tar")
    assert json.loads(files["manifest.json"]) == []
    assert len(read_index(files["index.json"])) == 1


def test_an_image_saved_by_its_digest_has_no_name(tmp_path: Path) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, root, [str(root.digest)])

    (image,) = read_docker_manifest(documents(tmp_path / "image.tar")["manifest.json"])
    assert image.references == ()
    with open_archive(tmp_path / "image.tar", tmp_path, Cancellation()) as archive:
        assert list(archive.tags()) == [str(root.digest)]


def test_referrers_travel_in_the_index(tmp_path: Path) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    signature = put_image(source, [b"signature"], subject=root, artifact_type="a/sig")
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, root, [NAME])
        for digest in source.blobs:
            raw = source.blobs[digest]
            target.push(source.held[digest], BytesContent(raw), RecordingTrack(), Cancellation())

    entries = read_index(documents(tmp_path / "image.tar")["index.json"])
    assert {entry.digest for entry in entries} == {root.digest, signature.digest}
    with open_archive(tmp_path / "image.tar", tmp_path, Cancellation()) as archive:
        assert list(archive.tags()) == [NAME]


def test_shared_layers_are_written_once(tmp_path: Path) -> None:
    source = MemoryStore()
    one, two = put_root_image(source), put_root_image(source, label=" again")
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, one, ["one:1"])
        save(target, source, two, ["two:1"])

    with tarfile.open(tmp_path / "image.tar") as tar:
        names = tar.getnames()
    assert len(names) == len(set(names))
    assert {blob_member(digest) for digest in source.blobs} <= set(names)


# ── the file and its name


def test_a_file_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"the old one")
    source = MemoryStore()
    root = put_root_image(source)
    with target_at(path) as target:
        save(target, source, root)
        assert path.read_bytes() == b"the old one"

    assert load(path, tmp_path) == source.blobs
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


def test_an_error_leaves_nothing_and_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"the old one")
    source = MemoryStore()
    root = put_root_image(source)

    def fail() -> None:
        with target_at(path) as target:
            save(target, source, root)
            raise Cancelled

    with pytest.raises(Cancelled):
        fail()

    assert path.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    path, beside = tmp_path / "a.tar", tmp_path / ".a.tar.mine"
    beside.write_bytes(b"of somebody else")
    dying = f"import os, pathlib; kept = NewFile(pathlib.Path({str(path)!r})); os._exit(0)"
    subprocess.run([sys.executable, "-c", f"from {NewFile.__module__} import NewFile; {dying}"], check=True)
    assert len(list(tmp_path.iterdir())) == 2

    with target_at(path) as first:
        save(first, source, root)
        with target_at(path) as second:
            save(second, source, root)

    assert sorted(each.name for each in tmp_path.iterdir()) == [".a.tar.mine", "a.tar"]


def test_an_archive_in_which_nothing_has_a_name_is_not_kept(tmp_path: Path) -> None:
    with target_at(tmp_path / "image.tar") as target:
        target.push(LAYER, BytesContent(RAW), RecordingTrack(), Cancellation())

    assert not list(tmp_path.iterdir())


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.tar").symlink_to("real.tar")
    source = MemoryStore()
    root = put_root_image(source)
    with target_at(tmp_path / "link.tar") as target:
        save(target, source, root)

    assert (tmp_path / "link.tar").is_symlink()
    assert load(tmp_path / "real.tar", tmp_path) == source.blobs


def test_a_pipe_is_written_to_as_it_stands(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    received: list[bytes] = []
    reading = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_bytes()))
    reading.start()
    source = MemoryStore()
    root = put_root_image(source)
    with target_at(tmp_path / "pipe") as target:
        save(target, source, root)
    reading.join()

    assert load(io.BytesIO(received[0]), tmp_path) == source.blobs


# ── pieces


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (PlannedContent(RAW, breaks=[5000]), ConnectionLost),
        (PlannedContent(RAW[::-1]), DigestMismatch),
        (PlannedContent(RAW[:-1], size=len(RAW)), ContentTooShort),
        (PlannedContent(RAW + b"?", size=len(RAW)), ContentTooLong),
    ],
)
def test_a_piece_that_breaks_off_breaks_the_archive(
    tmp_path: Path, content: PlannedContent, error: type[Exception]
) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, root)
        with pytest.raises(error):
            target.push(LAYER, content, RecordingTrack(), Cancellation())
        assert not target.has(LAYER)
        with pytest.raises(ArchiveBroken):
            target.push(LAYER, BytesContent(RAW), RecordingTrack(), Cancellation())

    assert not list(tmp_path.iterdir())
    assert content.unclosed == 0


def test_a_bad_manifest_breaks_nothing(tmp_path: Path) -> None:
    source = MemoryStore()
    root = put_root_image(source)
    bad = Descriptor(OCI_MANIFEST, Digest.of(b"{}"), 2)
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, root)
        with pytest.raises(ManifestInvalid):
            target.push(bad, BytesContent(b"{}"), RecordingTrack(), Cancellation())
        with pytest.raises(DigestMismatch):
            target.push(bad, BytesContent(b"[]"), RecordingTrack(), Cancellation())

    assert load(tmp_path / "image.tar", tmp_path) == source.blobs


def test_a_piece_that_is_there_is_not_read_again(tmp_path: Path) -> None:
    content = PlannedContent(RAW)
    with target_at(tmp_path / "image.tar") as target:
        assert target.push(LAYER, content, RecordingTrack(), Cancellation()) is Outcome.SENT
        assert target.push(LAYER, content, RecordingTrack(), Cancellation()) is Outcome.EXISTS

    assert len(content.openings) == 1


def test_a_cancelled_piece_is_not_begun(tmp_path: Path) -> None:
    cancel = Cancellation()
    cancel.cancel()
    with target_at(tmp_path / "image.tar") as target, pytest.raises(Cancelled):
        target.push(LAYER, BytesContent(RAW), RecordingTrack(), cancel)


# ── names


def test_names_are_conditional_resolve_and_go(tmp_path: Path) -> None:
    source = MemoryStore()
    one, two = put_root_image(source), put_root_image(source, label=" again")
    with target_at(tmp_path / "image.tar") as target:
        save(target, source, one, ["a", "b"])
        assert list(target.tags()) == ["a", "b"]
        assert list(target.tags(after="a")) == ["b"]
        assert target.resolve("a").digest == target.resolve(one.digest).digest == one.digest

        content = BytesContent(source.blobs[two.digest])
        outcome = target.tag(two, content, ["a", "c"], "absent", Cancellation())
        assert isinstance(outcome["a"], TagMoved)
        assert outcome["c"] is None

        target.untag("a")
        with pytest.raises(TagUnknown):
            target.untag("a")
        with pytest.raises(TagUnknown):
            target.resolve("a")
        with pytest.raises(ContentUnknown):
            target.resolve(Digest.of(b"nothing"))


def test_a_stream_without_room_says_nothing_of_any_folder() -> None:
    class Full(io.BytesIO):
        def write(self, _piece: object, /) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with target_at(Full()) as target, pytest.raises(StorageUnusable, match="cannot use standard output: No space left"):
        target.push(LAYER, BytesContent(RAW), RecordingTrack(), Cancellation())
