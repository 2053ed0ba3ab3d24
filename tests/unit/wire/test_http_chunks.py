"""The chunked coding: what is read whole is read the same split at every byte; what is no chunked body is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.http_chunks import EXTENSIONS_LIMIT, LINE_LIMIT, TRAILERS_LIMIT, ChunkReader
from lading.wire.http_framing import CHUNK_END, LAST_CHUNK, RequestRefused, chunk_start


def read(reader: ChunkReader, received: bytes) -> tuple[bytes, bytes]:
    """The payload in what was received, and what is left after the body's end."""
    payload, position = b"", 0
    while position < len(received) and not reader.ended:
        if reader.due:
            taken = received[position : position + reader.due]
            payload += taken
            reader.passed(len(taken))
            position += len(taken)
        else:
            position = reader.take(received, position, len(received))
    return payload, received[position:]


def read_in_parts(parts: list[bytes]) -> tuple[bytes, bytes, bool]:
    reader, payload, rest = ChunkReader(), b"", b""
    for part in parts:
        more, left = read(reader, part)
        payload, rest = payload + more, rest + left
    return payload, rest, reader.ended


def encode(chunks: list[bytes]) -> bytes:
    return b"".join(chunk_start(len(chunk)) + chunk + CHUNK_END for chunk in chunks) + LAST_CHUNK


SAMPLE = b"5;a=b\r\nhello\r\n00A\r\n\r\n\n\r\n\r\nabc\r\n0;last\r\nX-Sum: 1\r\nY:\r\n\r\n"
PAYLOAD = b"hello\r\n\n\r\n\r\nabc"


@pytest.mark.parametrize("split", range(len(SAMPLE) + 1))
def test_a_body_is_the_same_split_at_every_byte(split: int) -> None:
    assert read_in_parts([SAMPLE[:split], SAMPLE[split:] + b"GET /"]) == (PAYLOAD, b"GET /", True)


def test_a_body_is_the_same_byte_by_byte() -> None:
    body = encode([b"hello", b"\r\n0\r\n\r\n", b"x" * 300])

    assert read_in_parts([body[i : i + 1] for i in range(len(body))]) == (b"hello\r\n0\r\n\r\n" + b"x" * 300, b"", True)


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=8), st.lists(st.integers(0, 900)), st.binary(max_size=20))
def test_any_body_survives_any_split(chunks: list[bytes], cuts: list[int], following: bytes) -> None:
    wire = encode(chunks) + following
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    parts = [wire[start:end] for start, end in itertools.pairwise(edges)]

    assert read_in_parts(parts) == (b"".join(chunks), following, True)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_rubbish_is_refused_or_read_the_same_whatever_the_split(rubbish: bytes, step: int) -> None:
    def outcome(parts: list[bytes]) -> tuple[bytes, bytes, bool] | str:
        try:
            return read_in_parts(parts)
        except RequestRefused:
            return "refused"

    whole = outcome([rubbish])
    assert outcome([rubbish[i : i + step] for i in range(0, len(rubbish), step)]) == whole


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=4), st.data())
def test_a_body_cut_anywhere_never_ends(chunks: list[bytes], data: st.DataObject) -> None:
    wire = encode(chunks)
    cut = data.draw(st.integers(0, len(wire) - 1))

    payload, _, ended = read_in_parts([wire[:cut]])

    assert not ended
    assert b"".join(chunks).startswith(payload)


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"g\r\n",
        b"+5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"5\nhello\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5;a\x00b\r\nhello\r\n",
        b"1" * 16 + b"\r\n",
        b"5\r\nhelloo\r\n",
        b"5\r\nhello\n",
        b"5\r\nhelloXYZ",
        b"5\r\nhello\r\r\n",
        b"0\r\nno field\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\n folded\r\n\r\n",
        b"0\r\n\n",
        b"5;" + b"a" * LINE_LIMIT + b"\r\n",
        b"0\r\n" + b"A: " + b"b" * TRAILERS_LIMIT + b"\r\n\r\n",
        b"0\r\n" + b"A: 12345\r\n" * (TRAILERS_LIMIT // 10 + 1),
        (b"1;" + b"a" * 200 + b"\r\nx\r\n") * (EXTENSIONS_LIMIT // 200 + 1),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_chunked_body_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_in_parts([body])

    assert refused.value.status == 400
