"""Hashing beside receiving: the same digest in one thread and in two."""

from __future__ import annotations

import hashlib
import threading

import pytest

from lading.backends.content_store.hashing import BUFFER, Hashing, Streams, Update
from lading.errors import ContentCorrupt

LARGE = 16 * BUFFER


def feed(hashing: Hashing, content: bytes, step: int = 300_000) -> None:
    for start in range(0, len(content), step):
        part = content[start : start + step]
        buffer = hashing.buffer()[: len(part)]
        buffer[:] = part
        hashing.update(buffer)
    hashing.finish()


@pytest.mark.parametrize(("cores", "threaded"), [(1, False), (2, True)])
def test_the_digest_is_right_whoever_hashes(cores: int, threaded: bool) -> None:
    content = bytes(range(251)) * 20_000
    digest = hashlib.sha256()
    threads: set[str] = set()

    def update(filled: memoryview) -> None:
        threads.add(threading.current_thread().name)
        digest.update(filled)

    with Streams(cores).hashing(update, LARGE) as hashing:
        feed(hashing, content)

    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()
    assert (threads == {"hashing"}) is threaded


def test_little_pieces_are_hashed_where_they_arrive_but_never_before_their_turn() -> None:
    """The second is little, and waits for the first, which is not."""
    go_on, hashed = threading.Event(), list[tuple[int, bool]]()

    def update(filled: memoryview) -> None:
        beside = threading.current_thread().name == "hashing"
        assert not beside or go_on.wait(20)
        hashed.append((len(filled), beside))

    with Streams(cores=2).hashing(update, LARGE) as hashing:
        for size in (10, BUFFER, 11):
            hashing.update(hashing.buffer()[:size])
        go_on.set()
        hashing.finish()

    assert hashed == [(10, False), (BUFFER, True), (11, True)]


def test_as_many_streams_as_cores_hash_for_themselves() -> None:
    streams = Streams(cores=2)
    here: list[str] = []
    update: Update = lambda _filled: here.append(threading.current_thread().name)  # noqa: E731
    with streams.hashing(update, LARGE), streams.hashing(update, LARGE) as second:
        feed(second, b"x")

    assert here == [threading.current_thread().name]


def test_small_content_gets_no_thread() -> None:
    before = threading.active_count()
    with Streams(cores=8).hashing(lambda _filled: None, 100) as hashing:
        assert threading.active_count() == before
        assert len(hashing.buffer()) == 100


@pytest.mark.parametrize("cores", [1, 2])
def test_what_the_hash_refuses_is_raised_where_bytes_arrive(cores: int) -> None:
    def refuse(_filled: memoryview) -> None:
        raise ContentCorrupt

    with Streams(cores).hashing(refuse, LARGE) as hashing, pytest.raises(ContentCorrupt):
        feed(hashing, b"x" * 10)


def test_the_thread_ends_with_the_block_whatever_ends_it() -> None:
    before = threading.active_count()

    def leave_early() -> None:
        with Streams(cores=2).hashing(lambda _filled: None, LARGE) as hashing:
            hashing.buffer()
            raise ContentCorrupt

    with pytest.raises(ContentCorrupt):
        leave_early()

    assert threading.active_count() == before
