"""What others answer can be written down again, whatever they put into it."""

from __future__ import annotations

import json

import pytest

from lading.wire.json_answers import read_json


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (rb'"\ud800"', "\ufffd"),
        (rb'"a\uDFFFb"', "a\ufffdb"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\\ud800"', r"\ud800"),
        (rb'"\\\ud800\"\u0041"', '\\\ufffd"A'),
        (b'"\xf0\x9f\x98\x80"', "\U0001f600"),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        ('["é"]'.encode("utf-16"), ["é"]),
    ],
)
def test_half_a_character_is_none(body: bytes, told: object) -> None:
    read = read_json(body)
    assert read == told
    json.dumps(read, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [b'"\xed\xa0\x80"', b'"\xff"', b"", b"{", rb'"\ud8"', b"[" * 100_000])
def test_what_is_no_json_is_none(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  any
        read_json(body)
