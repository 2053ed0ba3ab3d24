"""Bars on a real terminal of a given size, from their first line to the last."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios

import pytest

from tests.fakes.children import Child
from tests.fakes.screen import Screen

PROGRAM = """
import fcntl, signal, sys, termios, threading, time
from lading.fronts.cli.progress.bars import Bars
from lading.wire.progress import Advanced, Noted, Piece, Planned, State

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
stopped = threading.Event()
signal.signal(signal.SIGINT, lambda *_: stopped.set())
bars = Bars(sys.stderr, time.monotonic, False)
bars.report(Noted("t", "all of them move"))
ids = [f"{number:02}" * 6 for number in range(12)]
bars.report(Planned("t", tuple(Piece(each, size=10_000_000) for each in ids)))
for each in ids:
    bars.report(Advanced("t", each, State.MOVING, 1_000_000))
stopped.wait()
bars.close()
print("error: cancelled", file=sys.stderr)
"""


def interrupted(width: int, height: int) -> str:
    """All that is written on a terminal of this size when Ctrl-C is pressed while bars stand there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    child = Child(
        [sys.executable, "-c", PROGRAM],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=environment,
    )
    os.close(theirs)
    written = b""
    while b"total" not in written:
        written += os.read(ours, 65536)
    os.write(ours, b"\x03")
    while part := _read(ours):
        written += part
    os.close(ours)
    assert child.wait() == 0
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # as Linux says that nobody is on the other side any more
        return b""


@pytest.mark.parametrize(("width", "height"), [(40, 8), (80, 24), (200, 50), (30, 3)])
def test_bars_leave_nothing_behind_when_they_are_interrupted(width: int, height: int) -> None:
    screen = Screen(width, height)

    screen.feed(interrupted(width, height))

    assert screen.shown == ["t: all of them move", "error: cancelled"]
