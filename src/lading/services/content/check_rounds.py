"""The rounds in which content is checked, on a thread of their own: a slow disk holds up no other chore."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from lading.engine.cancel import Cancellation
from lading.engine.throttle import RateLimit
from lading.errors import Cancelled, StorageFailed
from lading.services.content.check import ROUND_SECONDS, ContentCheck
from lading.services.schedules import Chore

log = logging.getLogger("lading.content")


class CheckRounds:
    """`begin` gives the rounds a thread until `stop`; the chore says when one is due, to one process of several."""

    def __init__(self, check: ContentCheck, rate: int, clock: Callable[[], float]) -> None:
        """`rate` is in bytes a second; `clock` tells seconds, never back."""
        self._check, self._limit = check, RateLimit(rate, clock)
        self._cancel = Cancellation()
        self._due = threading.Event()
        self._thread = threading.Thread(target=self._run, name="content check")

    def chores(self) -> Sequence[Chore]:
        """Returns at once; a round that still runs is the next one too."""
        return (Chore("content check", ROUND_SECONDS, self._due.set),)

    def begin(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the piece at hand is let go of."""
        self._cancel.cancel()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while self._due.wait() and not self._cancel.cancelled:
            self._due.clear()
            try:
                self._check.round(lambda count: self._limit.pass_on(count, self._cancel), self._cancel)
            except Cancelled:
                return
            except StorageFailed as error:
                log.error("content could not be checked, and is at the next round: %s", error)  # noqa: TRY400
            except Exception:
                log.exception("content could not be checked, and is at the next round")
