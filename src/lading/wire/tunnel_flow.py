"""One body over the tunnel, as its sender and as its receiver see it, where both ends speak LADING_STREAMS: nothing is
lost or doubled, whatever becomes of the connection, and a slow receiver holds its own sender up and nobody else.

    sender    0 ──── received ──────────── given ── at most `received` + WINDOW      keeps what is between
    receiver  0 ──── handed on ─── arrived                                           tells `received` as it hands on

After a reconnection each side says how much has arrived (in the hello or the welcome), the sender goes on from there,
and the receiver says `received` again, as the last one may have been lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_pieces import PIECE_LIMIT, BodyPiece

WINDOW = 1024 * 1024
"""Bytes that may be out beyond the last `received`."""


class Outflow:
    """A body on its way out. Not for several threads at once."""

    __slots__ = ("_kept", "_kept_from", "_received", "_request", "_window", "given")

    def __init__(self, request_id: str, window: int = WINDOW) -> None:
        self._request, self._window = request_id, window
        self._kept: deque[memoryview] = deque()
        self._kept_from = 0
        self._received = 0
        self.given = 0
        """Bytes that were given, from the body's start; at its end the `count` of the frame that ends it."""

    @property
    def room(self) -> int:
        """How many bytes may be given now."""
        return self._received + self._window - self.given

    def give(self, content: bytes) -> Iterator[BodyPiece]:
        """The pieces to send of the next `content`, at most `room` bytes, which is kept until it is received."""
        if len(content) > self.room:
            raise ValueError("more was given than there is room for")
        start, view = self.given, memoryview(content)
        if content:
            self._kept.append(view)
            self.given += len(content)
        return _pieces(self._request, start, view)

    def received(self, count: int) -> None:
        """The other side has handed on `count` bytes from the start. Late ones change nothing.

        Raises FrameInvalid for more than was ever given.
        """
        self._forget(count)
        self._received = max(self._received, count)

    def resume(self, count: int) -> Iterator[BodyPiece]:
        """After a reconnection, `count` bytes of it having arrived: the pieces to send again, before anything else.

        Raises FrameInvalid for a count that was never given, or of what is not kept any more.
        """
        if count < self._received:
            raise FrameInvalid("a body is to go on before what was received of it")
        self._forget(count)
        return self._again()

    def _forget(self, count: int) -> None:
        if count > self.given:
            raise FrameInvalid("more of a body was received than was sent")
        while self._kept_from < count:
            first = self._kept.popleft()
            gone = min(count - self._kept_from, len(first))
            if gone < len(first):
                self._kept.appendleft(first[gone:])
            self._kept_from += gone

    def _again(self) -> Iterator[BodyPiece]:
        start = self._kept_from
        for content in tuple(self._kept):
            yield from _pieces(self._request, start, content)
            start += len(content)


def _pieces(request_id: str, start: int, content: memoryview) -> Iterator[BodyPiece]:
    for offset in range(0, len(content), PIECE_LIMIT):
        yield BodyPiece(request_id, start + offset, content[offset : offset + PIECE_LIMIT])


class Inflow:
    """A body on its way in. Not for several threads at once."""

    __slots__ = ("_handed", "_told", "_window", "arrived")

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._handed = self._told = 0
        self.arrived = 0
        """Bytes that have arrived, from the body's start without a gap; what a hello or welcome says of it."""

    def take(self, piece: BodyPiece) -> memoryview:
        """What of it is new, to be handed on in time; empty where all of it was here before.

        Raises FrameInvalid where bytes before it are missing, and where it is beyond the window.
        """
        end = piece.offset + len(piece.content)
        if piece.offset > self.arrived:
            raise FrameInvalid("a piece of a body is missing")
        if end > self._handed + self._window:
            raise FrameInvalid("more of a body was sent than may be out")
        new = memoryview(piece.content)[self.arrived - piece.offset :]
        self.arrived = max(self.arrived, end)
        return new

    def handed(self, count: int) -> int | None:
        """`count` more bytes were handed on: the `received` to send now, or None, as there is no need yet."""
        self._handed += count
        return self.again() if self._handed - self._told >= self._window // 4 else None

    def again(self) -> int:
        """The `received` to send after a reconnection."""
        self._told = self._handed
        return self._handed

    def whole(self, count: int) -> bool:
        """Whether a body that ended with `count` bytes in all is here. Raises FrameInvalid where more is here."""
        if self.arrived > count:
            raise FrameInvalid("a body is longer than its end says")
        return self.arrived == count
