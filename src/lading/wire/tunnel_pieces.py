"""Pieces of bodies over the tunnel, where both ends speak LADING_STREAMS: binary messages; whose body, the direction
says.

16 bytes             8 bytes                          1 … PIECE_LIMIT bytes
id of the request    offset in the body, big-endian   content
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lading.wire.tunnel_fields import COUNT_LIMIT, FrameInvalid

PIECE_LIMIT = 128 * 1024
"""Content of one piece, in bytes: others' frames go out between two."""

_ID_SIZE, _OFFSET_SIZE = 16, 8
_HEAD_SIZE = _ID_SIZE + _OFFSET_SIZE
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class BodyPiece:
    """Content from `offset` on; `request_id` is a UUID in lower case (RFC 9562, section 4)."""

    request_id: str
    offset: int
    content: bytes | memoryview = field(repr=False)


def piece_message(piece: BodyPiece) -> bytes:
    """The binary message. Raises FrameInvalid where the id is no UUID, or the content empty or too long."""
    if not _UUID.fullmatch(piece.request_id):
        raise FrameInvalid("the id of a piece is no UUID")
    _check(piece.offset, len(piece.content))
    request = bytes.fromhex(piece.request_id.replace("-", ""))
    return b"".join((request, piece.offset.to_bytes(_OFFSET_SIZE, "big"), piece.content))


def read_piece(message: bytes) -> BodyPiece:
    """Its content is a view of `message`. Raises FrameInvalid."""
    content = memoryview(message)[_HEAD_SIZE:]
    offset = int.from_bytes(message[_ID_SIZE:_HEAD_SIZE], "big")
    _check(offset, len(content))
    return BodyPiece(_uuid_text(message[:_ID_SIZE]), offset, content)


def _uuid_text(request: bytes) -> str:
    text = request.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _check(offset: int, length: int) -> None:
    if not length:
        raise FrameInvalid("a piece is empty")
    if length > PIECE_LIMIT:
        raise FrameInvalid(f"a piece is longer than {PIECE_LIMIT} bytes")
    if not 0 <= offset < COUNT_LIMIT:
        raise FrameInvalid("a piece begins beyond every body")
