"""Server-sent events read back, however they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.event_stream import COMMENT, line_text, snapshot_text, tick_text
from lading.wire.event_stream_reading import EventReader, EventTooLong, ServerEvent

TOLD = (
    snapshot_text({"status": "running"})
    + COMMENT
    + line_text(7, {"status": "Pushing", "id": "ü"}, terminal=False)
    + tick_text({"layers": []})
    + line_text(8, {"status": "complete"}, terminal=True)
)
EVENTS = [
    ("snapshot", '{"status":"running"}', ""),
    ("progress", '{"status":"Pushing","id":"\\u00fc"}', ""),
    ("data", '{"data":{"status":"Pushing","id":"\\u00fc"}}', "7"),
    ("tick", '{"layers":[]}', ""),
    ("progress", '{"status":"complete"}', ""),
    ("data", '{"data":{"status":"complete"}}', "8"),
    ("result", '{"status":"complete"}', ""),
]


@given(st.lists(st.integers(0, len(TOLD)), max_size=8))
def test_what_is_written_is_read_however_it_is_cut(cuts: list[int]) -> None:
    reader, edges = EventReader(), [0, *sorted(cuts), len(TOLD)]

    found = [event for start, end in pairwise(edges) for event in reader.feed(TOLD[start:end])]

    assert [(event.name, event.data, event.id) for event in found] == EVENTS


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"data: a\r\ndata: b\r\n\r\n", [ServerEvent("message", "a\nb")]),
        (b"data:x\n\n", [ServerEvent("message", "x")]),
        (b"event: tick\n\n", []),
        (b": only a comment\n\nretry: 10\n\n", []),
        (
            b"event: data\nid: 3\ndata: {}\n\ndata: {}\n\n",
            [ServerEvent("data", "{}", "3"), ServerEvent("message", "{}")],
        ),
        (b"data: cut off", []),
    ],
)
def test_fields_mean_what_the_standard_says(text: bytes, events: list[ServerEvent]) -> None:
    assert EventReader().feed(text) == events


@pytest.mark.parametrize("line", [b"x", b"data: x\n", b"data\n", b": x\n", b"event: x\n"])
def test_an_event_without_an_end_is_none(line: bytes) -> None:
    reader, piece = EventReader(longest=10_000), line * 100
    for _ in range(10_000 // len(piece)):
        reader.feed(piece)

    with pytest.raises(EventTooLong):
        reader.feed(piece)


def test_events_without_end_are_events_still() -> None:
    reader = EventReader(longest=10_000)

    assert all(len(reader.feed(b"data: x\n\n" * 100)) == 100 for _ in range(200))
