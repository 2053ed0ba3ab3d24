"""Names lent to pushes: one question about a name at a time, and none that holds up another name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from lading.backends.docker_client.naming import NameInUse, Names
from lading.errors import Unreachable
from lading.oci.reference import Reference

BOUND_SECONDS = 30
ONE, OTHER = Reference.parse("reg.test/one:1"), Reference.parse("reg.test/other:1")


class Daemon:
    """Answers how a name was given, and taken away again."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def give(self, image: str) -> Callable[[], Callable[[], None] | None]:
        def given() -> Callable[[], None]:
            self.said.append(f"+{image}")
            return lambda: self.said.append(f"-{image}")

        return given


def test_a_slow_question_about_one_name_holds_up_no_other() -> None:
    names, daemon = Names(), Daemon()
    asked, answer = threading.Event(), threading.Event()

    def slow() -> None:
        asked.set()
        assert answer.wait(BOUND_SECONDS)

    def push() -> None:
        with names.lent(ONE, "a", slow):
            pass

    slowly = threading.Thread(target=push)
    slowly.start()
    assert asked.wait(BOUND_SECONDS)
    with names.lent(OTHER, "b", daemon.give("b")):
        assert daemon.said == ["+b"]
    assert daemon.said == ["+b", "-b"]
    answer.set()
    slowly.join(BOUND_SECONDS)


def test_a_name_is_given_once_for_all_who_use_it_and_taken_away_by_the_last() -> None:
    names, daemon = Names(), Daemon()
    inside = threading.Barrier(4)

    def push() -> None:
        with names.lent(ONE, "a", daemon.give("a")):
            inside.wait(BOUND_SECONDS)

    pushes = [threading.Thread(target=push) for _ in range(4)]
    for each in pushes:
        each.start()
    for each in pushes:
        each.join(BOUND_SECONDS)

    assert daemon.said == ["+a", "-a"]


def test_who_comes_while_a_name_is_taken_away_is_given_it_anew() -> None:
    names, daemon = Names(), Daemon()
    taking, go = threading.Event(), threading.Event()

    def slowly_undone() -> Callable[[], None]:
        def undo() -> None:
            taking.set()
            assert go.wait(BOUND_SECONDS)
            daemon.said.append("-a")

        return undo

    def push() -> None:
        with names.lent(ONE, "a", slowly_undone):
            pass

    def push_another() -> None:
        with names.lent(ONE, "b", daemon.give("b")):
            pass

    first, second = threading.Thread(target=push), threading.Thread(target=push_another)
    first.start()
    assert taking.wait(BOUND_SECONDS)
    second.start()
    go.set()
    for each in (first, second):
        each.join(BOUND_SECONDS)

    assert daemon.said == ["-a", "+b", "-b"]


def test_a_name_in_use_is_not_given_to_another_image_and_stays_where_a_push_worked() -> None:
    names, daemon = Names(), Daemon()
    with names.lent(ONE, "a", daemon.give("a")) as lent:
        with pytest.raises(NameInUse), names.lent(ONE, "b", daemon.give("b")):
            pass
        lent.keep()
    with names.lent(ONE, "b", daemon.give("b")):
        pass

    assert daemon.said == ["+a", "+b", "-b"]


def test_a_question_that_fails_leaves_nothing_behind() -> None:
    names, daemon = Names(), Daemon()

    def fails() -> None:
        raise Unreachable("dock")

    with ExitStack() as stack, pytest.raises(Unreachable):
        stack.enter_context(names.lent(ONE, "a", fails))
    with names.lent(ONE, "b", daemon.give("b")):
        assert daemon.said == ["+b"]
