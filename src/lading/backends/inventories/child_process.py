"""One child process: started with nothing of ours but a socket, killed at any time, always waited for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from lading.services.child_environment import child_environment
from lading.services.findings.scanner import ScanFailed
from lading.services.inventories.inventories import SCANNER

_LEAVE_SECONDS = 1.0
_LAST_WORDS = 400


class Child:
    """One child, and our end of the conversation with it. Used by one thread at a time, but for `kill`."""

    def __init__(self, command: Sequence[str]) -> None:
        """Raises ScanFailed where it cannot be started."""
        with ExitStack() as stack:
            try:
                ours, its_end = socket.socketpair()
                self.socket = stack.enter_context(ours)
                stack.enter_context(its_end)
                self._words = stack.enter_context(tempfile.TemporaryFile(buffering=0))
                self._process = subprocess.Popen(  # noqa: S603 - our own program, from our own wiring
                    command,
                    stdin=its_end.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=self._words,
                    cwd="/",
                    env=child_environment(os.environ),
                    start_new_session=True,  # a Ctrl-C at the terminal is ours to answer
                )
            except OSError as error:
                raise ScanFailed(SCANNER, f"no process to read layers in: {os.strerror(error.errno or 0)}") from error
            its_end.close()
            self._held = stack.pop_all()

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.poll() is None

    def kill(self) -> None:
        """At once, from any thread; whoever waits for its answer is told that it is gone."""
        self._process.kill()

    def bury(self) -> None:
        """Kills it where it still lives, waits for its end and frees what it had. Harmless twice."""
        self._process.kill()
        self._process.wait()
        self._held.close()

    def dismiss(self) -> None:
        """Lets an idle one end by itself, and frees what it had."""
        self.socket.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_SECONDS)
        self.bury()

    def cause(self) -> str:
        """How one that is gone ended, in words."""
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(_LEAVE_SECONDS)
            return f"was ended by {_signal(-status)}" if status < 0 else f"ended: {self._last_words() or status}"
        return "closed its end and went on"

    def _last_words(self) -> str:
        """The last line it wrote where errors go."""
        size = os.fstat(self._words.fileno()).st_size
        said = os.pread(self._words.fileno(), _LAST_WORDS, max(0, size - _LAST_WORDS)).decode(errors="replace")
        return (said.strip().splitlines() or [""])[-1]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
