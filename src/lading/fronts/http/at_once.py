"""Short answers sent without letting go of the interpreter.

Each time a thread lets go of it for a system call, another takes it, and the first must wait for it again. Among 32
busy connections that cost more than all the rest of a short answer. The system takes so few bytes in some millionths of
a second, so here a thread keeps the interpreter meanwhile; what would have to wait for the client is not begun.
"""

from __future__ import annotations

import ctypes
import socket

SHORT = 16 * 1024
"""Bytes: beyond, others would wait for us while the system copies."""

_send = ctypes.PyDLL(None).send
_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_send.restype = ctypes.c_ssize_t


def send_at_once(connection: socket.socket, content: bytes) -> int:
    """How many bytes of something short the system took now, in the clear. 0 where it took none, or the connection is
    broken: sending it in the ordinary way tells."""
    taken: int = _send(connection.fileno(), content, len(content), socket.MSG_DONTWAIT)
    return max(taken, 0)
