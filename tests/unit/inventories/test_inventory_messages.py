"""What a process and its inventory child say: whole, bounded, and with the file that is meant."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.inventories.messages import (
    ANSWER_LIMIT,
    Answer,
    AnswerInvalid,
    AnswerKind,
    Asked,
    Gone,
    ask,
    next_answer,
    next_asked,
    packed,
    tell,
    unpacked,
)
from lading.oci.digest import Algorithm

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, its = socket.socketpair()
    with ours, its:
        yield ours, its


@pytest.mark.parametrize("asked", [Asked(0, None, Algorithm.SHA256), Asked(512, 0, Algorithm.SHA512)])
def test_a_layer_is_asked_for_with_its_file(pair: Pair, tmp_path: Path, asked: Asked) -> None:
    path = tmp_path / "layer"
    path.write_bytes(b"tar")
    with path.open("rb") as layer:
        ask(pair[0], asked, layer.fileno())

    heard = next_asked(pair[1])

    assert heard is not None
    assert heard[0] == asked
    with os.fdopen(heard[1], "rb") as file:
        assert file.read() == b"tar"


def test_nobody_asks_when_the_other_end_is_closed(pair: Pair) -> None:
    pair[0].close()

    assert next_asked(pair[1]) is None


def test_a_request_without_a_file_is_none(pair: Pair) -> None:
    pair[0].sendall(bytes(24))

    assert next_asked(pair[1]) is None


def test_answers_arrive_whole(pair: Pair) -> None:
    answers = [Answer(AnswerKind.PROGRESS, (7).to_bytes(8, "big")), Answer(AnswerKind.READ, b"x" * 100_000)]
    for answer in answers:
        tell(pair[1], answer)

    assert [next_answer(pair[0]) for _ in answers] == answers
    assert answers[0].count == 7


def test_a_child_that_ends_within_an_answer_is_gone(pair: Pair) -> None:
    pair[1].sendall(struct.pack(">cQ", b"r", 10) + b"half")
    pair[1].close()

    with pytest.raises(Gone):
        next_answer(pair[0])


@pytest.mark.parametrize("head", [struct.pack(">cQ", b"r", ANSWER_LIMIT + 1), struct.pack(">cQ", b"?", 0)])
def test_an_answer_that_no_child_of_ours_gives_is_refused(pair: Pair, head: bytes) -> None:
    pair[1].sendall(head)

    with pytest.raises(AnswerInvalid):
        next_answer(pair[0])


def test_a_count_has_its_length() -> None:
    with pytest.raises(AnswerInvalid):
        _ = Answer(AnswerKind.PROGRESS, b"1").count


@given(st.binary(max_size=5000))
def test_what_is_packed_unpacks(content: bytes) -> None:
    assert unpacked(packed(content)) == content


@pytest.mark.parametrize(
    "content", [b"", b"no zlib", packed(b"cut off" * 100)[:-5], zlib.compress(bytes(ANSWER_LIMIT + 1))]
)
def test_what_does_not_unpack_within_bounds_is_refused(content: bytes) -> None:
    with pytest.raises(AnswerInvalid):
        unpacked(content)
