"""Registries that want to be left alone for a while: what one of us is told, all keep to.

    a registry says when to come again     it is held here from that moment, for every thread
    held for longer than was known         the other processes are told (services.registries.shared_holds)
    about to ask                           what they told meanwhile is heard first
    over                                   when the registry said, not before: whoever was stopped or begun meanwhile

Who keeps holds to itself, as a command does, tells and hears nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class Hold:
    """Nobody asks `host`, a host[:port], anything for so many seconds from now; `reason` goes on "… s for"."""

    host: str
    seconds: float
    reason: str


class Others(Protocol):
    """The processes beside this one. For any thread; never raises."""

    def tell(self, hold: Hold) -> None:
        """One that begins now. Perhaps waits for the database."""

    def hear(self, keep: Callable[[Hold], object]) -> None:
        """`keep` what they told since this was asked last, before anybody else goes on."""


class _NoOthers:
    """Fulfils Others for a process that has nobody beside it."""

    def tell(self, hold: Hold) -> None:
        """It is known here."""

    def hear(self, keep: Callable[[Hold], object]) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Until when, by the clock of this process, and no longer than `seconds`: clocks jump."""

    until: float
    seconds: float
    reason: str

    def left(self, now: float) -> float:
        return max(0.0, min(self.until - now, self.seconds))


class RegistryHolds:
    """For any number of threads. `clock` tells seconds."""

    def __init__(self, clock: Callable[[], float], others: Others | None = None) -> None:
        self._clock, self._others = clock, others or _NoOthers()
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def hold(self, hold: Hold) -> bool:
        """Whether it is longer than what was known. Never raises."""
        longer = self._keep(hold)
        if longer:
            self._others.tell(hold)
        return longer

    def wait(self, host: str, cancel: Cancel, told: Callable[[Hold], None]) -> None:
        """Until `host` may be asked; `told` hears what is waited for. Raises Cancelled alone."""
        waited = 0.0
        while (held := self._standing(host)) is not None and held.until > waited:  # longer than it was: go on waiting
            told(Hold(host, held.left(self._clock()), held.reason))
            cancel.wait(held.left(self._clock()))
            waited = held.until

    def of(self, host: str) -> Hold | None:
        """What is left of its hold; None where it may be asked. Never raises."""
        held = self._standing(host)
        return None if held is None else Hold(host, held.left(self._clock()), held.reason)

    def all(self) -> Sequence[Hold]:
        """Those that are not over, with the seconds that they have left, by their hosts. Never raises."""
        self._others.hear(self._keep)
        now = self._clock()
        with self._lock:
            held = sorted(self._held.items())
        left = [Hold(host, each.left(now), each.reason) for host, each in held]
        return [hold for hold in left if hold.seconds > 0]

    def _standing(self, host: str) -> _Held | None:
        self._others.hear(self._keep)
        held = self._held.get(host)
        return held if held is not None and held.left(self._clock()) > 0 else None

    def _keep(self, hold: Hold) -> bool:
        now = self._clock()
        until = now + hold.seconds
        with self._lock:
            known = self._held.get(hold.host)
            if hold.seconds <= 0 or (known is not None and until <= known.until):
                return False
            standing = {host: held for host, held in self._held.items() if held.until > now}
            self._held = standing | {hold.host: _Held(until, hold.seconds, hold.reason)}
            return True
