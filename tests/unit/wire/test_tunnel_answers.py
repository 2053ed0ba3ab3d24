from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.docker_lines import LINE_LIMIT
from lading.wire.tunnel_answers import AnswerGap, Kind, StockAnswer

PUSH = (
    '{"status":"The push refers to repository [r.lan/ä]"}\r\n'
    '{"status":"Pushing","progressDetail":{"current":1},"id":"a"}\r\n'
    '{"progressDetail":{},"aux":{"Tag":"1"}}\r\n'
).encode()
FAILED = b'{"status":"Pulling"}\r\n{"errorDetail":{"message":"gone"},"error":"gone"}\r\n'
REFUSED = '{"message":"pull access denied for ä"}'.encode()
TAR = b"manifest.json\0\0{\n}\n" + bytes(range(256))


def told(answer: StockAnswer, *slices: bytes) -> bytes:
    return b"".join([*map(answer.feed, slices), answer.end()])


def cuts(content: bytes) -> list[tuple[bytes, bytes]]:
    return [(content[:at], content[at:]) for at in range(len(content) + 1)]


@pytest.mark.parametrize(
    ("content", "kind", "status", "handed_on"),
    [
        (PUSH, Kind.LINES, 200, PUSH),
        (FAILED, Kind.LINES, 200, FAILED),
        (b"\r\n " + PUSH, Kind.LINES, 200, b"\r\n " + PUSH),
        (PUSH[:-2], Kind.LINES, 200, PUSH[:-2]),
        (b"", Kind.LINES, 200, b""),
        (b"\r\n", Kind.LINES, 200, b"\r\n"),
        (REFUSED, Kind.REFUSED, 500, b""),
        (REFUSED + b"\n", Kind.REFUSED, 500, b""),
        (b" " + REFUSED + b"\r\n{}", Kind.REFUSED, 500, b""),
        (b'{"message":"m","status":"s"}\n', Kind.LINES, 200, b'{"message":"m","status":"s"}\n'),
        (b'{"message":5}\n', Kind.LINES, 200, b'{"message":5}\n'),
        (b"{no json}\n", Kind.LINES, 200, b"{no json}\n"),
        (b'{"a":{"message":"m"}}', Kind.LINES, 200, b'{"a":{"message":"m"}}'),
        (b'[{"message":"m"}]', Kind.RAW, 200, b'[{"message":"m"}]'),
        (TAR, Kind.RAW, 200, TAR),
        (b"OK", Kind.RAW, 200, b"OK"),
    ],
    ids=lambda value: value[:30].decode("utf-8", "replace") if isinstance(value, bytes) else str(value),
)
def test_an_answer_is_the_same_wherever_it_is_cut(content: bytes, kind: Kind, status: int, handed_on: bytes) -> None:
    slicings = [*cuts(content), tuple(content[at : at + 1] for at in range(len(content)))]
    for slices in slicings:
        answer = StockAnswer()

        assert told(answer, *slices) == handed_on
        assert (answer.kind, answer.status) == (kind, status)
        assert answer.refusal == (REFUSED if kind is Kind.REFUSED else b"")


def test_nothing_is_decided_before_it_can_be_known() -> None:
    answer = StockAnswer()

    assert [answer.feed(each) for each in (b"", b"\n", REFUSED)] == [b""] * 3
    assert answer.status is None


def test_lines_are_handed_on_whole() -> None:
    answer = StockAnswer()

    assert answer.feed(PUSH[:60]) == PUSH.splitlines(keepends=True)[0]
    assert answer.feed(PUSH[60:-1]) == PUSH.splitlines(keepends=True)[1]
    assert answer.feed(PUSH[-1:]) == PUSH.splitlines(keepends=True)[2]


@given(st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=5))
def test_nothing_is_lost_or_doubled_by_slices(content: bytes, places: list[int]) -> None:
    places = [0, *sorted(places), len(content)]
    slices = [content[start:end] for start, end in pairwise(places) if start < end]

    sliced, whole = StockAnswer(), StockAnswer()

    assert told(sliced, *slices) == told(whole, content)
    assert (sliced.kind, sliced.refusal) == (whole.kind, whole.refusal)


@pytest.mark.parametrize("lead", [b"{", b'{"status":"a"}\n{'])
def test_a_line_without_an_end_is_no_line(lead: bytes) -> None:
    answer = StockAnswer()
    content = lead + b"x" * LINE_LIMIT

    assert b"".join(answer.feed(content[at : at + 65_536]) for at in range(0, len(content), 65_536)) == content
    assert answer.kind is Kind.RAW
    assert answer.feed(b"y") == b"y"


def test_blanks_without_an_end_are_no_lines() -> None:
    answer = StockAnswer()

    assert len(answer.feed(b" " * (LINE_LIMIT + 1))) == LINE_LIMIT + 1
    assert answer.kind is Kind.RAW


LINES = [b'{"n":%d}\n' % number for number in range(6)]


def test_lines_go_on_whole_behind_a_gap() -> None:
    content = b"".join(LINES)
    for first in range(1, len(content)):
        for second in range(first, len(content) + 1):
            answer = StockAnswer()
            try:
                came = answer.feed(content[:first])
                answer.gap()
                came += told(answer, content[second:])
            except AnswerGap:
                continue
            behind = content[second:].partition(b"\n")[2]
            before = content[:first]
            assert came == before[: before.rfind(b"\n") + 1] + behind
            assert answer.gaps == 1


def test_what_has_begun_as_lines_is_known_to_be_some_after_a_gap() -> None:
    answer = StockAnswer()
    answer.feed(b'{"status":"Pu')

    answer.gap()

    assert answer.feed(b'ing"}\n') == b""
    assert answer.feed(b'{"status":"on"}\n') == b'{"status":"on"}\n'
    assert answer.status == 200


def test_a_refusal_is_known_also_behind_a_gap() -> None:
    answer = StockAnswer()
    answer.feed(b'{"sta')
    answer.gap()

    assert told(answer, b"\n", REFUSED) == b""
    assert answer.refusal == REFUSED


def test_a_refusal_that_is_known_needs_no_more() -> None:
    answer = StockAnswer()
    answer.feed(REFUSED + b"\n")

    answer.gap()

    assert told(answer, b"x") == b""
    assert answer.status == 500


@pytest.mark.parametrize("before", [b"", b"\r\n", TAR, b"x"])
def test_bytes_that_are_no_lines_cannot_have_a_gap(before: bytes) -> None:
    answer = StockAnswer()
    answer.feed(before)

    with pytest.raises(AnswerGap):
        answer.gap()


@pytest.mark.parametrize("behind", [b"", b"}", b"}\n", b"}\n\n"])
def test_what_ends_in_a_gap_is_not_known_to_have_gone_well(behind: bytes) -> None:
    answer = StockAnswer()
    answer.feed(b'{"mess')
    answer.gap()

    with pytest.raises(AnswerGap):
        told(answer, behind)


@pytest.mark.parametrize("behind", [b"\ntar", b"\n{" + b"x" * LINE_LIMIT])
def test_what_turns_out_to_be_no_lines_behind_a_gap_is_cut(behind: bytes) -> None:
    answer = StockAnswer()
    answer.feed(b"{")
    answer.gap()

    with pytest.raises(AnswerGap):
        answer.feed(behind)


def test_two_gaps_are_two() -> None:
    answer = StockAnswer()
    answer.feed(LINES[0])
    answer.gap()
    answer.gap()

    assert told(answer, b"half\n", LINES[1]) == LINES[1]
    assert answer.gaps == 2
