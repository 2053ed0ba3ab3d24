"""The queue of threads: order, bounds, and an end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from lading.backends.job_queue.threads import ThreadQueue
from lading.main.work import JOBS_IN_ALL, job_queue
from tests.fakes.jobs import BOUND_SECONDS


class Gate:
    """Jobs that begin, are seen to, and end when they are let."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.begun: list[str] = []
        self._open: set[str] = set()

    def job(self, name: str) -> Callable[[], None]:
        def run() -> None:
            with self._changed:
                self.begun.append(name)
                self._changed.notify_all()
                assert self._changed.wait_for(lambda: name in self._open, BOUND_SECONDS)

        return run

    def open(self, *names: str) -> None:
        with self._changed:
            self._open.update(names)
            self._changed.notify_all()

    def see(self, *names: str) -> None:
        """These have begun, in any order, and no others."""
        with self._changed:
            assert self._changed.wait_for(lambda: sorted(self.begun) == sorted(names), BOUND_SECONDS), self.begun


def put(queue: ThreadQueue, gate: Gate, *names: str, environment: int | None = None) -> None:
    for name in names:
        queue.put(name, environment, gate.job(name))


def test_jobs_begin_in_order_and_so_many_at_a_time() -> None:
    queue, gate = ThreadQueue(2, 2), Gate()
    put(queue, gate, "a", "b", "c", "d")
    gate.see("a", "b")
    assert (queue.running, queue.waiting) == (2, 2)

    gate.open("b")
    gate.see("a", "b", "c")
    gate.open("a", "c", "d")
    assert queue.join(BOUND_SECONDS)
    assert gate.begun[2:] == ["c", "d"]
    assert (queue.running, queue.waiting) == (0, 0)


def test_a_full_environment_is_passed_by() -> None:
    queue, gate = ThreadQueue(3, 1), Gate()
    put(queue, gate, "a", "b", environment=1)
    put(queue, gate, "c", environment=2)
    put(queue, gate, "d")
    gate.see("a", "c", "d")

    gate.open("c", "d")
    assert queue.running >= 1
    gate.see("a", "c", "d")
    gate.open("a", "b")
    assert queue.join(BOUND_SECONDS)
    gate.see("a", "b", "c", "d")


def test_what_is_withdrawn_never_begins() -> None:
    queue, gate = ThreadQueue(1, 1), Gate()
    put(queue, gate, "a", "b")
    gate.see("a")

    assert queue.withdraw("b")
    assert not queue.withdraw("b")
    assert not queue.withdraw("a")
    gate.open("a")
    assert queue.join(BOUND_SECONDS)
    assert gate.begun == ["a"]


def test_a_closed_queue_begins_nothing_more() -> None:
    queue, gate = ThreadQueue(1, 1), Gate()
    put(queue, gate, "a", "b")
    gate.see("a")
    queue.close()
    put(queue, gate, "c")

    assert not queue.join(0)
    gate.open("a", "b", "c")
    assert queue.join(BOUND_SECONDS)
    assert gate.begun == ["a"]


def test_a_job_that_raises_frees_its_place(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise KeyError("broken")

    queue, gate = ThreadQueue(1, 1), Gate()
    with caplog.at_level(logging.ERROR, "lading.jobs"):
        queue.put("broken", None, broken)
        put(queue, gate, "a")
        gate.open("a")
        gate.see("a")
        assert queue.join(BOUND_SECONDS)

    assert "broken" in caplog.text


def test_what_the_machine_has_no_thread_for_is_begun_later() -> None:
    """No machine has memory for a stack of this size: so it gives no thread, as one that is at its bound."""
    queue, gate = ThreadQueue(2, 2), Gate()
    usual = threading.stack_size(1 << 46)
    try:
        put(queue, gate, "a", "b", "c")
    finally:
        threading.stack_size(usual)
    assert (queue.running, queue.waiting) == (0, 3)

    gate.open("a", "b", "c")
    queue.look()
    gate.see("a", "b", "c")
    assert queue.join(BOUND_SECONDS)
    assert (queue.running, queue.waiting) == (0, 0)


def test_environments_that_hang_leave_room_for_another_in_the_product() -> None:
    """Its own engine runs 200 at once; and where that one and a Docker host hang, the next one's jobs begin."""
    queue, gate, begun = job_queue(1), threading.Event(), threading.Event()

    def hang() -> None:
        assert gate.wait(BOUND_SECONDS)

    for environment in (1, 2):
        for number in range(JOBS_IN_ALL):
            queue.put(f"{environment}/{number}", environment, hang)
        if environment == 1:
            assert queue.running >= 200
    queue.put("another", 3, begun.set)

    assert begun.wait(BOUND_SECONDS)
    queue.close()
    gate.set()
    assert queue.join(BOUND_SECONDS)
