"""A machine of a page: a shell with a home of its own, in which the page's commands are typed one after the other."""

from __future__ import annotations

import io
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run
from lading.main.wired import Wired
from tests.peers.programs import select_nothing

BOUND_SECONDS = 60.0
"""No command of a page takes so long."""

END = "\x1e"
"""What stands between what a command printed and its exit code: no program of ours prints it."""


@dataclass(frozen=True)
class Told:
    """What a command printed, on both streams as a terminal shows them, and its exit code."""

    text: str
    code: int


class Machine:
    """One bash; what a command changes (folder, variables) holds for the next."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._running: list[Path] = []
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, "HOME": str(home)},
            cwd=home,
            start_new_session=True,
        )

    @property
    def home(self) -> Path:
        """Where its shell began."""
        return self._home

    def run(self, command: str) -> Told:
        """Type it, and wait for its end."""
        self._type(f"{{ {command}\n}} </dev/null; __code=$?; printf '{END}%s\\n' $__code; (exit $__code)\n")
        told = self._heard()
        text, _, code = told.rpartition(END)
        return Told(text, int(code))

    def begin(self, command: str) -> Path:
        """Type one that does not end; gives the file in which what it prints appears."""
        log = self._home / f".printed-{len(self._running)}"
        self._running.append(log)
        self._type(f"{command} </dev/null >{log} 2>&1 &\n")
        return log

    def close(self) -> None:
        """End what runs, in good order where it takes that, and the shell."""
        self._type("kill $(jobs -p) 2>/dev/null; wait; exit\n")
        try:
            self._shell.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.communicate()

    def _type(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()

    def _heard(self) -> str:
        assert self._shell.stdout is not None
        told, deadline = b"", time.monotonic() + BOUND_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._shell.stdout, selectors.EVENT_READ)
            while not (END.encode() in told and told.endswith(b"\n")):
                assert selector.select(max(0.0, deadline - time.monotonic())), f"does not end: {told.decode()}"
                piece = os.read(self._shell.stdout.fileno(), 65536)
                assert piece, f"the shell ended: {told.decode()}"
                told += piece
        return told.decode()


class Calls:
    """A machine on which nothing but the program is called, in this process: a tenth of the time, and no shell."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self._environment = {**environment, "HOME": str(home)}

    def run(self, command: str) -> Told:
        """Call the program; raises ValueError where the command is another."""
        name, *words = shlex.split(command)
        if name != "lading":
            raise ValueError(f"{name} needs a shell")
        told = io.StringIO()
        streams = Streams(io.BytesIO(), told, told)
        code = run(lambda flags: Wired.start(self._environment, flags), words, streams, self._environment)
        return Told(told.getvalue(), code)


def appeared(log: Path, complete: str, matches: object) -> str:
    """What a command that goes on has printed, once `matches` says that it is what was waited for."""
    assert callable(matches)
    deadline = time.monotonic() + BOUND_SECONDS
    while True:
        text = log.read_text(errors="replace") if log.exists() else ""
        if matches(text):
            return text
        over = "\nerror: " in f"\n{text}" or time.monotonic() > deadline
        assert not over, f"{complete!r} has not appeared:\n{text}"
        select_nothing(0.05)
