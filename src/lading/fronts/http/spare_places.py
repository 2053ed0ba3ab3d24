"""Connections whose place another may have where there is no other: nothing is being done on them.

    idle        between two requests: at any moment
    unserved    on the way to a request, in a handshake or a head; or past the last one, lingering: after a while

Clients take a moment to say what they want; who takes longer than `patience_seconds` may lose the place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class SparePlaces(Generic[C]):
    """Who they are, in the order in which they became so.

    Without a lock, which every request would take several times: each change is one step of a dict, and whoever takes a
    connection out of it has it alone.
    """

    def __init__(self, patience_seconds: float, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, of whatever beginning."""
        self._patience, self._clock = patience_seconds, clock
        self._idle: dict[C, bool] = {}  # True for all
        self._unserved: dict[C, float] = {}  # since when

    @property
    def idle(self) -> list[C]:
        """Those between two requests."""
        return list(self._idle)

    def __len__(self) -> int:
        return len(self._idle) + len(self._unserved)

    def rests(self, connection: C) -> None:
        """It is idle from now on."""
        self._unserved.pop(connection, None)
        self._idle[connection] = True

    def stirs(self, connection: C) -> bool:
        """Something came; False where it has lost its place meanwhile."""
        here = self._idle.pop(connection, False)
        if here:
            self._unserved[connection] = self._clock()
        return here

    def arrives(self, connection: C) -> None:
        """It is unserved from now on."""
        self._unserved[connection] = self._clock()

    def is_served(self, connection: C) -> bool:
        """It is at work from now on; False where it has lost its place meanwhile."""
        return self._unserved.pop(connection, None) is not None

    def ends(self, connection: C) -> None:
        """It has gone."""
        self._idle.pop(connection, False)
        self._unserved.pop(connection, None)

    def take_idle(self, fits: Callable[[C], bool]) -> C | None:
        """The longest idle that fits; nobody else will end it."""
        return next((each for each in list(self._idle) if fits(each) and self._idle.pop(each, False)), None)

    def take_unserved(self, fits: Callable[[C], bool]) -> C | None:
        """The one that has been unserved longest, and long enough, among those that fit; nobody else will end it."""
        latest = self._clock() - self._patience
        for each in list(self._unserved):
            since = self._unserved.get(each)
            if since is not None and since > latest:
                return None
            if since is not None and fits(each) and self._unserved.pop(each, None) is not None:
                return each
        return None
