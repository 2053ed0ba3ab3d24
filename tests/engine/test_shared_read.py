"""One read for several takers: nobody waits for a taker that left, and nobody for a slow one."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.engine.shared_read import BUFFER, Backlog, SharedRead, Standing, Taker
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest, DigestMismatch
from lading.wire.message import ConnectionLost, Content, Reader
from tests.fakes.memory import Cut, Fail, Lie, MemoryStore, Stall
from tests.fakes.work import bounded


class Held:
    """One blob of a memory store as Content."""

    def __init__(self, store: MemoryStore, descriptor: Descriptor) -> None:
        self.store, self.descriptor = store, descriptor

    @property
    def size(self) -> int:
        return self.descriptor.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        return self.store.open(self.descriptor, offset, length)


def shared(
    content: bytes, checks: Sequence[bool], *, limit: int = 1 << 20, buffer: int = 5
) -> tuple[MemoryStore, Digest, tuple[Taker, ...]]:
    store = MemoryStore(buffer=buffer)
    descriptor = store.put(content, "text/plain")
    held: Content = Held(store, descriptor)
    return store, descriptor.digest, SharedRead(held, descriptor.digest, checks, Backlog(limit)).takers


def drain(reader: Reader, most: int = 1 << 30, buffer: int = 3) -> bytes:
    taken = bytearray()
    room = memoryview(bytearray(buffer))
    while len(taken) < most and (count := reader.readinto(room[: most - len(taken)])):
        taken += room[:count]
    return bytes(taken)


CONTENT = bytes(range(200))


def test_all_who_open_at_the_start_share_one_stream() -> None:
    store, digest, takers = shared(CONTENT, [True, True, False])

    readers = [taker.open() for taker in takers]

    assert bounded(lambda: [drain(reader) for reader in readers]) == [CONTENT] * 3
    assert store.opens(digest) == 1


def test_whoever_opens_elsewhere_reads_for_himself() -> None:
    store, _, (one, two) = shared(CONTENT, [False, False])

    assert drain(two.open(50)) == CONTENT[50:]
    assert drain(one.open()) == CONTENT
    assert [offset for _, offset, _ in store.opened] == [50, 0]
    assert two.standing is Standing.ALONE


def test_a_late_opener_still_gets_what_was_kept_for_him() -> None:
    store, digest, (one, two) = shared(CONTENT, [True, True])

    assert drain(one.open()) == CONTENT
    one.leave()
    assert drain(two.open()) == CONTENT
    assert store.opens(digest) == 1


def test_a_taker_too_far_behind_is_sent_off() -> None:
    store, digest, (fast, slow) = shared(CONTENT, [True, True], limit=20)
    reader = slow.open()
    assert drain(reader, 10) == CONTENT[:10]

    assert drain(fast.open()) == CONTENT
    assert slow.standing is Standing.ALONE
    assert CONTENT[:10] + drain(reader) == CONTENT
    assert store.opens(digest) == 2


def test_one_limit_holds_for_all_reads_together() -> None:
    store, backlog = MemoryStore(buffer=50), Backlog(limit=60)
    reads = []
    for number in range(3):
        descriptor = store.put(bytes([number]) * 100, "text/plain")
        reads.append(SharedRead(Held(store, descriptor), descriptor.digest, [False, False], backlog))
    pairs = [read.takers for read in reads]

    for fast, _ in pairs:
        drain(fast.open(), 50)

    assert sum(read.kept for read in reads) <= 60


def test_a_taker_that_leaves_frees_the_others() -> None:
    _, _, (one, two) = shared(CONTENT, [False, False])
    first, second = one.open(), two.open()
    drain(first, 7)

    one.leave()

    assert bounded(lambda: drain(second)) == CONTENT
    with pytest.raises(Cancelled):
        drain(first)


def test_a_taker_that_leaves_while_it_waits_is_woken() -> None:
    store, digest, (one, two) = shared(CONTENT, [False, False])
    stall = Stall(threading.Event())
    store.reading[digest].append(stall)
    outcome: list[BaseException] = []
    first, second = one.open(), two.open()
    reading = threading.Thread(target=lambda: drain(first), daemon=True)
    reading.start()
    assert stall.reached.wait(60)

    def wait_in_vain() -> None:
        drain(second, 1)
        try:
            drain(second)
        except Cancelled as error:
            outcome.append(error)

    waiting = threading.Thread(target=wait_in_vain, daemon=True)
    waiting.start()
    two.leave()
    waiting.join(60)
    stall.gate.set()
    reading.join(60)
    assert not waiting.is_alive()
    assert not reading.is_alive()


def test_the_last_one_to_leave_closes_the_stream_under_whoever_is_blocked_in_it() -> None:
    store, digest, (one, two) = shared(CONTENT, [False, False])
    stall = Stall(threading.Event())
    store.reading[digest].append(stall)
    reader, failed = one.open(), []

    def read() -> None:
        try:
            drain(reader)
        except ConnectionLost as error:
            failed.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert stall.reached.wait(60)
    two.leave()
    one.leave()
    thread.join(60)

    assert not thread.is_alive()
    assert failed
    assert store.all_closed


def test_whoever_reads_alone_is_woken_too_when_he_leaves() -> None:
    store, digest, (one, _two) = shared(CONTENT, [False, False])
    stall = Stall(threading.Event())
    store.reading[digest].append(stall)
    reader, failed = one.open(10), []

    def read() -> None:
        try:
            drain(reader)
        except ConnectionLost as error:
            failed.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert stall.reached.wait(60)
    one.leave()
    thread.join(60)

    assert failed


def test_a_lost_connection_goes_on_in_an_own_range() -> None:
    store, _, (one, two) = shared(CONTENT, [False, False])
    reader = one.open()
    drain(reader, 60)
    reader.close()

    assert drain(one.open(40)) == CONTENT[40:]
    assert drain(two.open()) == CONTENT
    assert (40, None) in [(offset, length) for _, offset, length in store.opened]


def test_closed_ranges_in_a_row_go_on_in_the_shared_stream() -> None:
    store, digest, (one, two) = shared(CONTENT, [True, True])
    parts = b""
    for start in range(0, 200, 50):
        reader = one.open(start, 50)
        parts += drain(reader)
        reader.close()

    assert parts == CONTENT
    assert drain(two.open()) == CONTENT
    assert store.opens(digest) == 1


def test_a_second_opening_beside_the_first_leaves_the_stream_alone() -> None:
    store, digest, (one,) = shared(CONTENT, [False])
    whole = one.open()
    drain(whole, 10)

    assert drain(one.open(100, 20)) == CONTENT[100:120]
    assert drain(whole) == CONTENT[10:]
    assert store.opens(digest) == 2


def test_a_failing_source_fails_all_and_lets_each_try_for_himself() -> None:
    store, digest, (one, two) = shared(CONTENT, [False, False])
    store.reading[digest].append(Cut(20))
    first, second = one.open(), two.open()
    with pytest.raises(ConnectionLost):
        drain(first)
    with pytest.raises(ConnectionLost):
        drain(second)
    first.close()

    assert drain(one.open(20)) == CONTENT[20:]


def test_a_source_that_does_not_open_tells_everybody() -> None:
    store, digest, (one, two) = shared(CONTENT, [False, False])
    store.reading[digest].append(Fail(ConnectionLost("there", "no")))

    with pytest.raises(ConnectionLost):
        one.open()
    assert drain(two.open()) == CONTENT


def test_wrong_bytes_are_found_once_for_all() -> None:
    store, digest, takers = shared(CONTENT, [True, True])
    store.reading[digest].append(Lie())

    for reader in [taker.open() for taker in takers]:
        with pytest.raises(DigestMismatch):
            drain(reader)
    assert store.opens(digest) == 1


class PlainFile:
    """Looks like a part of a file that the kernel can send."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def readinto(self, buffer: memoryview, /) -> int:
        return self._reader.readinto(buffer)

    def file(self) -> tuple[int, int]:
        return 0, 0

    def close(self) -> None:
        self._reader.close()


class Files(Held):
    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        return PlainFile(super().open(offset, length))


def test_a_plain_file_is_not_shared_so_that_the_kernel_can_send_it() -> None:
    store = MemoryStore()
    descriptor = store.put(CONTENT, "text/plain")
    takers = SharedRead(Files(store, descriptor), descriptor.digest, [False, False], Backlog()).takers

    readers = [taker.open() for taker in takers]

    assert all(isinstance(reader, PlainFile) for reader in readers)
    assert [drain(reader) for reader in readers] == [CONTENT, CONTENT]


def test_small_reads_keep_no_large_buffers() -> None:
    content = bytes(4 * BUFFER)
    _, _, (fast, slow) = shared(content, [False, False], limit=len(content), buffer=1000)
    assert len(drain(fast.open(), buffer=BUFFER)) == len(content)
    assert len(drain(slow.open(), buffer=BUFFER)) == len(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_interleaving_gives_everybody_everything(data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=120))
    checks = data.draw(st.lists(st.booleans(), min_size=1, max_size=4))
    limit = data.draw(st.integers(0, 150))
    _, _, takers = shared(content, checks, limit=limit, buffer=data.draw(st.integers(1, 40)))
    readers: dict[int, Reader] = {}
    taken = dict.fromkeys(range(len(takers)), b"")
    done: set[int] = set()
    while len(done) < len(takers):
        number = data.draw(st.sampled_from(sorted(set(taken) - done)))
        if number not in readers:
            readers[number] = takers[number].open(len(taken[number]))
        room = memoryview(bytearray(data.draw(st.integers(1, 50))))
        count = readers[number].readinto(room)
        taken[number] += bytes(room[:count])
        if len(taken[number]) == len(content) or data.draw(st.integers(0, 9)) == 0:
            readers.pop(number).close()
        if len(taken[number]) == len(content):
            takers[number].leave()
            done.add(number)

    assert all(everything == content for everything in taken.values())
