"""Writers of one process in front of a database that lets in one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from lading.backends.database.writer_queue import WriterQueue

WAIT_SECONDS = 30.0


def begun(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_urgent_come_before_those_who_waited_longer() -> None:
    queue, order = WriterQueue(), []
    waiting = threading.Semaphore(0)

    def ordinary() -> None:
        waiting.release()
        with queue:
            order.append("ordinary")

    def urgent() -> None:
        with queue.urgent():
            order.append("urgent")

    with queue:
        threads = [begun(ordinary) for _ in range(3)]
        for _ in threads:
            assert waiting.acquire(timeout=WAIT_SECONDS)
        threads.append(begun(urgent))
        deadline = threading.Event()
        while not queue.hurried:
            deadline.wait(0.001)
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert order == ["urgent", "ordinary", "ordinary", "ordinary"]


def test_one_writes_at_a_time() -> None:
    queue, inside, most = WriterQueue(), 0, 0

    def work(urgent: bool) -> None:
        nonlocal inside, most
        for _ in range(200):
            with queue.urgent() if urgent else queue:
                inside += 1
                most = max(most, inside)
                time.sleep(0)  # whoever gets in here as well is counted
                inside -= 1

    threads = [begun(partial(work, number % 2 == 0)) for number in range(6)]
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert most == 1


def test_a_turn_ends_with_an_error_too() -> None:
    queue = WriterQueue()
    for enter in (lambda: queue, queue.urgent):
        try:
            with enter():
                raise ValueError
        except ValueError:
            pass
    with queue:
        pass
