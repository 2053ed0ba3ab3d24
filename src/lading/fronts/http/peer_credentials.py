"""Whose process is at the other end of a unix socket, as the system tells it: the one place where systems differ."""

from __future__ import annotations

import socket
import struct
import sys

_LINUX = struct.Struct("@iII")
"""struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)."""

_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2
_XUCRED = struct.Struct("@IIh")
"""The beginning of macOS's struct xucred: its version, uid, and how many groups follow (unix(4))."""

_XUCRED_BYTES = 76
_XUCRED_VERSION = 0


def credentials(connection: socket.socket) -> tuple[int, int]:
    """uid and pid of who connected, as they were then. Raises OSError."""
    if sys.platform == "linux":
        pid, uid, _ = _LINUX.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX.size))
    else:
        version, uid, _ = _XUCRED.unpack_from(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES))
        if version != _XUCRED_VERSION:
            raise OSError(0, "the system tells credentials in a form that is not known")
        pid = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID)
    return uid, pid
