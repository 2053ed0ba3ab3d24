"""One import at a time, each in a child process of its own.

The lock belongs to the file that both hold open: where one of the two is killed, it is free when the other has ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lading.backends.advisories.failures import (
    AdvisoriesDamaged,
    AdvisoriesFull,
    AdvisoriesUnusable,
    ImporterDied,
    ImportRuns,
    SourceUnreadable,
    storing,
)
from lading.backends.advisories.messages import LINE_LIMIT, AnswerInvalid, Failure, Files, Order, answer
from lading.backends.advisories.tally import Tally
from lading.errors import LadingError
from lading.services.child_environment import child_environment
from lading.wire.message import Cancel

DATABASE = "advisories.db"
_LOCK = "advisories.lock"
_INCOMING = "advisories.incoming"
COMMAND = [sys.executable, "-P", "-m", "lading.backends.advisories.child"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Held by whoever imports: `incoming` is a folder for what arrives meanwhile, gone afterwards."""

    database: Path
    incoming: Path
    lock: int

    @contextmanager
    def part(self) -> Iterator[Turn]:
        """With a folder of its own for what arrives. Raises AdvisoriesUnusable, AdvisoriesFull."""
        with storing(self.incoming):
            folder = Path(tempfile.mkdtemp(dir=self.incoming))
        try:
            yield replace(self, incoming=folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def import_turn(data: Path) -> Iterator[Turn]:
    """Inside, nobody else imports into this data folder. Raises ImportRuns, AdvisoriesUnusable, AdvisoriesFull."""
    path = data / _LOCK
    with storing(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportRuns from None
        incoming = data / _INCOMING
        with storing(incoming):
            shutil.rmtree(incoming, ignore_errors=True)  # of whoever was killed
            incoming.mkdir(0o700)
        try:
            yield Turn(data / DATABASE, incoming, lock)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
    finally:
        os.close(lock)


def imported(turn: Turn, order: Order, files: Callable[[int], None], cancel: Cancel) -> Tally:
    """Have it done; `files` hears how many were read. Raises SourceUnreadable, AdvisoriesFull, AdvisoriesDamaged,
    AdvisoriesUnusable, ImporterDied, Cancelled."""
    cancel.check()
    with storing(turn.database):
        process = subprocess.Popen(  # noqa: S603  our own module
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=child_environment(os.environ),
            pass_fds=[turn.lock],
            start_new_session=True,
        )
    try:
        with cancel.closing(partial(_kill, process)):
            said = _conversation(process, order, files)
    finally:
        _kill(process)
        process.communicate()
    cancel.check()
    if isinstance(said, Tally):
        return said
    raise _error(said, order, process.returncode)


def _conversation(
    process: subprocess.Popen[bytes], order: Order, files: Callable[[int], None]
) -> Tally | Failure | None:
    """What it said last; None where it ended without a word."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(order.line())
        process.stdin.flush()
    while line := process.stdout.readline(LINE_LIMIT):
        try:
            said = answer(line)
        except AnswerInvalid:
            return None
        if not isinstance(said, Files):
            return said
        files(said.count)
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With what it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _error(said: Failure | None, order: Order, returned: int) -> LadingError:
    place, database = order.location, order.database
    if said is None:
        ending = f"signal {-returned}" if returned < 0 else f"status {returned}"
        return ImporterDied(place, ending)
    if said.kind == "broken":
        return SourceUnreadable(place, said.reason, said.hint)
    if said.kind == "full":
        return AdvisoriesFull(said.reason)
    if said.kind == "damaged":
        return AdvisoriesDamaged(database, said.reason)
    return AdvisoriesUnusable(database, said.reason)
