"""Which environments do not answer: each is asked now and then, when somebody wants to know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from lading.engine.together import each
from lading.errors import LadingError
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.records import EnvironmentRow
from lading.services.hub.hub import AgentAway, Hub
from lading.wire.message import Cancel

STANDS_SECONDS = 60.0
"""How long an answer, or none, stands."""

ANSWER_SECONDS = 2.0
"""How long one may take to answer."""

LANES = 16
"""How many are asked at a time."""


class OpenCancel(Protocol):
    """Makes Cancels that end by themselves."""

    def __call__(self, seconds: float | None = None) -> AbstractContextManager[Cancel]:
        """Over after so many seconds, or when the block is."""


class Reachability:
    """For any number of threads: one asks, and the others take what was found last."""

    def __init__(
        self, environments: Environments, hub: Hub, cancellation: OpenCancel, steady: Callable[[], float]
    ) -> None:
        """`steady` tells seconds that never go back."""
        self._environments, self._hub, self._cancellation, self._steady = environments, hub, cancellation, steady
        self._lock = threading.Lock()
        self._asking = False
        self._asked: float | None = None
        self._found: Mapping[int, LadingError] = {}

    def failures(self) -> Mapping[int, LadingError]:
        """By the environment's id, why it does not answer; our own engine always does. Raises StorageFailed."""
        with self._lock:
            fresh = self._asked is not None and self._steady() - self._asked < STANDS_SECONDS
            if fresh or self._asking:
                return self._found
            self._asking = True
        try:
            found = self._look()
            with self._lock:
                self._found, self._asked = found, self._steady()
        finally:
            with self._lock:
                self._asking = False
        return found

    def _look(self) -> Mapping[int, LadingError]:
        rows = [row for row in self._environments.rows() if row.connection_type is not ConnectionType.EMBEDDED]
        found = each(rows, self._ask, LANES, lambda: None)
        return {row.id: error for row, error in zip(rows, found, strict=True) if error is not None}

    def _ask(self, row: EnvironmentRow) -> LadingError | None:
        if row.connection_type is ConnectionType.HAWSER_EDGE:
            return None if self._hub.presence(row.id) else AgentAway(row.id)
        try:
            with self._cancellation(ANSWER_SECONDS) as cancel:
                self._environments.unguarded(row.id).ping(cancel)
        except LadingError as error:
            return error
        return None
