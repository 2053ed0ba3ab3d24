"""Values that every database and every reader of JSON takes: what a work tells may quote whatever a stranger sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lading.wire.event_json import JsonObject


def plain_object(value: Mapping[str, object]) -> JsonObject:
    """The same object without NUL, lone surrogates (PostgreSQL refuses both), NaN and infinities (JSON has none).

    What is no JSON value at all becomes its text.
    """
    return {_text(str(name)): _plain(item) for name, item in value.items()}


def _plain(value: object) -> object:
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case str():
            return _text(value)
        case Mapping():
            return plain_object({str(name): item for name, item in value.items()})
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return [_plain(item) for item in value]
    return _text(str(value))


def _text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
