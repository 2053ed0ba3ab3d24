"""Small bodies, read whole: a manifest, a form."""

from __future__ import annotations

from collections.abc import Callable

from lading.errors import LadingError
from lading.fronts.http.exchange import Body

_PIECE = 64 * 1024
"""Memory follows what has come, not what was announced: many may announce much and send nothing."""


def read_whole(body: Body, limit: int, too_long: Callable[[int], LadingError], seconds: float | None = None) -> bytes:
    """All of it within so many seconds, where they are given. Raises Stalled; and what `too_long` makes of the limit,
    before reading where the length is said."""
    if body.length is not None and body.length > limit:
        raise too_long(limit)
    if seconds is not None:
        body.hurry(seconds)
    received, piece = bytearray(), memoryview(bytearray(_PIECE))
    while count := body.readinto(piece):
        received += piece[:count]
        if len(received) > limit:
            raise too_long(limit)
    return bytes(received)
