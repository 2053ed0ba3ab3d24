"""What is sent to a client: all of it, or an error; never longer silent than allowed."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable

from lading.fronts.http.at_once import SHORT, send_at_once
from lading.fronts.http.exchange import Peer
from lading.fronts.http.limits import Limits
from lading.fronts.http.pace import Pace
from lading.fronts.http.waiting import OVER, Waiting
from lading.wire.message import ConnectionLost, Stalled

JOIN_LIMIT = 64 * 1024
"""Pieces shorter than this travel in one system call with what stands before and after them."""

FILE_PIECE, WATCHED_PIECE = 1024 * 1024, 128 * 1024
"""What one system call sends of a file: only between two of them is a client's pace looked at, and one that is
cancelled let go. The second while the client has to be waited for. Who turns slow in the middle of the first is given
up by the kernel, whose time-out counts anew for each 64 KiB: seen after 8 s where 2 s are granted."""

_QUICK_SECONDS = 0.1
"""Whoever takes a piece within this time is not waited for."""


def next_piece(asked: int, moved: int, seconds: float) -> int:
    """How many bytes to send at once, after a call that sent so many in so long."""
    return FILE_PIECE if moved == asked and seconds <= _QUICK_SECONDS else WATCHED_PIECE


class Outflow:
    """The writing side of one connection."""

    __slots__ = ("_connection", "_limits", "_pace", "_peer", "_piece", "_waiting")

    def __init__(self, connection: socket.socket, peer: Peer, waiting: Waiting, limits: Limits) -> None:
        self._connection, self._peer, self._waiting, self._limits = connection, peer, waiting, limits
        self._pace, self._piece = Pace(peer, limits), WATCHED_PIECE

    def send(self, *pieces: bytes | memoryview) -> None:
        """Raises ConnectionLost, Stalled."""
        if len(pieces) > 1 and sum(map(len, pieces)) < JOIN_LIMIT:
            pieces = (b"".join(pieces),)
        for piece in pieces:
            rest = memoryview(piece)[self._sent_at_once(piece) :]
            while rest:
                rest = rest[self._moved(self._connection.send, rest) :]

    def _sent_at_once(self, piece: bytes | memoryview) -> int:
        """How many bytes; TLS encrypts first, and may have to read for it."""
        if len(piece) > SHORT or not isinstance(piece, bytes) or isinstance(self._connection, ssl.SSLSocket):
            return 0
        sent = send_at_once(self._connection, piece)
        self._pace.moved(sent, 0.0)
        return sent

    def send_file(self, file: int, position: int, count: int, piece: int) -> int:
        """`count` bytes of an open file, in the clear by the kernel alone, a `piece` at a time; returns how many there
        were. Raises ConnectionLost, Stalled."""
        if isinstance(self._connection, ssl.SSLSocket):
            return self._send_read(file, position, count, piece)
        sent, number = 0, self._connection.fileno()
        while sent < count:
            asked, began = min(count - sent, self._piece), time.monotonic()
            passed = self._moved(os.sendfile, number, file, position + sent, asked)
            self._piece = next_piece(asked, passed, time.monotonic() - began)
            if not passed:
                break
            sent += passed
        return sent

    def _send_read(self, file: int, position: int, count: int, piece: int) -> int:
        sent, buffer = 0, memoryview(bytearray(min(count, piece)))
        while sent < count:
            arrived = os.preadv(file, [buffer[: count - sent]], position + sent)
            if not arrived:
                break
            self.send(buffer[:arrived])
            sent += arrived
        return sent

    def _moved(self, call: Callable[..., int], *arguments: object) -> int:
        """How many bytes the system took. Raises ConnectionLost, Stalled."""
        began = time.monotonic()
        try:
            self._waiting.write(self._limits.stall_seconds)
            count = call(*arguments)
        except OVER:
            raise Stalled(str(self._peer), self._limits.stall_seconds) from None
        except OSError as error:
            raise ConnectionLost(str(self._peer), error.strerror or type(error).__name__) from error
        self._pace.moved(count, time.monotonic() - began)
        return count
