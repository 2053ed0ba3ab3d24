"""Several pieces of work at once, each on a thread that has an owner and an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from lading.errors import Cancelled, TimedOut

T = TypeVar("T")
R = TypeVar("R")


def together(works: Sequence[Callable[[], None]], stop: Callable[[], None], name: str) -> None:
    """Run all of these and return when every one has ended; one of them runs here.

    A work that raises calls `stop`, which must make the others end. The first real error is then raised here, not the
    Cancelled that follows from it elsewhere.
    """
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried to the owner's thread and raised there
            errors.append(error)
            stop()

    threads: list[threading.Thread] = []
    try:
        for number, work in enumerate(works[1:], 1):
            thread = threading.Thread(target=run, args=[work], name=f"{name} {number}")
            thread.start()
            threads.append(thread)
        if works:
            run(works[0])
    except BaseException:
        stop()
        raise
    finally:
        _join(threads, stop)
    if errors:
        raise next((error for error in errors if not isinstance(error, Cancelled | TimedOut)), errors[0])


def _join(threads: Iterable[threading.Thread], stop: Callable[[], None]) -> None:
    """Wait for all, even when their owner is interrupted while it waits."""
    for thread in threads:
        try:
            thread.join()
        except BaseException:
            stop()
            thread.join()
            raise


class Awaited(Generic[T]):
    """A value that one thread makes while others go on, and that they wait for in the end."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._made: list[T] = []

    def keep(self, make: Callable[[], T]) -> None:
        """Make it here and now; whoever waits goes on even when this raises."""
        try:
            self._made.append(make())
        finally:
            self._ready.set()

    def get(self) -> T:
        """Waits. Raises Cancelled where it could not be made: the error is its maker's to raise."""
        self._ready.wait()
        if not self._made:
            raise Cancelled
        return self._made[0]


def each(items: Sequence[T], ask: Callable[[T], R], lanes: int, stop: Callable[[], None]) -> list[R]:
    """`ask` of every item, at most `lanes` at a time, answers in the items' order. Raises the first error."""
    answers: dict[int, R] = {}
    waiting = iter(range(len(items)))
    lock = threading.Lock()

    def lane() -> None:
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            answers[number] = ask(items[number])

    together([lane] * min(lanes, len(items)), stop, "ask")
    return [answers[number] for number in range(len(items))]
