"""What a client sends: its socket with a buffer before it, and the system's errors translated."""

from __future__ import annotations

import socket

from lading.fronts.http.exchange import Peer
from lading.fronts.http.waiting import OVER, Waiting
from lading.wire.http_framing import HEAD_LIMIT
from lading.wire.message import ConnectionLost, Stalled

_FIRST_BUFFER = 8 * 1024


class Inflow:
    """The bytes held are `buffer[start:end]`; the buffer grows to HEAD_LIMIT, which bounds a head."""

    __slots__ = ("_connection", "_peer", "_waiting", "buffer", "end", "start")

    def __init__(self, connection: socket.socket, peer: Peer, waiting: Waiting) -> None:
        self._connection, self._peer, self._waiting = connection, peer, waiting
        self.buffer = bytearray(_FIRST_BUFFER)
        self.start = self.end = 0

    @property
    def held(self) -> int:
        """How many bytes have been received and not been taken."""
        return self.end - self.start

    @property
    def full(self) -> bool:
        """Whether nothing more can be received before something is taken."""
        return self.held == HEAD_LIMIT

    def fill(self, seconds: float) -> int:
        """Receive more; 0 at the end of what the client sends. Not when full. Raises ConnectionLost, Stalled."""
        self._make_room()
        with memoryview(self.buffer) as view:
            received = self.receive_into(view[self.end :], seconds)
        self.end += received
        return received

    def widen(self) -> None:
        """Room for as much as is ever held: worth it where much comes that must be looked at before it is taken."""
        if len(self.buffer) < HEAD_LIMIT:
            self._move_to(HEAD_LIMIT)

    def take(self, count: int) -> bytes:
        """The next `count` bytes held."""
        taken = bytes(self.buffer[self.start : self.start + count])
        self.start += count
        return taken

    def take_into(self, target: memoryview) -> int:
        """As many of the bytes held as fit."""
        count = min(len(target), self.held)
        with memoryview(self.buffer) as view:
            target[:count] = view[self.start : self.start + count]
        self.start += count
        return count

    def receive_into(self, target: memoryview, seconds: float) -> int:
        """Past the buffer, which must be empty or be `target`; 0 at the end. Raises ConnectionLost, Stalled."""
        try:
            self._waiting.read(seconds)
            return self._connection.recv_into(target)
        except OVER:
            raise Stalled(str(self._peer), seconds) from None
        except OSError as error:
            raise ConnectionLost(str(self._peer), error.strerror or type(error).__name__) from error

    def _make_room(self) -> None:
        if self.start == self.end:
            self.start = self.end = 0
        if self.end < len(self.buffer):
            return
        self._move_to(len(self.buffer) if self.start else min(2 * len(self.buffer), HEAD_LIMIT))

    def _move_to(self, size: int) -> None:
        """What is held stands at the front of a buffer of `size` bytes."""
        held = self.buffer[self.start : self.end]
        self.buffer = held + bytes(size - len(held))
        self.start, self.end = 0, len(held)
