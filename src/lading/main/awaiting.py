"""A start that waits: where the database or the object store is away, it is tried again until it can be had.

    looked, opened ──Unavailable──▶ told, a pause ──▶ looked, opened …
       │       │                        └ cancelled: raised at once
       │       ├─ any other error: raised
       │       └─▶ at work
       └─ cancelled: raised at once, though no packet returns for long

A wrong password or a missing bucket is there tomorrow as well; what goes away later is met by who needs it then.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from queue import SimpleQueue
from typing import TypeVar

from lading.backends.machine.readiness import tell_waiting
from lading.errors import Unavailable
from lading.wire.message import Cancel

log = logging.getLogger("lading.serve")

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 5.0

T = TypeVar("T")


@contextmanager
def awaited(
    looked: Callable[[], object],
    opened: Callable[[], AbstractContextManager[T]],
    told: Callable[[Unavailable], object],
    cancel: Cancel,
) -> Iterator[T]:
    """What `opened` gives, once all that it stands on can be had; `told` hears of each time that it could not. `looked`
    raises where that is so, and keeps nothing open: nobody waits for it who is to end. Raises what both raise, and
    Cancelled."""
    with ExitStack() as stack:
        yield _entered(stack, looked, opened, told, cancel)


def _entered(
    stack: ExitStack,
    looked: Callable[[], object],
    opened: Callable[[], AbstractContextManager[T]],
    told: Callable[[Unavailable], object],
    cancel: Cancel,
) -> T:
    pause = FIRST_PAUSE_SECONDS
    while True:
        cancel.check()
        try:
            _apart(looked, cancel)
            return stack.enter_context(opened())
        except Unavailable as error:
            why = f": {error.why}" if error.why else ""
            log.warning("the start waits, and tries again in %g s: %s%s", pause, str(error), why)
            told(error)
        tell_waiting(os.environ, pause)
        cancel.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _apart(looked: Callable[[], object], cancel: Cancel) -> None:
    """On a thread that is left behind where `cancel` comes first: nothing else ends a connect to where packets are
    dropped, or the look-up of a name that nobody answers."""
    answers = SimpleQueue[Exception | None]()

    def look() -> None:
        try:
            looked()
        except Exception as error:  # noqa: BLE001  whatever it is: it is raised over there
            answers.put(error)
        else:
            answers.put(None)

    with cancel.closing(lambda: answers.put(None)):
        threading.Thread(target=look, name="look before the start", daemon=True).start()
        failure = answers.get()
    cancel.check()
    if failure is not None:
        raise failure
