"""For whom requests are at work: a bound on strangers, and on each client that a proxy brings among others.

The application says who asks once it knows, before it reads a body; until then, and while a client is slow to say what
it wants, its place may be taken (spare_places). So whoever is known finds room: strangers have half of it at most.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from lading.fronts.http.limits import Limits
from lading.wire.http_framing import RequestRefused


class Guests:
    """For any number of threads. `is_proxy` is as Occupancy has it: who comes from there is nobody in particular."""

    def __init__(self, limits: Limits, is_proxy: Callable[[str], bool]) -> None:
        self._limits, self._is_proxy = limits, is_proxy
        self._lock = threading.Lock()
        self._by_address: Counter[str] = Counter()
        self._strangers = 0

    def bounds(self, peer: str, address: str, known: bool) -> bool:
        """Whether there is any bound on such a request, of `address`, on a connection of `peer`: on most there is none,
        and those need not queue to be counted."""
        return not known or self._is_brought(peer, address)

    def enter(self, peer: str, address: str, known: bool) -> None:
        """One more that has a bound is at work. Raises RequestRefused (503)."""
        with self._lock:
            if not known and self._strangers >= self._limits.strangers:
                raise RequestRefused(503, "too many are here without a login")
            brought = self._is_brought(peer, address)
            if brought and self._by_address[address] >= self._limits.per_client:
                raise RequestRefused(503, "too many requests of this client are at work")
            self._by_address[address] += 1
            self._strangers += not known

    def leave(self, address: str, known: bool) -> None:
        """One that entered is over."""
        with self._lock:
            self._strangers -= not known
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def _is_brought(self, peer: str, address: str) -> bool:
        return peer != address and not self._is_proxy(address)

    def visit(self, peer: str) -> GuestVisit:
        """For one request on a connection of `peer`."""
        return GuestVisit(self, peer)


class GuestVisit:
    """One request's time among the guests: from when the application says who asks, if it does, to its end."""

    __slots__ = ("_entered", "_guests", "_peer")

    def __init__(self, guests: Guests, peer: str) -> None:
        self._guests, self._peer = guests, peer
        self._entered: tuple[str, bool] | None = None

    def let_in(self, address: str, known: bool) -> None:
        """As IncomingRequest has it; counts once. Raises RequestRefused (503)."""
        if self._entered is None and self._guests.bounds(self._peer, address, known):
            self._guests.enter(self._peer, address, known)
            self._entered = address, known

    def close(self) -> None:
        """The request is over."""
        if self._entered is not None:
            self._guests.leave(*self._entered)
            self._entered = None
