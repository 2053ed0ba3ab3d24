"""Space that is kept free: nothing new begins below, and what has begun may end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.storage import DATABASE_ROOM, Reserve, SpaceLow
from lading.engine.cancel import Cancellation
from lading.errors import NoRoom
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_LAYER_GZIP, OCI_MANIFEST
from lading.wire.message import BytesContent, BytesReader
from tests.fakes.records import MemoryLeases
from tests.fakes.tracks import RecordingTrack

EVERYTHING = 2**62
CANCEL = Cancellation()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[ContentFolder]:
    """A folder that keeps more free than there is, with an upload that began before."""
    with closing(ContentFolder(tmp_path, MemoryLeases())) as before:
        before.uploads.create("begun")
        push(before, b"old", OCI_LAYER_GZIP)
    with closing(ContentFolder(tmp_path, MemoryLeases(), reserve=Reserve(EVERYTHING))) as content:
        yield content


def push(folder: ContentFolder, raw: bytes, media_type: str) -> Descriptor:
    descriptor = Descriptor(media_type, Digest.of(raw), len(raw))
    folder.push(descriptor, BytesContent(raw), RecordingTrack(), CANCEL)
    return descriptor


@pytest.mark.parametrize(
    ("reserve", "low"), [(Reserve(), False), (Reserve(1, 0.001), False), (Reserve(0, 99.999), True)]
)
def test_the_larger_of_bytes_and_percent_counts(tmp_path: Path, reserve: Reserve, low: bool) -> None:
    if not low:
        reserve.check(tmp_path)
        return
    with pytest.raises(SpaceLow) as refused:
        reserve.check(tmp_path)
    assert refused.value.free < refused.value.kept


def test_no_upload_begins(full: ContentFolder) -> None:
    with pytest.raises(NoRoom):
        full.uploads.create("new")
    assert [path.name for path in full.tree.uploads.iterdir()] == ["begun"]


def test_an_upload_that_began_ends_and_its_manifest_is_taken(full: ContentFolder) -> None:
    with full.uploads.writing("begun", CANCEL) as upload:
        upload.append(BytesReader(b"layer"), CANCEL)
        upload.finish(Digest.of(b"layer"), CANCEL)
    manifest = push(full, b'{"schemaVersion":2}', OCI_MANIFEST)

    assert full.size(Digest.of(b"layer")) == 5
    assert full.size(manifest.digest) == 19


def test_no_blob_is_fetched_and_none_is_left_half(full: ContentFolder) -> None:
    with pytest.raises(NoRoom):
        push(full, b"new", OCI_LAYER_GZIP)
    assert list(full.tree.partials()) == []


def test_what_is_here_is_read_and_needs_no_room(full: ContentFolder) -> None:
    assert push(full, b"old", OCI_LAYER_GZIP).size == 3


def test_what_has_begun_leaves_room_for_the_database(tmp_path: Path) -> None:
    room = shutil.disk_usage(tmp_path).free
    reserve = Reserve(EVERYTHING)

    reserve.check_running(tmp_path, room // 2)
    with pytest.raises(SpaceLow) as refused:
        reserve.check_running(tmp_path, room)

    assert refused.value.kept == DATABASE_ROOM


def test_nothing_is_read_of_an_upload_that_says_it_is_larger_than_the_disk(tmp_path: Path) -> None:
    with closing(ContentFolder(tmp_path, MemoryLeases(), reserve=Reserve(1))) as content:
        content.uploads.create("huge")
        reader = BytesReader(b"zeros")
        with content.uploads.writing("huge", CANCEL) as upload, pytest.raises(NoRoom):
            upload.append(reader, CANCEL, 10**15)

        assert content.uploads.offset("huge") == 0
        assert reader.readinto(memoryview(bytearray(9))) == 5
