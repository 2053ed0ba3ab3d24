"""What is special of OCI layouts; what they share with other stores is in tests/contract/stores."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from lading.backends.content_store.layout import LayoutStore
from lading.backends.content_store.layout_folder import FolderTaken, LayoutUnknown
from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.engine.stores import ContentUnknown, TagUnknown
from lading.errors import LadingError, Side
from lading.oci.archive import LAYOUT_TEXT, ArchiveInvalid, blob_member
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest, DigestMismatch
from lading.oci.layout_index import EMPTY, named, point, read_index
from lading.oci.manifest import Index
from lading.oci.media_types import OCI_INDEX, OCI_LAYER
from lading.wire.message import BytesContent, ConnectionLost, FileReader
from tests.fakes.contents import PlannedContent
from tests.fakes.memory import MemoryStore
from tests.fakes.reading import read_all
from tests.fakes.root_images import put_root_image
from tests.fakes.tracks import RecordingTrack
from tests.fakes.work import run_copy

NAME = "docker.io/library/app:1"


def filled(folder: Path, *names: str) -> tuple[LayoutStore, MemoryStore, Descriptor]:
    """A layout with one image under these names, and where it came from."""
    store, source = LayoutStore(folder), MemoryStore()
    root = put_root_image(source)
    (arrival,) = run_copy(source, root, [Destination(store.name, store, names or (NAME,))])
    assert arrival.error is None
    return store, source, root


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_new_layout_is_what_the_specification_says(tmp_path: Path) -> None:
    _, source, root = filled(tmp_path / "layout")

    folder = tmp_path / "layout"
    assert files_of(folder) == {"oci-layout", "index.json", *(blob_member(digest) for digest in source.blobs)}
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert read_index((folder / "index.json").read_bytes()) == (named(root, NAME),)
    assert all((folder / blob_member(digest)).read_bytes() == raw for digest, raw in source.blobs.items())


def test_an_image_comes_back_as_it_was(tmp_path: Path) -> None:
    store, source, root = filled(tmp_path)
    back = MemoryStore()

    (arrival,) = run_copy(store, store.resolve("app:1"), [Destination("back", back, ("x",))])

    assert arrival.error is None
    assert back.blobs == source.blobs
    assert back.names["x"].digest == root.digest


@pytest.mark.parametrize(
    ("names", "told"), [(3, "v00, v01, v02"), (12, "v00, v01, v02, v03, v04, v05, v06, v07, v08, v09 and 2 more")]
)
def test_a_name_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path, names: int, told: str) -> None:
    store, _, _ = filled(tmp_path, *(f"v{number:02}" for number in range(names)))

    with pytest.raises(TagUnknown) as unknown:
        store.resolve("w")

    assert unknown.value.hint == f"Name one of those that are there: {told}"


def test_several_names_are_entries_of_their_own(tmp_path: Path) -> None:
    store, _, root = filled(tmp_path, "1.0", "latest", NAME)

    assert list(store.tags()) == ["1.0", NAME, "latest"]
    assert {store.resolve(name).digest for name in ("1.0", "latest", "app:1")} == {root.digest}


def test_an_image_without_a_name_is_called_by_its_digest(tmp_path: Path) -> None:
    store, _, root = filled(tmp_path, "1.0")
    (tmp_path / "index.json").write_bytes(point(EMPTY, str(root.digest), root))

    assert list(store.tags()) == [str(root.digest)]
    assert store.resolve(str(root.digest)).digest == root.digest
    assert "annotations" not in json.loads((tmp_path / "index.json").read_bytes())["manifests"][0]


def test_untagging_leaves_the_content_to_other_tools(tmp_path: Path) -> None:
    store, source, root = filled(tmp_path, "1.0", "2.0")

    store.untag("1.0")

    assert list(store.tags()) == ["2.0"]
    assert all(store.has(Descriptor("", digest, len(raw))) for digest, raw in source.blobs.items())
    assert store.resolve(root.digest).media_type == root.media_type


def test_blobs_can_be_sent_by_the_kernel(tmp_path: Path) -> None:
    store, source, _ = filled(tmp_path)
    digest = next(digest for digest, raw in source.blobs.items() if raw[:2] == b"\x1f\x8b")
    reader = store.open(Descriptor(OCI_LAYER, digest, len(source.blobs[digest])), 5)

    assert isinstance(reader, FileReader)
    file, position = reader.file()
    assert os.pread(file, 10, position) == source.blobs[digest][5:15]
    reader.close()


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path / "missing")

    with pytest.raises(LayoutUnknown):
        store.resolve("1.0")
    with pytest.raises(LayoutUnknown):
        list(store.tags())
    with pytest.raises(ContentUnknown):
        store.resolve(Digest.of(b""))
    assert not store.has(Descriptor(OCI_LAYER, Digest.of(b""), 0))
    assert not (tmp_path / "missing").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")

    with pytest.raises(FolderTaken):
        LayoutStore(tmp_path).push(
            Descriptor(OCI_LAYER, Digest.of(b""), 0), BytesContent(b""), RecordingTrack(), Cancellation()
        )

    assert files_of(tmp_path) == {"letter.txt"}


@pytest.mark.parametrize("left", [[], [".oci-layout.new"], ["oci-layout"], ["oci-layout", ".index.json.new"]])
def test_a_layout_whose_making_was_killed_is_made_all_the_same(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).write_bytes(LAYOUT_TEXT)

    store, _, root = filled(tmp_path, "1.0")

    assert store.resolve("1.0").digest == root.digest


def test_a_broken_transfer_is_found_again_by_another_store(tmp_path: Path) -> None:
    raw = bytes(range(256)) * 100
    layer = Descriptor(OCI_LAYER, Digest.of(raw), len(raw))
    content = PlannedContent(raw, breaks=[20_000])
    with pytest.raises(ConnectionLost):
        LayoutStore(tmp_path).push(layer, content, RecordingTrack(), Cancellation())

    assert not (tmp_path / blob_member(layer.digest)).exists()
    LayoutStore(tmp_path).push(layer, content, RecordingTrack(), Cancellation())

    assert [offset for offset, _ in content.openings] == [0, 20_000]
    assert files_of(tmp_path) == {"oci-layout", "index.json", blob_member(layer.digest)}


@pytest.mark.parametrize("left", [b"wrong bytes", b"far too long " * 50])
def test_wrong_bytes_of_an_earlier_attempt_are_fetched_again(tmp_path: Path, left: bytes) -> None:
    raw = b"right bytes " * 10
    layer = Descriptor(OCI_LAYER, Digest.of(raw), len(raw))
    store = LayoutStore(tmp_path)
    store.push(Descriptor(OCI_LAYER, Digest.of(b""), 0), BytesContent(b""), RecordingTrack(), Cancellation())
    (tmp_path / f".lading-sha256-{layer.digest.encoded}").write_bytes(left)

    store.push(layer, BytesContent(raw), RecordingTrack(), Cancellation())

    assert (tmp_path / blob_member(layer.digest)).read_bytes() == raw


def test_a_blob_of_the_wrong_size_is_written_again(tmp_path: Path) -> None:
    store, source, _ = filled(tmp_path)
    digest, raw = next(iter(source.blobs.items()))
    (tmp_path / blob_member(digest)).write_bytes(raw[:-1])

    assert not store.has(Descriptor(OCI_LAYER, digest, len(raw)))
    store.push(Descriptor(OCI_LAYER, digest, len(raw)), BytesContent(raw), RecordingTrack(), Cancellation())

    assert (tmp_path / blob_member(digest)).read_bytes() == raw


def tag_from_another_process(folder: Path, names: list[str]) -> None:
    store = LayoutStore(folder)
    for name in names:
        source = MemoryStore()
        root = put_root_image(source, label=name)
        (arrival,) = run_copy(source, root, [Destination(store.name, store, (name,))])
        assert arrival.error is None


def test_several_processes_lose_none_of_each_others_names(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    names = [[f"{process}-{number}" for number in range(5)] for process in range(3)]
    processes = [context.Process(target=tag_from_another_process, args=(tmp_path, part)) for part in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert list(LayoutStore(tmp_path).tags()) == sorted(name for part in names for name in part)


# ── hostile layouts


def test_an_index_that_contains_itself_is_refused(tmp_path: Path) -> None:
    store, _, _ = filled(tmp_path, "1.0")
    claimed = Descriptor(OCI_INDEX, Digest.of(b"itself"), 0)
    for _ in range(3):  # its size settles
        raw = Index.build([claimed]).raw
        claimed = Descriptor(OCI_INDEX, claimed.digest, len(raw))
    (tmp_path / blob_member(claimed.digest)).write_bytes(Index.build([claimed]).raw)
    (tmp_path / "index.json").write_bytes(point(EMPTY, "1.0", claimed))

    with pytest.raises(DigestMismatch):
        store.open(store.resolve("1.0"))
    target = MemoryStore("target")
    with pytest.raises(LadingError) as refused:
        run_copy(store, store.resolve("1.0"), [Destination("target", target, ("x",))])
    assert refused.value.side is Side.SOURCE
    assert not target.blobs


@pytest.mark.parametrize("place", ["blob", "algorithm", "blobs", "index.json", "oci-layout"])
def test_links_are_not_followed(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "layout"
    store, _, root = filled(folder, "1.0")
    blob = folder / blob_member(root.digest)
    real = {"blob": blob, "algorithm": blob.parent, "blobs": folder / "blobs"}.get(place, folder / place)
    elsewhere = real.rename(tmp_path / "elsewhere")
    real.symlink_to(elsewhere)

    with pytest.raises(ArchiveInvalid, match="link"):
        store.open(store.resolve("1.0"))


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    filled(folder)
    (folder / "blobs").rename(tmp_path / "elsewhere")
    (folder / "blobs").symlink_to(tmp_path / "elsewhere")
    before = files_of(tmp_path / "elsewhere")

    with pytest.raises(ArchiveInvalid):
        LayoutStore(folder).push(
            Descriptor(OCI_LAYER, Digest.of(b"new"), 3), BytesContent(b"new"), RecordingTrack(), Cancellation()
        )

    assert files_of(tmp_path / "elsewhere") == before


def test_a_pipe_in_place_of_a_blob_keeps_nobody_waiting(tmp_path: Path) -> None:
    store, _, root = filled(tmp_path, "1.0")
    (tmp_path / blob_member(root.digest)).unlink()
    os.mkfifo(tmp_path / blob_member(root.digest))

    with pytest.raises(ArchiveInvalid, match="no plain file"):
        store.open(store.resolve("1.0"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("oci-layout", b'{"imageLayoutVersion":"2.0.0"}'),
        ("oci-layout", b""),
        ("index.json", b"{}"),
        ("index.json", b'{"schemaVersion":2,"manifests":[{"mediaType":"a","digest":"sha256:../../x","size":1}]}'),
        ("index.json", b" " * (5 * 1024 * 1024)),
    ],
)
def test_files_that_break_the_rules_are_refused(tmp_path: Path, file: str, content: bytes) -> None:
    store, _, _ = filled(tmp_path)
    (tmp_path / file).write_bytes(content)

    with pytest.raises(ArchiveInvalid):
        list(store.tags())


def test_a_name_that_nobody_gave_is_unknown(tmp_path: Path) -> None:
    store, _, _ = filled(tmp_path, "1.0")

    with pytest.raises(TagUnknown):
        store.resolve("2.0")
    with pytest.raises(TagUnknown):
        store.untag("2.0")


def test_what_was_read_is_what_is_there(tmp_path: Path) -> None:
    store, source, root = filled(tmp_path)

    assert read_all(store.open(root)) == source.blobs[root.digest]
    assert read_all(store.open(root, 3, 4)) == source.blobs[root.digest][3:7]
