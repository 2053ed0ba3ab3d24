"""A content folder on a real disk: resuming, waiting, wrong bytes, several connections, and what lies where."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from lading.backends.content_store import background_sync, partial
from lading.backends.content_store import folder as content_folder
from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.hashing import BUFFER
from lading.backends.content_store.locks import claim
from lading.backends.content_store.storage import BytesLost
from lading.backends.content_store.stretches import SMALLEST
from lading.engine.cancel import Cancellation
from lading.engine.stores import Outcome
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.wire.message import BytesContent, ConnectionLost
from lading.wire.progress import State
from tests.fakes.contents import GatedContent, PlannedContent
from tests.fakes.records import Clock, MemoryLeases
from tests.fakes.tracks import RecordingTrack

SMALL = b"layer " * 100
LARGE = os.urandom(1000) * 10_000  # nearly ten buffers
HUGE = os.urandom(1024) * (5 * SMALLEST // 1024)


def descriptor_of(raw: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", Digest.of(raw), len(raw))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ContentFolder]:
    folder = ContentFolder(tmp_path / "content", MemoryLeases())
    yield folder
    folder.close()


def files(folder: ContentFolder, below: str) -> list[str]:
    return sorted(path.name for path in (folder.tree.root / below).rglob("*") if path.is_file())


def push(folder: ContentFolder, raw: bytes, content: PlannedContent | None = None) -> RecordingTrack:
    track = RecordingTrack()
    folder.push(descriptor_of(raw), content or PlannedContent(raw), track, Cancellation())
    return track


def cancelling(when: threading.Event, cancel: Cancellation) -> threading.Thread:
    """A thread that cancels as soon as this has happened."""

    def stop() -> None:
        when.wait()
        cancel.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


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


class TestTwoAtOnce:
    def test_who_comes_second_waits_and_finds_it(self, folder: ContentFolder) -> None:
        content, track = GatedContent(SMALL), RecordingTrack()
        first = threading.Thread(
            target=folder.push, args=(descriptor_of(SMALL), content, RecordingTrack(), Cancellation())
        )
        first.start()
        content.reached.wait()
        unread = PlannedContent(SMALL)
        outcomes: list[Outcome] = []
        second = threading.Thread(
            target=lambda: outcomes.append(folder.push(descriptor_of(SMALL), unread, track, Cancellation()))
        )
        second.start()
        track.said[State.WAITING].wait()
        content.gate.set()
        first.join()
        second.join()

        assert outcomes == [Outcome.EXISTS]
        assert unread.openings == []
        assert track.states == [State.WAITING, State.EXISTS]

    def test_waiting_can_be_cancelled(self, folder: ContentFolder) -> None:
        file = claim(folder.tree.partial(descriptor_of(SMALL).digest), create=True)
        assert file is not None
        cancel, track = Cancellation(), RecordingTrack()
        stopper = cancelling(track.said[State.WAITING], cancel)
        with pytest.raises(Cancelled):
            folder.push(descriptor_of(SMALL), PlannedContent(SMALL), track, cancel)
        stopper.join()
        os.close(file)

    def test_a_silent_connection_is_closed_by_a_cancel(self, folder: ContentFolder) -> None:
        content, cancel = GatedContent(SMALL), Cancellation()
        stopper = cancelling(content.reached, cancel)
        with pytest.raises(Cancelled):
            folder.push(descriptor_of(SMALL), content, RecordingTrack(), cancel)
        stopper.join()

    def test_a_failed_first_leaves_the_work_to_the_second(self, folder: ContentFolder) -> None:
        with pytest.raises(ConnectionLost):
            push(folder, LARGE, PlannedContent(LARGE, breaks=[2_000_000]))
        file = claim(folder.tree.partial(descriptor_of(LARGE).digest), create=False)

        assert file is not None
        os.close(file)


class TestSeveralConnections:
    """The clock jumps a minute at every look, so each connection seems slow at once."""

    @pytest.fixture
    def slow(self, tmp_path: Path) -> Iterator[ContentFolder]:
        clock = Clock()

        def minute() -> float:
            clock.advance(60)
            return clock()

        folder = ContentFolder(tmp_path / "content", MemoryLeases(), minute)
        yield folder
        folder.close()

    def fetch(self, folder: ContentFolder, content: PlannedContent, spare: Callable[[], bool] = lambda: True) -> None:
        folder.push_ranged(descriptor_of(HUGE), content, spare, RecordingTrack(), Cancellation())

    def test_further_connections_take_later_parts(self, slow: ContentFolder) -> None:
        content = PlannedContent(HUGE)
        self.fetch(slow, content)

        assert content.openings[0] == (0, None)
        assert len(content.openings) > 1
        assert slow.size(descriptor_of(HUGE).digest) == len(HUGE)
        assert content.unclosed == 0

    def test_only_whole_pieces_are_fetched_and_none_twice(self, slow: ContentFolder) -> None:
        content = PlannedContent(HUGE)
        self.fetch(slow, content)

        assert content.given == len(HUGE)

    def test_without_a_spare_lane_there_is_one_connection(self, slow: ContentFolder) -> None:
        content = PlannedContent(HUGE)
        self.fetch(slow, content, lambda: False)

        assert content.openings == [(0, None)]

    def test_a_fast_connection_stays_alone(self, folder: ContentFolder) -> None:
        content = PlannedContent(HUGE)
        self.fetch(folder, content)

        assert content.openings == [(0, None)]

    def test_what_a_further_connection_loses_the_first_brings(self, slow: ContentFolder) -> None:
        content = PlannedContent(HUGE, breaks=[None, 3 * BUFFER, 0, 5])
        self.fetch(slow, content)

        assert content.given == len(HUGE)
        assert slow.size(descriptor_of(HUGE).digest) == len(HUGE)

    def test_a_lost_first_connection_keeps_what_all_of_them_brought(self, slow: ContentFolder) -> None:
        content = PlannedContent(HUGE, breaks=[5 * BUFFER])
        with pytest.raises(ConnectionLost):
            self.fetch(slow, content)
        before = content.given
        push(slow, HUGE, content)

        assert before >= 5 * BUFFER
        assert content.given == len(HUGE)
        assert content.unclosed == 0


def test_content_may_be_pushed_from_bytes(folder: ContentFolder) -> None:
    folder.push(descriptor_of(b"{}"), BytesContent(b"{}"), RecordingTrack(), Cancellation())

    assert not folder.keep((descriptor_of(b"{}").digest,))


def test_many_may_make_the_folder_at_once(tmp_path: Path) -> None:
    for attempt in range(20):
        start = threading.Barrier(8)

        def make(_number: int, start: threading.Barrier = start, path: Path = tmp_path / str(attempt)) -> str:
            start.wait(10)
            ContentFolder(path, MemoryLeases()).close()
            return (path / "oci-layout").read_text()

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(make, range(8))) == {'{"imageLayoutVersion":"1.0.0"}'}
