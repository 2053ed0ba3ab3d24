"""Server-sent events of a job, as a browser's EventSource reads them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.event_stream import COMMENT, last_event_id, line_text, snapshot_text, tick_text
from lading.wire.plain_json import plain_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


def parse(stream: bytes) -> list[dict[str, str]]:
    """As the standard says: fields up to an empty line are one event, comments are none."""
    events = []
    for block in stream.decode().split("\n\n")[:-1]:
        fields = [line.partition(": ") for line in block.split("\n") if not line.startswith(":")]
        if fields:
            events.append({name: value for name, _, value in fields})
    return events


def test_a_line_is_told_bare_and_with_its_number() -> None:
    assert parse(line_text(7, {"status": "tagging"}, terminal=False)) == [
        {"event": "progress", "data": '{"status":"tagging"}'},
        {"event": "data", "id": "7", "data": '{"data":{"status":"tagging"}}'},
    ]


def test_the_terminal_line_is_told_as_the_result_too() -> None:
    events = parse(line_text(9, {"status": "complete"}, terminal=True))

    assert [event["event"] for event in events] == ["progress", "data", "result"]
    assert events[2] == {"event": "result", "data": '{"status":"complete"}'}


def test_what_cannot_be_resumed_has_no_id() -> None:
    assert parse(snapshot_text({"status": "running"}) + COMMENT + tick_text({"layers": []})) == [
        {"event": "snapshot", "data": '{"status":"running"}'},
        {"event": "tick", "data": '{"layers":[]}'},
    ]


@given(st.dictionaries(st.text(st.characters()), JSON, max_size=4))
def test_no_text_breaks_out_of_its_event(data: dict[str, object]) -> None:
    line = plain_object(data)

    bare, numbered = parse(line_text(1, line, terminal=False))

    assert json.loads(bare["data"]) == line
    assert json.loads(numbered["data"]) == {"data": line}
    assert "\\u0000" not in json.dumps(line).replace("\\\\", "")
    json.dumps(line, ensure_ascii=False, allow_nan=False).encode()


def test_what_is_no_json_becomes_text() -> None:
    assert plain_object({"a": b"x", "b": {1: (2, 3)}, "c": float("inf")}) == {
        "a": "b'x'",
        "b": {"1": [2, 3]},
        "c": None,
    }


@pytest.mark.parametrize(
    ("header", "number"),
    [(None, 0), ("", 0), ("12", 12), (" 3 ", 3), ("-1", 0), ("x", 0), ("١", 0), ("9" * 40, 0), ("1.5", 0)],
)
def test_the_last_id_is_a_number_or_none(header: str | None, number: int) -> None:
    assert last_event_id(header) == number
