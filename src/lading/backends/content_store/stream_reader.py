"""Reading a stream that somebody else gives us: a file, a pipe, standard input."""

from __future__ import annotations

import os
import select
import stat
from typing import BinaryIO

from lading.wire.message import Cancel, ReadFailed

_LOOK_SECONDS = 0.2


class StreamReader:
    """A Reader over a stream of Python's, which stays its owner's to close.

    Whoever writes into a pipe may take for ever, so its next bytes are waited for only until `cancel` says otherwise.
    """

    def __init__(self, stream: BinaryIO, name: str, cancel: Cancel) -> None:
        self._stream, self._name, self._cancel = stream, name, cancel
        self._pipe = _pipe_of(stream)
        self._read = getattr(stream, "read1", stream.read)  # what is there, where `read` would wait for all of it

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises ReadFailed, Cancelled."""
        self._wait()
        try:
            piece: bytes = self._read(len(buffer)) or b""
        except (OSError, ValueError) as error:
            raise ReadFailed(self._name, str(error)) from error
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Nothing is ours."""

    def _wait(self) -> None:
        self._cancel.check()
        while self._pipe is not None and not self._pipe.poll(_LOOK_SECONDS * 1000):
            self._cancel.check()


def _pipe_of(stream: BinaryIO) -> select.poll | None:
    """None for a plain file, and for what is no file at all: neither lets anybody wait."""
    try:
        file = stream.fileno()
        if stat.S_ISREG(os.fstat(file).st_mode):
            return None
    except (OSError, ValueError):
        return None
    waiting = select.poll()
    waiting.register(file, select.POLLIN)
    return waiting
