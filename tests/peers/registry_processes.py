"""The processes that serve the registry of one `lading serve`, and who of them takes the next connection.

One that is stopped by SIGSTOP takes none: so whoever comes is served by the other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.peers.service_process import until


def both_children(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """The two of this server, once they are there."""
    found: list[int] = []

    def are_there() -> bool:
        tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
        found[:] = [int(word) for task in tasks for word in _text(task).split()]
        return len(found) == 2

    until(are_there, "both processes are there")
    first, second = found
    return first, second


@contextlib.contextmanager
def without(process: int) -> Iterator[None]:
    """Inside it does nothing."""
    os.kill(process, signal.SIGSTOP)
    try:
        until(lambda: _states(process) == {"T"}, "each of its threads has stopped")
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def each_alone(both: tuple[int, int]) -> Iterator[int]:
    """Each does nothing for a while; the other serves meanwhile."""
    for each in both:
        with without(each):
            yield each


def is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _states(process: int) -> set[str]:
    """As proc(5) has it, of all threads."""
    said = [_text(task).rpartition(")")[2].split() for task in Path(f"/proc/{process}/task").glob("*/stat")]
    return {words[0] for words in said if words}


def _text(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return path.read_text()
    return ""
