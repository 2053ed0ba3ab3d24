"""Answers of this door that have a beginning and an end."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lading.fronts.http.exchange import Answer
from lading.wire.shown_text import shown_text

JSON = "application/json"
"""Exactly this: clients compare it letter by letter."""

Fields = Sequence[tuple[str, str]]


def answer(status: int, content: bytes = b"", fields: Fields = ()) -> Answer:
    """With its length."""
    return Answer(status, (("Content-Length", str(len(content))), *fields), (content,) if content else ())


def json_answer(document: object, status: int = 200, fields: Fields = ()) -> Answer:
    """A document on one line, and a line's end, as Docker's daemon writes it."""
    content = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    return answer(status, content, (("Content-Type", JSON), *fields))


def warned(text: str) -> Fields:
    """What people should know beside an answer (RFC 7234, 5.5); nothing where there is no text."""
    return (("Warning", f'299 lading "{text}"'),) if text else ()


def message(status: int, text: str, fields: Fields = ()) -> Answer:
    """How every failure is told."""
    return json_answer({"message": shown_text(text)}, status, fields)
