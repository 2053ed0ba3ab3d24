"""A content folder on a real disk: resuming, wrong bytes, and what lies where."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lading.backends.content_store import background_sync, partial
from lading.backends.content_store import folder as content_folder
from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.content_store.hashing import BUFFER
from lading.backends.content_store.storage import BytesLost
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, DigestMismatch
from lading.wire.message import BytesContent, ConnectionLost
from lading.wire.progress import State
from tests.fakes.contents import PlannedContent
from tests.fakes.records import MemoryLeases
from tests.fakes.tracks import RecordingTrack
from tests.unit.content_store.pushed_content import LARGE, SMALL, descriptor_of, push


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ContentFolder]:
    folder = ContentFolder(tmp_path / "content", MemoryLeases())
    yield folder
    folder.close()


def files(folder: ContentFolder, below: str) -> list[str]:
    return sorted(path.name for path in (folder.tree.root / below).rglob("*") if path.is_file())


def loses_a_page(file: int) -> None:
    """What a disk leaves that fails to write: the page is gone, and only this sync says so."""
    os.pwrite(file, bytes(4096), 0)
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class TestTheTree:
    def test_a_blob_lies_under_its_digest_read_only(self, folder: ContentFolder) -> None:
        push(folder, SMALL)

        path = folder.tree.root / "blobs" / "sha256" / descriptor_of(SMALL).digest.encoded
        assert path.read_bytes() == SMALL
        assert stat.S_IMODE(path.stat().st_mode) == 0o444

    def test_what_is_on_its_way_is_nobody_elses(self, folder: ContentFolder) -> None:
        for private in ("partial", "uploads", "referrers"):
            assert stat.S_IMODE((folder.tree.root / private).stat().st_mode) == 0o700

    def test_nothing_is_left_beside_the_blob(self, folder: ContentFolder) -> None:
        push(folder, LARGE)

        assert files(folder, "partial") == []

    def test_a_second_opening_of_the_folder_finds_the_blobs(self, folder: ContentFolder) -> None:
        push(folder, SMALL)

        assert ContentFolder(folder.tree.root, MemoryLeases()).size(descriptor_of(SMALL).digest) == len(SMALL)

    def test_a_blob_reader_names_its_file(self, folder: ContentFolder) -> None:
        push(folder, SMALL)
        reader = folder.open(descriptor_of(SMALL), offset=6)
        file, position = reader.file()

        assert os.pread(file, 6, position) == b"layer "
        reader.close()


class TestProgress:
    def test_a_push_tells_its_states_in_order(self, folder: ContentFolder) -> None:
        track = push(folder, LARGE)

        assert track.states == [State.MOVING, State.COMMITTING, State.DONE]
        assert track.told[-1].current == len(LARGE)

    def test_bytes_only_grow(self, folder: ContentFolder) -> None:
        currents = [told.current for told in push(folder, LARGE).told]

        assert currents == sorted(currents)

    def test_what_exists_is_told_so(self, folder: ContentFolder) -> None:
        push(folder, SMALL)

        assert push(folder, SMALL).states == [State.EXISTS]


class TestResuming:
    @pytest.mark.parametrize("after", [1, BUFFER - 1, BUFFER, BUFFER + 1, 5_000_000, len(LARGE) - 1])
    def test_it_goes_on_at_the_very_byte(self, folder: ContentFolder, after: int) -> None:
        content = PlannedContent(LARGE, breaks=[after])
        with pytest.raises(ConnectionLost):
            push(folder, LARGE, content)
        track = push(folder, LARGE, content)

        assert content.openings == [(0, None), (after, None)]
        assert content.given == len(LARGE)
        assert track.told[0].kept == after

    def test_another_process_goes_on_too(self, folder: ContentFolder) -> None:
        content = PlannedContent(LARGE, breaks=[3_000_000])
        with pytest.raises(ConnectionLost):
            push(folder, LARGE, content)
        push(ContentFolder(folder.tree.root, MemoryLeases()), LARGE, content)

        assert content.openings[-1] == (3_000_000, None)

    def test_nothing_is_kept_where_nothing_came(self, folder: ContentFolder) -> None:
        with pytest.raises(ConnectionLost):
            push(folder, LARGE, PlannedContent(LARGE, breaks=[0]))

        assert files(folder, "partial") == []

    def test_a_lie_on_kept_bytes_starts_again_once(self, folder: ContentFolder) -> None:
        with pytest.raises(ConnectionLost):
            push(folder, LARGE, PlannedContent(LARGE[::-1], breaks=[3_000_000]))
        content = PlannedContent(LARGE)
        push(folder, LARGE, content)

        assert content.openings == [(3_000_000, None), (0, None)]
        assert folder.size(descriptor_of(LARGE).digest) == len(LARGE)

    def test_wrong_bytes_leave_nothing_at_all(self, folder: ContentFolder) -> None:
        content = PlannedContent(LARGE[::-1])
        with pytest.raises(DigestMismatch):
            push(folder, LARGE, content)

        assert content.openings == [(0, None)]
        assert files(folder, "partial") == files(folder, "blobs") == []

    @pytest.mark.parametrize(
        ("module", "sent"),
        [(partial, LARGE), (partial, LARGE[:-1]), (content_folder, LARGE)],
        ids=["on the way", "before it was cut", "at the end"],
    )
    def test_what_a_sync_lost_is_fetched_again(
        self, folder: ContentFolder, monkeypatch: pytest.MonkeyPatch, module: ModuleType, sent: bytes
    ) -> None:
        monkeypatch.setattr(background_sync, "SYNC_EVERY", 1)
        with monkeypatch.context() as failing:
            failing.setattr(module, "sync_file", loses_a_page)
            with pytest.raises((BytesLost, ContentTooShort)):
                push(folder, LARGE, PlannedContent(sent, size=len(LARGE)))
        assert files(folder, "partial") == files(folder, "blobs") == []

        content = PlannedContent(LARGE)
        push(folder, LARGE, content)
        assert content.openings == [(0, None)]
        assert folder.tree.blob(descriptor_of(LARGE).digest).read_bytes() == LARGE

    def test_content_that_ended_early_is_asked_for_its_rest_next_time(self, folder: ContentFolder) -> None:
        with pytest.raises(ContentTooShort):
            push(folder, LARGE, PlannedContent(LARGE[:4_000_000], size=len(LARGE)))
        content = PlannedContent(LARGE)
        push(folder, LARGE, content)

        assert content.openings == [(4_000_000, None)]

    def test_a_journal_without_its_partial_is_not_believed(self, folder: ContentFolder) -> None:
        digest = descriptor_of(LARGE).digest
        folder.tree.ranges(digest).write_text(f"boot x\nsynced 0 {len(LARGE)}\n")
        content = PlannedContent(LARGE)
        push(folder, LARGE, content)

        assert content.openings == [(0, None)]

    def test_a_journal_that_a_kill_left_beside_a_blob_goes_with_what_was_given_up(self, folder: ContentFolder) -> None:
        push(folder, SMALL)
        journal = folder.tree.ranges(descriptor_of(SMALL).digest)
        journal.write_text("boot x\nsynced 0 1\n")
        garbage = CollectableFolder(folder)

        young = [each.given_up for each in garbage.leftovers(before=0)]
        (old,) = garbage.leftovers(before=time.time() + 60)

        assert young == [False]
        assert old.given_up
        assert garbage.discard(old)
        assert not journal.exists()

    def test_a_partial_that_became_read_only_is_taken_up(self, folder: ContentFolder) -> None:
        partial = folder.tree.partial(descriptor_of(SMALL).digest)
        partial.write_bytes(SMALL)
        partial.chmod(0o444)

        push(folder, SMALL)
        assert folder.size(descriptor_of(SMALL).digest) == len(SMALL)


class TestDescriptorsThatLie:
    def test_a_smaller_size_than_the_blob_has(self, folder: ContentFolder) -> None:
        push(folder, SMALL)
        with pytest.raises(ContentTooLong):
            folder.has(Descriptor("x", descriptor_of(SMALL).digest, len(SMALL) - 1))

    def test_a_larger_size_than_the_blob_has(self, folder: ContentFolder) -> None:
        push(folder, SMALL)
        with pytest.raises(ContentTooShort):
            folder.has(Descriptor("x", descriptor_of(SMALL).digest, len(SMALL) + 1))

    def test_a_partial_of_a_larger_size_is_cut(self, folder: ContentFolder) -> None:
        digest = descriptor_of(SMALL).digest
        too_large = Descriptor("x", digest, 2 * len(SMALL))
        with pytest.raises(ContentTooShort):
            folder.push(too_large, PlannedContent(SMALL), RecordingTrack(), Cancellation())
        push(folder, SMALL)

        assert folder.size(digest) == len(SMALL)


def test_content_may_be_pushed_from_bytes(folder: ContentFolder) -> None:
    folder.push(descriptor_of(b"{}"), BytesContent(b"{}"), RecordingTrack(), Cancellation())

    assert not folder.keep((descriptor_of(b"{}").digest,))
