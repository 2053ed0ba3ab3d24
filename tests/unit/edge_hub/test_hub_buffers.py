"""What agents send ahead of their readers: memory, then a file, and a bound for each stream alone."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lading.backends.edge_hub.buffer import MEMORY, Buffer
from lading.backends.edge_hub.failures import (
    AgentStreamTooFar,
    BufferBehind,
    BufferFull,
    BufferUnusable,
    storing_failed,
)
from lading.backends.edge_hub.spill import Room, Spill, no_bound
from lading.errors import NoRoom, StorageFailed
from lading.wire.tunnel_frames import RequestFrame, ResponseFrame, StreamEnd
from tests.fakes.edge_bench import BUFFER_BYTES, EdgeBench
from tests.fakes.work import BOUND_SECONDS


@pytest.fixture
def spill(tmp_path: Path) -> Iterator[Spill]:
    made = Spill(tmp_path / "agents")
    yield made
    made.close()


def none_fails(error: StorageFailed) -> None:
    raise AssertionError(error)


class ByHand(Spill):
    """Written when the test says so."""

    def __init__(self, folder: Path, room: Room = no_bound) -> None:
        super().__init__(folder, room=room)
        self.asked: list[Buffer] = []

    def ask_turn(self, writer: object) -> None:
        assert isinstance(writer, Buffer)
        self.asked.append(writer)

    def write(self) -> None:
        """One turn."""
        if self.asked:
            self.asked.pop(0).write_waiting()


def taken(buffer: Buffer, count: int) -> bytes:
    view = memoryview(bytearray(count))
    return bytes(view[: buffer.read(view)])


@settings(max_examples=80, deadline=None)
@given(some.lists(some.tuples(some.sampled_from("prw"), some.integers(1, 40)), max_size=60))
def test_bytes_come_out_as_they_went_in_whatever_was_written_in_between(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    spill = ByHand(tmp_path_factory.getbasetemp() / "agents")
    buffer = Buffer(100, spill, none_fails, memory=16)
    put, read = bytearray(), bytearray()
    for what, count in steps:
        if what == "p" and len(put) + count - len(read) <= 100:
            piece = random.randbytes(count)
            buffer.put(piece)
            put += piece
        elif what == "r":
            read += taken(buffer, count)
        elif what == "w":
            spill.write()
        assert buffer.empty == (read == put)

    while piece := taken(buffer, 7):
        read += piece
    buffer.close()

    assert read == put
    spill.take(64 * 1024 * 1024)  # nothing is counted as waiting any more


def test_a_little_never_touches_the_disk(spill: Spill) -> None:
    buffer = Buffer(BUFFER_BYTES, spill, none_fails)
    for _ in range(MEMORY // 4096):
        buffer.put(b"x" * 4096)

    assert not spill.folder.exists()


def test_more_than_the_bound_is_refused_and_what_was_taken_stays(spill: Spill) -> None:
    buffer = Buffer(3 * MEMORY, spill, none_fails)
    whole = random.randbytes(3 * MEMORY)
    buffer.put(whole)

    with pytest.raises(AgentStreamTooFar):
        buffer.put(b"x")
    read = bytearray()
    while piece := taken(buffer, 1024 * 1024):
        read += piece
    buffer.close()

    assert read == whole


class PutsMeanwhile(ByHand):
    """While it writes, a little more comes."""

    buffer: Buffer

    def open(self) -> IO[bytes]:
        self.buffer.put(b"meanwhile")
        return super().open()


def test_what_comes_while_a_piece_is_written_is_written_after_it(tmp_path: Path) -> None:
    spill = PutsMeanwhile(tmp_path)
    spill.buffer = buffer = Buffer(1000, spill, none_fails, memory=4)
    buffer.put(b"first ")
    spill.write()
    spill.write()

    assert taken(buffer, 100) == b"first meanwhile"
    buffer.close()


def test_a_reader_beside_the_writer_sees_every_byte(spill: Spill) -> None:
    buffer = Buffer(64 * 1024 * 1024, spill, none_fails, memory=4096)
    whole, read = random.randbytes(16 * 1024 * 1024), bytearray()

    def read_all() -> None:
        while len(read) < len(whole):
            read.extend(taken(buffer, 100_000))

    reader = threading.Thread(target=read_all)
    reader.start()
    for start in range(0, len(whole), 4096):
        buffer.put(whole[start : start + 4096])
    reader.join(BOUND_SECONDS)
    buffer.close()

    assert read == whole


def test_the_file_has_no_name_and_ends_with_the_stream(tmp_path: Path) -> None:
    spill = ByHand(tmp_path / "agents")
    buffer = Buffer(64 * MEMORY, spill, none_fails)
    buffer.put(bytes(8 * MEMORY))
    spill.write()

    assert list(spill.folder.iterdir()) == []
    buffer.close()
    buffer.close()
    buffer.put(b"late")


class OnFullDisk(Spill):
    """Every write fails for want of room, as the system itself says it."""

    def open(self) -> IO[bytes]:
        return Path("/dev/full").open("r+b", buffering=0)


def test_a_full_disk_fails_the_stream_and_what_is_in_memory_can_still_be_read(tmp_path: Path) -> None:
    spill, failed = OnFullDisk(tmp_path), list[StorageFailed]()
    told = threading.Event()

    def fail(error: StorageFailed) -> None:
        failed.append(error)
        told.set()

    buffer = Buffer(64 * MEMORY, spill, fail)
    buffer.put(b"a" * MEMORY)
    buffer.put(b"b" * MEMORY)
    assert told.wait(BOUND_SECONDS)

    assert taken(buffer, 2 * MEMORY) + taken(buffer, 2 * MEMORY) == b"a" * MEMORY + b"b" * MEMORY
    buffer.close()
    spill.close()
    assert [type(each) for each in failed] == [BufferFull]


def test_what_is_kept_free_for_others_is_not_written_over(tmp_path: Path) -> None:
    asked = list[int]()

    def room(_folder: Path, need: int) -> None:
        asked.append(need)
        if len(asked) > 1:
            raise BufferFull("the disk")

    spill, failed = ByHand(tmp_path / "agents", room=room), list[StorageFailed]()
    buffer = Buffer(64 * MEMORY, spill, failed.append)
    buffer.put(bytes(MEMORY))
    buffer.put(b"a" * MEMORY)
    spill.write()
    buffer.put(b"b" * MEMORY)
    spill.write()

    assert asked == [MEMORY, MEMORY]
    assert [type(each) for each in failed] == [BufferFull]
    assert b"".join(taken(buffer, MEMORY) for _ in range(3)) == bytes(MEMORY) + b"a" * MEMORY + b"b" * MEMORY
    buffer.close()


def test_a_folder_that_cannot_be_made_is_told_without_its_path_from_afar(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    spill, failed = ByHand(tmp_path / "file" / "agents"), list[StorageFailed]()
    buffer = Buffer(64 * MEMORY, spill, failed.append)
    buffer.put(bytes(2 * MEMORY))

    spill.write()

    assert isinstance(failed[0], BufferUnusable)
    assert str(tmp_path) in str(failed[0])
    assert str(tmp_path) not in failed[0].afar


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_want_of_room_has_its_own_root(number: int) -> None:
    assert isinstance(storing_failed("/data", OSError(number, os.strerror(number))), NoRoom)


def test_what_waits_for_the_disk_is_bounded_over_all_streams(tmp_path: Path) -> None:
    spill = ByHand(tmp_path)
    spill.take(64 * 1024 * 1024 - MEMORY)
    buffer = Buffer(64 * MEMORY, spill, none_fails)
    buffer.put(bytes(MEMORY))
    buffer.put(bytes(MEMORY))

    with pytest.raises(BufferBehind):
        buffer.put(b"x")


# ── through the hub


def test_a_reader_that_is_too_slow_fails_alone(bench: EdgeBench) -> None:
    link = bench.agent()
    slow = bench.ask("GET", "/images/get?names=a", streamed=True)
    first = link.next(RequestFrame).request_id
    link.streams(first, b"\0" * BUFFER_BYTES, size=64 * 1024)
    stream = slow.result(BOUND_SECONDS).stream

    link.streams(first, b"\0")
    cancelled = link.next(StreamEnd)
    other = bench.ask("GET", "/info")
    link.says(ResponseFrame(link.next(RequestFrame).request_id, 200))

    assert cancelled.request_id == first
    assert other.result(BOUND_SECONDS).status == 200
    with pytest.raises(AgentStreamTooFar, match="ran more than 1 MiB ahead of its reader"):
        bench.read(stream).result(BOUND_SECONDS)


def test_a_disk_that_fails_fails_that_stream_alone(bench: EdgeBench, tmp_path: Path) -> None:
    tmp_path.joinpath("agents").touch()
    link = bench.agent()
    far = bench.ask("GET", "/images/get?names=a", streamed=True)
    first = link.next(RequestFrame).request_id

    link.streams(first, b"\0" * (2 * MEMORY), size=64 * 1024)
    stream = far.result(BOUND_SECONDS).stream
    cancelled = link.next(StreamEnd)
    other = bench.ask("GET", "/info")
    link.says(ResponseFrame(link.next(RequestFrame).request_id, 200))

    assert cancelled.request_id == first
    assert other.result(BOUND_SECONDS).status == 200
    with pytest.raises(BufferUnusable):
        bench.read(stream).result(BOUND_SECONDS)
