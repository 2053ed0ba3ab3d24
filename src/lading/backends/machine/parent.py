"""What a child of children.py has of the process that began it: what it begins with, and its words."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping

from lading.backends.machine.children import LENGTH_BYTES

_PR_SET_PDEATHSIG = 1
_ALONE = 70
"""The exit code of who lost its parent (EX_SOFTWARE); nobody is left to read it."""


class Parent:
    """The other end of the line. For one thread, until `follow`."""

    def __init__(self, line: socket.socket) -> None:
        """Whoever comes here minds no signal of a terminal or a supervisor: those go to the parent as well, which knows
        what is to be done. On Linux nobody outlives the parent even for a moment."""
        self._line = line
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))

    def begins_with(self) -> bytes:
        """What this process was given; ends it where there is no parent any more."""
        return self._exactly(int.from_bytes(self._exactly(LENGTH_BYTES), "big"))

    def at_work(self, words: Mapping[bytes, Callable[[], object]]) -> None:
        """Say so; from now on a thread calls what each word means, and ends this process when the line does."""
        threading.Thread(target=self._follow, args=[words], name="parent", daemon=True).start()
        self._line.sendall(b".")

    def _follow(self, words: Mapping[bytes, Callable[[], object]]) -> None:
        while True:
            meaning = words.get(self._exactly(1))
            if meaning is not None:
                meaning()

    def _exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            try:
                piece = self._line.recv(size - len(received))
            except OSError:
                piece = b""
            if not piece:
                os._exit(_ALONE)  # at once: nobody may serve what nobody watches
            received += piece
        return received
