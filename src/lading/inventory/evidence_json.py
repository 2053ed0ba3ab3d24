"""JSON in images, read as leniently as the tools that wrote it do, and in bounded memory.

Unlike documents of the image specification (`oci.document`) it need not mean the same to every reader: a member given
twice or a field of a strange type hides one package, never an image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from lading.inventory.evidence_invalid import EvidenceInvalid

VALUES_LIMIT = 1_000_000
"""The most values read, counted by the marks before them: a value takes some hundred bytes of memory for three of text.
The longest real files, lock files of 20 MB, have a third of that."""

WORD_LIMIT = 400
"""The longest name or version taken, in characters: longer ones are no names of anybody's packages."""


def json_value(content: bytes) -> object:
    """The value that `content` is; in UTF-8, with or without a byte order mark. Raises EvidenceInvalid."""
    if sum(map(content.count, (b",", b"[", b"{"))) > VALUES_LIMIT:
        raise EvidenceInvalid("it has too many values")
    try:
        document: object = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise EvidenceInvalid("it is no JSON, or nested too deeply") from error
    return document


def json_object(content: bytes) -> Mapping[str, object]:
    """The members of the object that `content` is. Raises EvidenceInvalid where it is none."""
    document = json_value(content)
    if not isinstance(document, dict):
        raise EvidenceInvalid("it is no JSON object")
    return document


def members(value: object) -> Mapping[str, object]:
    """What `value` holds by name; nothing where it is no object."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """What `value` holds in order; nothing where it is no array."""
    return value if isinstance(value, list) else []


def word(value: object) -> str:
    """A name or version, without the blanks around it; empty where `value` is no text that could be one."""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    return text if len(text) <= WORD_LIMIT and text.isprintable() else ""


def words(value: object) -> tuple[str, ...]:
    """The names that `value` is, be it one or an array of them."""
    several = items(value) if isinstance(value, list) else [value]
    return tuple(text for text in map(word, several[:_WORDS_LIMIT]) if text)


_WORDS_LIMIT = 50
