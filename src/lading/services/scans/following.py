"""What jobs brought to another process, brought here too, on a thread of its own: at once, and again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.wire.message import Cancel

LOOK_SECONDS = 60.0
"""How much later than the first process the others begin to bring it."""

AGAIN_SECONDS = 15 * 60.0
"""After it could not be brought."""

log = logging.getLogger("lading.following")


class Following:
    """`begin` gives it its thread until `stop`."""

    def __init__(self, what: str, follow: Callable[[Cancel], object]) -> None:
        """`what`, in the plural, cannot be brought where `follow` raises."""
        self._what, self._follow = what, follow
        self._cancel = Cancellation()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """From now on."""
        self._thread = threading.Thread(target=self._run, name=self._what)
        self._thread.start()

    def stop(self) -> None:
        """Returns when nothing is being brought any more; what was not whole is brought again. Harmless twice."""
        self._over.set()
        self._cancel.cancel()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        wait = 0.0
        while not self._over.wait(wait):
            wait = LOOK_SECONDS
            try:
                self._follow(self._cancel)
            except LadingError as error:
                wait = AGAIN_SECONDS
                if not self._over.is_set():
                    log.warning("%s cannot be brought here now, and are tried again: %s", self._what, error)
            except Exception:  # whatever it is, later ones are to be brought
                wait = AGAIN_SECONDS
                log.exception("%s cannot be brought here now, and are tried again", self._what)
