"""Running somebody else's program so that it cannot hurt: what it may know, how long it may take, how it ends.

It gets a session of its own, an empty folder, no input, and a file for its output. What it logs is read away and heard
line by line. At its time's end, at a cancel and where the disk runs full its whole group is asked to end, and killed
where it does not; and whatever it leaves running of its group is killed in any case.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.scanners.failures import free_bytes, storing
from lading.backends.scanners.log_lines import Heard, LogLines, nobody
from lading.backends.scanners.rooms import Room
from lading.backends.scanners.surroundings import surroundings
from lading.errors import LadingError
from lading.services.findings.scanner import ScanFailed
from lading.wire.message import Cancel

OUTPUT = "output"
"""The file in the room that has what the program wrote to its standard output."""

FLOOR = 64 * 1024 * 1024
"""Bytes that a scanner leaves free: below that it is stopped, before everybody else on the disk is."""

_SHELL = "/bin/sh"
_WATCHED = 'exec 3<&0; (read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'
"""Becomes the program, beside somebody of its group who waits for the end of a pipe that is open in us alone: when we
are killed, so is the group, and no scanner goes on that nobody stops."""

_LOOK_SECONDS = 0.05
_PIECE = 64 * 1024


def _nobody(seconds: float) -> None:
    """Nobody asks how long it runs."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a program, which has so many seconds: `own` is added to its environment, `heard` takes each line
    it logs, `ticked` hears now and then how many seconds have passed."""

    arguments: Sequence[str]
    own: Mapping[str, str]
    seconds: float
    heard: Heard = nobody
    ticked: Callable[[float], None] = _nobody


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: its exit code, below zero for a signal, and the end of what it logged."""

    code: int
    said: str


@dataclass(frozen=True, slots=True)
class Program:
    """One program: `name` for people, `path` where a setting names it, else it is looked for on PATH. `environment` is
    ours. `grace` is how many seconds it has to end by itself once it was asked to."""

    name: str
    path: str | None
    environment: Mapping[str, str] = field(repr=False)
    grace: float = 5.0
    free: Callable[[Path], int] = field(default=free_bytes, repr=False)

    def found(self) -> str:
        """Where it is. Raises ScanFailed."""
        found = shutil.which(self.path or self.name, path=self.environment.get("PATH", os.defpath))
        if found is None:
            missing = (
                "no program is where the setting says" if self.path else f"there is no program {self.name} on PATH"
            )
            raise ScanFailed(self.name, missing).but(
                hint=f"Install {self.name}, or name its path with the setting {self.name}."
            )
        return os.path.abspath(found)

    def run(self, call: Call, room: Room, cancel: Cancel) -> Ended:
        """Until it ends. Raises ScanFailed, Cancelled, FolderUnusable."""
        command = [self.found(), *call.arguments]
        environment = surroundings(self.environment, room.path, call.own)
        cancel.check()
        with self._started(command, room, environment) as process:
            return _Watch(self, process, room.path, call).until(cancel)

    @contextmanager
    def _started(
        self, command: Sequence[str], room: Room, environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Whatever becomes of us inside, nothing of its group outlives it."""
        with ExitStack() as stack:
            with storing(room.path):
                output = stack.enter_context((room.path / OUTPUT).open("wb"))
            ours_gone, ours = os.pipe()
            stack.callback(os.close, ours)
            try:
                process = subprocess.Popen(  # noqa: S603 - the settings name the program
                    [_SHELL, "-c", _WATCHED, _SHELL, *command],
                    stdin=ours_gone,
                    stdout=output,
                    stderr=subprocess.PIPE,
                    cwd=room.path,
                    env=dict(environment),
                    start_new_session=True,
                    pass_fds=(room.lock,),
                )
            except OSError as error:
                reason = (os.strerror(error.errno) if error.errno else type(error).__name__).lower()
                raise ScanFailed(self.name, f"{command[0]} cannot be run: {reason}") from error
            finally:
                os.close(ours_gone)
            stack.enter_context(process)
            stack.callback(_kill_left, process)
            yield process


class _Watch:
    """One running program: its log is read away, its time and the disk are looked at, its end is waited for."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes], room: Path, call: Call) -> None:
        self._program, self._process, self._room, self._call = program, process, room, call
        self._lines = LogLines(call.heard)
        self._failure: LadingError | None = None

    def until(self, cancel: Cancel) -> Ended:
        """Raises ScanFailed, Cancelled."""
        started = time.monotonic()
        asked: float | None = None
        with selectors.DefaultSelector() as selector:
            self._listen(selector)
            while not self._over():
                self._drain(selector)
                now = time.monotonic()
                if asked is None and self._must_end(now - started, cancel):
                    asked = now
                    _signal_group(self._process, signal.SIGTERM)
                elif asked is not None and now - asked >= self._program.grace:
                    _signal_group(self._process, signal.SIGKILL)
                self._call.ticked(now - started)
            _signal_group(self._process, signal.SIGKILL)  # whatever it left running
            self._drain_rest()
        code = self._process.wait()
        if self._failure is not None:
            raise self._failure
        return Ended(code, self._lines.end())

    def _listen(self, selector: selectors.BaseSelector) -> None:
        assert self._process.stderr is not None  # it was asked for as a pipe
        os.set_blocking(self._process.stderr.fileno(), False)
        selector.register(self._process.stderr, selectors.EVENT_READ)

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """One piece, or a look's time where there is none: who floods us does not keep us from looking at the clock."""
        for key, _ in selector.select(_LOOK_SECONDS):
            piece = os.read(key.fd, _PIECE)
            self._lines.add(piece)
            if not piece:
                selector.unregister(key.fileobj)

    def _drain_rest(self) -> None:
        """What is in the pipe. One that fled its group may hold it open: nobody waits for that one."""
        assert self._process.stderr is not None  # it was asked for as a pipe
        with suppress(BlockingIOError):
            for _ in range(2 * 1024 * 1024 // _PIECE):  # more than any pipe holds
                piece = os.read(self._process.stderr.fileno(), _PIECE)
                if not piece:
                    return
                self._lines.add(piece)

    def _over(self) -> bool:
        """On Linux it is not reaped yet: so its group's number is nobody else's when what is left of it is killed."""
        if sys.platform != "linux":
            return self._process.poll() is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _must_end(self, passed: float, cancel: Cancel) -> bool:
        try:
            cancel.check()
            if passed >= self._call.seconds:
                raise ScanFailed(
                    self._program.name, f"it did not end within {self._call.seconds:.3g} s, and was stopped"
                )
            free = self._program.free(self._room)
            if free < FLOOR:
                raise ScanFailed(self._program.name, f"it was stopped: only {free} bytes are free for what it unpacks")
        except LadingError as error:
            self._failure = error
            return True
        return False


def _kill_left(process: subprocess.Popen[bytes]) -> None:
    """Where it was not seen to end. Once it is reaped, the number of its group may be somebody else's."""
    if process.returncode is None:
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """A group that is gone is what was wanted. macOS refuses to signal one that is dead and not reaped."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
