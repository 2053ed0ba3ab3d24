"""How many connections a server has, in all and from each address, and whether one more may come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from lading.fronts.http.limits import Limits


class Occupancy:
    """Counts; not for several threads at once. A proxy that we trust brings everybody's connections, so its address
    says nothing of how many one client has: `is_proxy` tells which address is one."""

    def __init__(self, limits: Limits, is_proxy: Callable[[str], bool]) -> None:
        self._limits, self._is_proxy = limits, is_proxy
        self._counts: Counter[str] = Counter()
        self._all = 0

    def has_room(self, address: str) -> bool:
        """For one more from there."""
        return self._all < self._limits.connections and not self.is_full(address)

    def is_full(self, address: str) -> bool:
        """Whether this address has all that one may have, whatever room there is in all."""
        return self._counts[address] >= self._limits.per_address and not self._is_proxy(address)

    def enter(self, address: str) -> None:
        """One more."""
        self._counts[address] += 1
        self._all += 1

    def leave(self, address: str) -> None:
        """One that entered has gone."""
        self._all -= 1
        if self._counts[address] > 1:
            self._counts[address] -= 1
        else:
            del self._counts[address]


def no_proxy(_address: str) -> bool:
    """Nobody brings others' connections."""
    return False
