"""What a program logs: each line once, the end for people, and never much of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.scanners.log_lines import LINE_LIMIT, LogLines


@given(st.lists(st.text("ab\n", max_size=20).map(str.encode), max_size=10))
def test_lines_are_heard_once_however_they_come(pieces: list[bytes]) -> None:
    heard: list[str] = []
    lines = LogLines(heard.append)

    for piece in (*filter(None, pieces), b""):
        lines.add(piece)

    whole = b"".join(pieces).decode().split("\n")
    assert heard == (whole[:-1] if not whole[-1] else whole)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        (b"", ""),
        (b"one\ntwo\n\n", "two"),
        (b"one\n\x1b[31mtwo\x00\xff", "[31mtwo \ufffd"),
        (b"GET https://user:word@proxy.test failed", "GET https://***@proxy.test failed"),
    ],
)
def test_the_end_is_for_people(said: bytes, end: str) -> None:
    lines = LogLines()
    lines.add(said)

    assert lines.end() == end


def test_a_line_without_an_end_is_cut() -> None:
    heard: list[str] = []
    lines = LogLines(heard.append)

    for _ in range(100):
        lines.add(b"x" * 1000)
    lines.add(b"\n")

    assert [len(line) for line in heard] == [LINE_LIMIT]
    assert len(lines.end()) <= 500
