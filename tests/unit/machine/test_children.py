"""Processes beside this one: begun together, told, ended, begun again, and never left alone. The children are real;
what they say comes by a pipe that they inherit, whose end says that nobody holds it any more."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from lading.backends.machine.children import AWAY, ChildAway, ChildFailed, Children
from lading.errors import Unavailable

PATIENCE_SECONDS = 30.0

CHILD = (
    f"AWAY = {AWAY}"
    + """
import os, socket, sys, threading
from lading.backends.machine.parent import Parent
parent = Parent(socket.socket(fileno=0))
pipe, manner = parent.begins_with().decode().split()
say = lambda text: os.write(int(pipe), f"{text} {os.getpid()}\\n".encode())
if manner == "fails" or manner == "fails-again" and os.path.exists(sys.argv[1]):
    sys.exit(3)
if manner == "away":
    sys.exit(AWAY)
open(sys.argv[1], "w").close()
stopped = threading.Event()
stop = (lambda: say("deaf")) if manner == "deaf" else stopped.set
parent.at_work({b"s": stop, b"w": lambda: say("told")})
say("works")
stopped.wait()
say("ends")
"""
)

PARENT = """
import sys
from lading.backends.machine.children import Children
children = Children("test", sys.argv[2:], 2, begins_with=f"{sys.argv[1]} good".encode(), inherited=[int(sys.argv[1])])
children.begin()
input()
"""


class Pipe:
    """What children say, a line each: a word, and who."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self._received = b""

    def line(self) -> tuple[str, int] | None:
        """The next; None where nobody is left who could say anything. This process must have let go of it first."""
        while b"\n" not in self._received:
            ready, _, _ = select.select([self.reading], [], [], PATIENCE_SECONDS)
            assert ready, "nobody says anything"
            piece = os.read(self.reading, 1000)
            if not piece:
                return None
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        word, _, process = line.decode().partition(" ")
        return word, int(process)

    def lines(self, word: str, number: int) -> set[int]:
        """Who says this word, `number` of them, and nothing else in between."""
        said = [self.line() for _ in range(number)]
        assert {each and each[0] for each in said} == {word}
        return {each[1] for each in said if each}

    def let_go(self) -> None:
        """Only children hold its other end from now on."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.let_go()
    os.close(made.reading)


@pytest.fixture
def command(tmp_path: os.PathLike[str]) -> list[str]:
    """The last word is a file that is there once one of them worked."""
    return [sys.executable, "-P", "-c", CHILD, f"{tmp_path}/worked"]


@contextmanager
def begun(
    command: list[str], pipe: Pipe, manner: str = "good", number: int = 2, seconds: float = 30
) -> Iterator[Children]:
    told = f"{pipe.writing} {manner}".encode()
    children = Children("test", command, number, begins_with=told, inherited=[pipe.writing])
    children.begin()
    try:
        yield children
    finally:
        children.stop(seconds)


def test_all_are_at_work_once_begun_and_end_when_told(command: list[str], pipe: Pipe) -> None:
    with begun(command, pipe) as children:
        assert list(children.running) == [1, 2]
        at_work = pipe.lines("works", 2)
        assert at_work == set(children.running.values())

    assert pipe.lines("ends", 2) == at_work
    assert not children.running
    assert children.begun_again == 0


def test_a_word_reaches_all(command: list[str], pipe: Pipe) -> None:
    with begun(command, pipe) as children:
        at_work = pipe.lines("works", 2)
        children.tell(b"w")
        assert pipe.lines("told", 2) == at_work


def test_who_does_not_end_in_time_is_cut_off(command: list[str], pipe: Pipe, caplog: pytest.LogCaptureFixture) -> None:
    with begun(command, pipe, "deaf", seconds=0.2):
        pipe.lines("works", 2)
    pipe.let_go()

    while (line := pipe.line()) is not None:
        assert line[0] == "deaf"
    assert "2 test processes did not stop in time, and are cut off" in caplog.messages


def test_one_that_was_killed_gets_a_successor_and_the_other_works_on(
    command: list[str], pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    with begun(command, pipe) as children:
        first, second = sorted(pipe.lines("works", 2))
        os.kill(first, signal.SIGKILL)
        successor = pipe.lines("works", 1)
        assert set(children.running.values()) == {second, *successor}
        assert children.begun_again == 1
        assert caplog.messages == ["a test process ended with signal 9; another begins now"]

    assert pipe.lines("ends", 2) == {second, *successor}


def test_who_fails_again_and_again_is_begun_ever_later(
    command: list[str], pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    with begun(command, pipe, "fails-again", number=1) as children:
        (first,) = pipe.lines("works", 1)
        os.kill(first, signal.SIGKILL)
        pipe.let_go()
        while children.begun_again < 3:
            select.select([], [], [], 0.01)

    assert [message.partition("; ")[2] for message in caplog.messages] == [
        "another begins now",
        "another begins in 0.5 s",
        "another begins in 1 s",
    ]


@pytest.mark.parametrize("broken", ["fails", "no command"])
def test_where_one_cannot_begin_nobody_is_left(command: list[str], pipe: Pipe, broken: str) -> None:
    wanted = command if broken == "fails" else ["/nonexistent/command"]
    children = Children("test", wanted, 2, begins_with=f"{pipe.writing} fails".encode(), inherited=[pipe.writing])

    with pytest.raises(ChildFailed) as refused:
        children.begin()

    assert refused.value.status == (3 if broken == "fails" else 127)
    assert not children.running
    pipe.let_go()
    assert pipe.line() is None


def test_one_that_cannot_begin_for_now_is_no_defect(command: list[str], pipe: Pipe) -> None:
    """Whoever begins them may try again."""
    told = f"{pipe.writing} away".encode()
    children = Children("test", command, 2, begins_with=told, inherited=[pipe.writing])

    with pytest.raises(ChildAway) as away:
        children.begin()

    assert isinstance(away.value, Unavailable)
    assert away.value.code == "unavailable"
    assert not children.running


def test_signals_of_a_terminal_are_the_parents_affair(command: list[str], pipe: Pipe) -> None:
    with begun(command, pipe) as children:
        at_work = pipe.lines("works", 2)
        for process in at_work:
            for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                os.kill(process, each)
        children.tell(b"w")
        assert pipe.lines("told", 2) == at_work


def test_nobody_outlives_a_parent_that_was_killed(command: list[str], pipe: Pipe) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", PARENT, str(pipe.writing), *command],
        stdin=subprocess.PIPE,
        pass_fds=[pipe.writing],
    )
    pipe.let_go()
    pipe.lines("works", 2)

    parent.kill()
    parent.communicate()

    assert pipe.line() is None


def test_a_line_that_ends_is_enough_to_end_a_child(command: list[str], pipe: Pipe) -> None:
    """Where no parent-death signal is: this one's parent is the test, which lives on."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = subprocess.Popen(command, stdin=theirs.fileno(), pass_fds=[pipe.writing])
        told = f"{pipe.writing} good".encode()
        ours.sendall(len(told).to_bytes(4, "big") + told)
        assert ours.recv(1) == b"."
        pipe.lines("works", 1)
    try:
        assert child.wait(PATIENCE_SECONDS) == 70
    finally:
        with suppress(ProcessLookupError):
            child.kill()


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lading.processes")
