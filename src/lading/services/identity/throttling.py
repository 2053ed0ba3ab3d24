"""How often somebody may try to log in.

Failures count for an account as tried from one address, and for the address whatever the account: whoever guesses is
slowed down, and the account's owner, who is somewhere else, is not. An address of IPv6 counts as its /64, which is what
one customer has to choose from.

    a few failures are free ─▶ then each doubles the pause, up to a quarter of an hour ─▶ forgotten after a quiet hour

An attempt counts as failed from its begin until it is known to have succeeded, so that many at once gain nothing.
Memory is bounded: the key that was quiet the longest goes first. It is that of one process; what several tell each
other is in shared_throttling.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from lading.errors import Refused

LONGEST_PAUSE = 15 * 60.0
FORGET_SECONDS = 60 * 60.0
FREE_FOR_ACCOUNT = 5
"""Failures of one account from one address before there are pauses."""

FREE_FOR_ADDRESS = 30
"""Failures from one address for any account: many people may be behind one."""

MOST_KEYS = 10_000


class TooManyAttempts(Refused):
    """There were so many wrong logins that the next must wait `seconds`."""

    code = "throttled"

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.hint = f"Try again in {max(1, round(seconds))} seconds."

    def __str__(self) -> str:
        return "too many failed logins"


@dataclass(frozen=True, slots=True)
class Failures:
    """How often in a row it went wrong, and when last, in seconds."""

    count: int = 0
    last: float = 0.0


def pause_left(failures: Failures, free: int, now: float) -> float:
    """Seconds until the next attempt; 0 where it may be made."""
    if failures.count < free:
        return 0.0
    pause = min(2.0 ** min(failures.count - free, 20), LONGEST_PAUSE)
    return max(0.0, failures.last + pause - now)


def one_more(failures: Failures, now: float) -> Failures:
    """After a further failure; those of long ago are forgotten."""
    return Failures(1 if now - failures.last > FORGET_SECONDS else failures.count + 1, now)


def place_of(address: str) -> str:
    """What one client can choose its address from: itself, or its /64."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


class Throttle:
    """For any number of threads. `clock` tells seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts = _Bounded()
        self._addresses = _Bounded()

    def begin(self, account: str, address: str) -> None:
        """An attempt, which counts as failed until `succeeded` or `undone`. Raises TooManyAttempts."""
        place = place_of(address)
        with self._lock:
            now = self._clock()
            pair, whole = self._accounts.of((account, place)), self._addresses.of(place)
            wait = max(pause_left(pair, FREE_FOR_ACCOUNT, now), pause_left(whole, FREE_FOR_ADDRESS, now))
            if not wait:
                self._accounts.put((account, place), one_more(pair, now))
                self._addresses.put(place, one_more(whole, now))
        if wait:
            raise TooManyAttempts(wait)

    def succeeded(self, account: str, address: str) -> bool:
        """The account's failures from there are forgotten; whether there were any before this attempt. The address's
        others stay: else an attacker's own account would clear them."""
        with self._lock:
            before = self._accounts.of((account, place_of(address))).count > 1
            self._accounts.drop((account, place_of(address)))
            self._addresses.less(place_of(address))
        return before

    def count(self, account: str, address: str) -> None:
        """An attempt failed that was not begun here."""
        place = place_of(address)
        with self._lock:
            now = self._clock()
            self._accounts.put((account, place), one_more(self._accounts.of((account, place)), now))
            self._addresses.put(place, one_more(self._addresses.of(place), now))

    def forget(self, account: str, address: str) -> None:
        """One succeeded that was not begun here."""
        with self._lock:
            self._accounts.drop((account, place_of(address)))

    def undone(self, account: str, address: str) -> None:
        """It was neither right nor wrong: it could not be checked."""
        with self._lock:
            self._accounts.less((account, place_of(address)))
            self._addresses.less(place_of(address))


class _Bounded:
    """Failures by key; the key that was quiet the longest goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Failures] = OrderedDict()

    def of(self, key: Hashable) -> Failures:
        return self._kept.get(key, Failures())

    def put(self, key: Hashable, failures: Failures) -> None:
        self._kept[key] = failures
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEYS:
            self._kept.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        self._kept.pop(key, None)

    def less(self, key: Hashable) -> None:
        found = self.of(key)
        if found.count > 1:
            self._kept[key] = Failures(found.count - 1, found.last)
        else:
            self.drop(key)


class Seldom:
    """Says yes to each key once in `every` seconds; for records that a client could otherwise multiply at will."""

    def __init__(self, clock: Callable[[], float], every: float) -> None:
        self._clock, self._every = clock, every
        self._lock = threading.Lock()
        self._last: OrderedDict[Hashable, float] = OrderedDict()

    def now(self, key: Hashable) -> bool:
        """Whether it is time again for this key. Mostly it is not, and that is said without the lock."""
        last = self._last.get(key)
        if last is not None and self._clock() - last < self._every:
            return False
        with self._lock:
            now = self._clock()
            last = self._last.get(key)
            if last is not None and now - last < self._every:
                return False
            self._last[key] = now
            self._last.move_to_end(key)
            if len(self._last) > MOST_KEYS:
                self._last.popitem(last=False)
            return True
