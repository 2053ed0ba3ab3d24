"""Our registry in a process of its own, and strace that breaks one system call of it: the n-th of its kind in a thread.

kill        the process ends as it enters the call, without a word
ENOSPC      the call fails, as on a full disk
"""

from __future__ import annotations

import contextlib
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fakes.children import Child
from tests.peers import programs

SYNC, RENAME, UNLINK = "fsync,fdatasync", "rename,renameat,renameat2", "unlink,unlinkat"
WRITE, ANSWER = "pwrite64,write,ftruncate,fallocate", "sendto,sendmsg,writev"
WRITE_POINTS = (SYNC, RENAME, UNLINK, WRITE, ANSWER)
"""Everything by which a push leaves a trace on disk, and the answers that acknowledge it."""

ATTACH_SECONDS = 60.0


@contextlib.contextmanager
def registry(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port, over a data folder; it may have ended by itself when the block ends."""
    child = Child(
        [sys.executable, "-m", "tests.faults.registry_child", str(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdin
    assert child.stdout
    with child.stdin, child.stdout:
        try:
            yield child, int(child.stdout.readline())
        finally:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            end(child)


def collector(folder: Path, day_seconds: float) -> subprocess.Popen[str]:
    """A process that collects garbage, once it is told a line; leases last so long."""
    command = [sys.executable, "-m", "tests.faults.collecting_child", str(folder), str(day_seconds)]
    return Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def broken(
    child: subprocess.Popen[str] | subprocess.Popen[bytes], calls: str, inject: str
) -> Iterator[Callable[[], None]]:
    """These system calls of the process are broken as strace's `inject` says, until the block ends or what it gives is
    called: each of its threads has a count of its own."""
    program = programs.find("strace")
    assert program, "strace is not installed"
    command = [program, "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{inject}"]
    tracer = Child([*command, "-p", str(child.pid)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr
    with tracer.stderr:
        try:
            ready, _, _ = select.select([tracer.stderr], [], [], ATTACH_SECONDS)
            assert ready, "strace does not attach"
            line = tracer.stderr.readline()
            assert "attached" in line, line
            yield lambda: _detach(tracer)
        finally:
            _detach(tracer)


def _detach(tracer: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        tracer.send_signal(signal.SIGINT)
    end(tracer)


def end(process: subprocess.Popen[str]) -> None:
    """Wait for it; one that does not end is killed."""
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
