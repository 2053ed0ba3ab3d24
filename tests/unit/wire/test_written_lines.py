"""Docker's lines as we write them: each is read back, and has the keys that clients look for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Digest
from lading.wire.docker_lines import (
    BLANK_LINE,
    Line,
    Lines,
    Story,
    aux_line,
    digest_line,
    error_line,
    loaded_line,
    message_line,
    progress_line,
    pulled_line,
    pushed_lines,
    stream_line,
)
from lading.wire.docker_words import Verb
from lading.wire.shown_text import shown_text

DIGEST = Digest.of(b"x")


def read(*written: bytes) -> list[Line]:
    """By our own reader, which knows a real daemon's."""
    lines = Lines()
    return [line for piece in written for line in lines.feed(piece)] + list(lines.end())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (message_line("Pulling from library/x", "latest"), {"status": "Pulling from library/x", "id": "latest"}),
        (message_line("Digest: x"), {"status": "Digest: x"}),
        (progress_line("Waiting", "aaa", {}), {"status": "Waiting", "progressDetail": {}, "id": "aaa"}),
        (
            progress_line("Pushing", "aaa", {"current": 1, "total": 2}, "[==>  ] 1B/2B"),
            {
                "status": "Pushing",
                "progressDetail": {"current": 1, "total": 2},
                "progress": "[==>  ] 1B/2B",
                "id": "aaa",
            },
        ),
        (stream_line("Loaded image: x\n"), {"stream": "Loaded image: x\n"}),
        (error_line("denied: no"), {"errorDetail": {"message": "denied: no"}, "error": "denied: no"}),
        (error_line("no", 401), {"errorDetail": {"code": 401, "message": "no"}, "error": "no"}),
        (aux_line({"a": 1}), {"progressDetail": {}, "aux": {"a": 1}}),
    ],
)
def test_a_line_has_these_keys_in_this_order(line: bytes, expected: dict[str, object]) -> None:
    assert line.endswith(b"\r\n")
    assert json.loads(line) == expected
    assert list(json.loads(line)) == list(expected)


def test_nothing_is_escaped_for_html() -> None:
    assert b"[==>  ] <&\xc3\xa9" in progress_line("Pushing", "a", {"current": 1}, "[==>  ] <&é")


@given(st.text(st.characters(codec="utf-8")), st.text(min_size=1))
def test_any_text_is_one_line(status: str, id: str) -> None:  # noqa: A002  the line's own word
    written = message_line(status, id) + error_line(status)

    assert written.count(b"\n") == 2
    assert [json.loads(each)["status"] for each in written.splitlines()[:1]] == [shown_text(status)]


def test_white_space_between_lines_is_nothing() -> None:
    assert read(BLANK_LINE, message_line("a"), BLANK_LINE, BLANK_LINE, message_line("b")) == [
        Line(status="a"),
        Line(status="b"),
    ]


def test_the_end_of_a_push_is_read_back() -> None:
    story = Story(Verb.PUSH, "target")
    for line in read(pushed_lines("1.0", DIGEST, 524)):
        list(story.hear(line))

    assert (story.digest, story.size) == (DIGEST, 524)


@pytest.mark.parametrize("current", [True, False])
def test_the_end_of_a_pull_is_read_back(current: bool) -> None:
    story = Story(Verb.PULL, "target")
    for line in read(digest_line(str(DIGEST)), pulled_line("x:1", current=current)):
        list(story.hear(line))

    assert (story.digest, story.current) == (DIGEST, current)


@pytest.mark.parametrize(("name", "told"), [("x:1", "x:1"), (None, str(DIGEST))])
def test_what_was_loaded_is_read_back(name: str | None, told: str) -> None:
    story = Story(Verb.LOAD, "target")
    for line in read(loaded_line(name, str(DIGEST))):
        list(story.hear(line))

    assert story.loaded == [told]


def test_an_error_is_read_back() -> None:
    assert read(error_line("denied: no", 403)) == [Line(error="denied: no", code=403)]
