"""How long one connection's system calls may wait.

In the clear the kernel keeps the time (SO_RCVTIMEO, SO_SNDTIMEO): a wait is then one system call, for which the thread
lets go of the interpreter once. Python's own time-out polls before each call and sets the socket's mode again for each
other time, which among 32 busy connections costs a third of all answers. TLS, which reads and writes in both
directions, needs Python's own.
"""

from __future__ import annotations

import socket
import ssl
import struct

_SHORTEST = 0.001
"""Seconds; to the kernel 0 would mean for ever."""


class Waiting:
    """The time-outs of one socket, whose only user this is. What is over raises TimeoutError: `over` tells which."""

    __slots__ = ("_connection", "_kernel", "_reading", "_writing")

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kernel = not isinstance(connection, ssl.SSLSocket)
        self._reading = self._writing = -1.0
        if self._kernel:
            connection.settimeout(None)

    def read(self, seconds: float) -> None:
        """The next calls that receive wait so long. Raises OSError."""
        if seconds != self._reading:
            self._set(socket.SO_RCVTIMEO, seconds)
            self._reading = seconds

    def write(self, seconds: float) -> None:
        """The next calls that send wait so long, each for any byte to go. Raises OSError."""
        if seconds != self._writing:
            self._set(socket.SO_SNDTIMEO, seconds)
            self._writing = seconds

    def _set(self, option: int, seconds: float) -> None:
        if not self._kernel:
            self._connection.settimeout(seconds)
            self._reading = self._writing = seconds  # Python has one time for both
            return
        whole, part = divmod(max(seconds, _SHORTEST), 1)
        self._connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", int(whole), int(part * 1e6)))


OVER = (TimeoutError, BlockingIOError)
"""What a wait that is over raises: Python's own, and the kernel's EAGAIN."""
