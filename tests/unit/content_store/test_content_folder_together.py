"""A content folder that many use at once: two that push the same, and one that fetches over several connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.hashing import BUFFER
from lading.backends.content_store.locks import claim
from lading.backends.content_store.stretches import SMALLEST
from lading.engine.cancel import Cancellation
from lading.engine.stores import Outcome
from lading.errors import Cancelled
from lading.wire.message import ConnectionLost
from lading.wire.progress import State
from tests.fakes.contents import GatedContent, PlannedContent
from tests.fakes.records import Clock, MemoryLeases
from tests.fakes.tracks import RecordingTrack
from tests.unit.content_store.pushed_content import LARGE, SMALL, descriptor_of, push

HUGE = os.urandom(1024) * (5 * SMALLEST // 1024)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ContentFolder]:
    folder = ContentFolder(tmp_path / "content", MemoryLeases())
    yield folder
    folder.close()


def cancelling(when: threading.Event, cancel: Cancellation) -> threading.Thread:
    """A thread that cancels as soon as this has happened."""

    def stop() -> None:
        when.wait()
        cancel.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


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


def test_many_may_make_the_folder_at_once(tmp_path: Path) -> None:
    for attempt in range(20):
        start = threading.Barrier(8)

        def make(_number: int, start: threading.Barrier = start, path: Path = tmp_path / str(attempt)) -> str:
            start.wait(60)
            ContentFolder(path, MemoryLeases()).close()
            return (path / "oci-layout").read_text()

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(make, range(8))) == {'{"imageLayoutVersion":"1.0.0"}'}
