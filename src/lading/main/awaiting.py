"""A start that waits: where the database or the object store is away, it is tried again until it can be had.

    opened ──Unavailable──▶ told, a pause ──▶ opened …
       │                        └ cancelled: raised at once
       ├─ any other error: raised
       └─▶ at work

A wrong password or a missing bucket is there tomorrow as well; what goes away later is met by who needs it then.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from lading.backends.machine.readiness import tell_waiting
from lading.errors import Unavailable
from lading.wire.message import Cancel

log = logging.getLogger("lading.serve")

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 5.0

T = TypeVar("T")


@contextmanager
def awaited(
    opened: Callable[[], AbstractContextManager[T]], told: Callable[[Unavailable], object], cancel: Cancel
) -> Iterator[T]:
    """What `opened` gives, once all that it stands on can be had; `told` hears of each time that it could not. Raises
    what entering it raises, and Cancelled."""
    with ExitStack() as stack:
        yield _entered(stack, opened, told, cancel)


def _entered(
    stack: ExitStack,
    opened: Callable[[], AbstractContextManager[T]],
    told: Callable[[Unavailable], object],
    cancel: Cancel,
) -> T:
    pause = FIRST_PAUSE_SECONDS
    while True:
        cancel.check()
        try:
            return stack.enter_context(opened())
        except Unavailable as error:
            why = f": {error.why}" if error.why else ""
            log.warning("the start waits, and tries again in %g s: %s%s", pause, str(error), why)
            told(error)
        tell_waiting(os.environ, pause)
        cancel.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
