"""What is sent to a client: all of it, or an error; never longer silent than allowed."""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from lading.fronts.http.exchange import Peer
from lading.wire.message import ConnectionLost, Stalled

JOIN_LIMIT = 64 * 1024
"""Pieces shorter than this travel in one system call with what stands before and after them."""

_READ_SIZE = 256 * 1024


class Outflow:
    """The writing side of one connection; `stall_seconds` is the longest wait for the client to take anything."""

    __slots__ = ("_connection", "_peer", "_stall_seconds")

    def __init__(self, connection: socket.socket, peer: Peer, stall_seconds: float) -> None:
        self._connection, self._peer, self._stall_seconds = connection, peer, stall_seconds

    def send(self, *pieces: bytes | memoryview) -> None:
        """Raises ConnectionLost, Stalled."""
        if sum(len(piece) for piece in pieces) < JOIN_LIMIT:
            pieces = (b"".join(pieces),)
        with self._translated():
            self._connection.settimeout(self._stall_seconds)
            for piece in pieces:
                self._send_one(memoryview(piece))

    def _send_one(self, rest: memoryview) -> None:
        """Not sendall, whose time-out is for the whole of it."""
        while rest:
            rest = rest[self._connection.send(rest) :]

    def send_file(self, file: int, position: int, count: int) -> int:
        """`count` bytes of an open file, in the clear by the kernel alone; returns how many there were. Raises
        ConnectionLost, Stalled."""
        if isinstance(self._connection, ssl.SSLSocket):
            return self._send_read(file, position, count)
        sent = 0
        with self._translated():
            self._connection.settimeout(self._stall_seconds)
            while sent < count:
                try:
                    passed = os.sendfile(self._connection.fileno(), file, position + sent, count - sent)
                except BlockingIOError:
                    self._wait()
                    continue
                if not passed:
                    break
                sent += passed
        return sent

    def _send_read(self, file: int, position: int, count: int) -> int:
        sent, buffer = 0, memoryview(bytearray(min(count, _READ_SIZE)))
        while sent < count:
            arrived = os.preadv(file, [buffer[: count - sent]], position + sent)
            if not arrived:
                break
            self.send(buffer[:arrived])
            sent += arrived
        return sent

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._connection, select.POLLOUT)
        if not poll.poll(self._stall_seconds * 1000):
            raise TimeoutError

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise Stalled(str(self._peer), self._stall_seconds) from None
        except OSError as error:
            raise ConnectionLost(str(self._peer), error.strerror or type(error).__name__) from error
