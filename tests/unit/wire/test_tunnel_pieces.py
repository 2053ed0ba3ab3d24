from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_pieces import PIECE_LIMIT, BodyPiece, piece_message, read_piece

ID = "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"


def test_a_piece_is_the_id_the_offset_and_the_content() -> None:
    assert piece_message(BodyPiece(ID, 258, b"abc")) == UUID(ID).bytes + b"\0\0\0\0\0\0\x01\x02abc"


@given(st.uuids(), st.integers(0, 2**63 - 1), st.binary(min_size=1, max_size=50))
def test_what_is_written_reads_the_same(request: UUID, offset: int, content: bytes) -> None:
    piece = BodyPiece(str(request), offset, content)

    assert read_piece(piece_message(piece)) == piece


@given(st.binary(max_size=24))
def test_what_has_no_content_is_refused(message: bytes) -> None:
    with pytest.raises(FrameInvalid):
        read_piece(message)


def test_the_longest_piece_passes_and_a_longer_one_does_not() -> None:
    message = piece_message(BodyPiece(ID, 0, bytes(PIECE_LIMIT)))

    assert len(read_piece(message).content) == PIECE_LIMIT
    with pytest.raises(FrameInvalid):
        read_piece(message + b"x")


@pytest.mark.parametrize(
    "piece",
    [
        BodyPiece(ID.upper(), 0, b"x"),
        BodyPiece("../" + ID, 0, b"x"),
        BodyPiece(ID, 2**63, b"x"),
        BodyPiece(ID, -1, b"x"),
        BodyPiece(ID, 0, b""),
        BodyPiece(ID, 0, bytes(PIECE_LIMIT + 1)),
    ],
    ids=["upper", "path", "far", "before", "empty", "long"],
)
def test_what_cannot_be_is_not_written(piece: BodyPiece) -> None:
    with pytest.raises(FrameInvalid):
        piece_message(piece)


def test_an_offset_beyond_every_body_is_refused() -> None:
    with pytest.raises(FrameInvalid):
        read_piece(UUID(ID).bytes + b"\xff" * 8 + b"x")
