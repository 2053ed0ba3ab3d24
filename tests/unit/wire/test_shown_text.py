"""Strangers' texts, shown and not obeyed."""

from __future__ import annotations

import json

import pytest

from lading.fronts.docker_api.answers import message
from lading.wire.docker_lines import error_line, message_line
from lading.wire.shown_text import shown_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("denied: é 漢字", "denied: é 漢字"),
        ("two\nlines\tand more", "two\nlines\tand more"),
        ("a\r\nb", "a\nb"),
        ("over\rwritten", "over\\rwritten"),
        ("\x1b]0;owned\x07\x1b[2J", "\\x1b]0;owned\\x07\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert shown_text(text) == shown


def test_no_message_of_the_docker_door_steers_a_terminal() -> None:
    """A registry says what it likes when it refuses, and docker prints it as it comes."""
    hostile, harmless = "denied: \x1b[2J", "denied: \\x1b[2J"

    content = message(404, hostile).content
    assert isinstance(content, tuple)
    assert json.loads(b"".join(content)) == {"message": harmless}
    assert json.loads(error_line(hostile)) == {"errorDetail": {"message": harmless}, "error": harmless}
    assert json.loads(message_line(hostile)) == {"status": harmless}
