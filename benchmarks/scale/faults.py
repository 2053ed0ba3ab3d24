"""What goes wrong, by a schedule that a seed decides: which fault when, whom, and for how long."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from benchmarks.scale.deployment import Deployment, Supervised
from benchmarks.scale.ledger import Ledger

DECK: Mapping[str, int] = {
    "replica killed": 5,
    "replica asked to stop": 3,
    "replica frozen": 3,
    "worker killed": 5,
    "worker asked to stop": 3,
    "worker frozen": 3,
    "agent killed": 1,
    "database restarted": 2,
    "object store answers 503": 1,
    "balancer cut all connections": 2,
    "balancer killed": 1,
}
"""How often each comes in one round; a round is shuffled."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` and `lasts` are seconds, from the beginning of the storm and from the fault's own."""

    at: float
    kind: str
    lasts: float


@dataclass(frozen=True, slots=True)
class Weather:
    """`seconds` of storm with a fault every `gap` in the mean; `away` is how long the object store is; `deck` how often
    each comes in one round."""

    seconds: float
    gap: float = 12.0
    away: float = 60.0
    deck: Mapping[str, int] = field(default_factory=lambda: DECK)


def schedule(seed: int, weather: Weather) -> Sequence[Fault]:
    """The same for the same seed. None begins in the last two gaps."""
    chance, faults, at = Random(seed), list[Fault](), weather.gap
    deck: list[str] = []
    while at < weather.seconds - 2 * weather.gap:
        if not deck:
            deck = [kind for kind, count in weather.deck.items() for _ in range(count)]
            chance.shuffle(deck)
        kind = deck.pop()
        faults.append(Fault(at, kind, _lasting(kind, chance, weather)))
        at += chance.uniform(0.5, 1.5) * weather.gap
    return faults


def _lasting(kind: str, chance: Random, weather: Weather) -> float:
    if kind == "object store answers 503":
        return weather.away
    if kind.endswith("frozen"):
        return chance.choice([2.0, 8.0, 15.0, 30.0]) * min(1.0, weather.gap / 12)  # within a claim's time, and past it
    return chance.choice([0.0, 1.0, 5.0])


class FaultRunner:
    """Each fault in a thread of its own: the long ones overlap with those that follow. One replica is always left
    alone, so that somebody may answer."""

    def __init__(self, deployment: Deployment, ledger: Ledger, seed: int) -> None:
        self._at, self._ledger, self._chance = deployment, ledger, Random(seed)
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def run(self, faults: Sequence[Fault]) -> None:
        """All of them at their times. Returns when the last is over, and everything as before."""
        began = time.monotonic()
        for fault in faults:
            if self._over.wait(max(0.0, fault.at - (time.monotonic() - began))):
                break
            thread = threading.Thread(target=self._happens, args=[fault], name=fault.kind)
            thread.start()
            self._threads.append(thread)
        for thread in self._threads:
            thread.join()

    def finish(self) -> None:
        """Nothing more begins, and what lasts is over soon."""
        self._over.set()

    def _happens(self, fault: Fault) -> None:
        try:
            self._does(fault)
        except Exception as error:  # noqa: BLE001  told with the table: the storm goes on
            self._ledger.stumbled(f"{fault.kind}: {error!r}")

    def _does(self, fault: Fault) -> None:
        whom, _, what = fault.kind.partition(" ")
        if whom in {"replica", "worker", "agent"}:
            group = {"replica": self._at.replicas, "worker": self._at.workers, "agent": self._at.agents}[whom]
            with self._one_of(group, spare=whom == "replica") as victim:
                if victim is not None:
                    self._ledger.fault(fault.kind, victim.name, fault.lasts)
                    _WAYS[what](victim, fault.lasts, self._over)
            return
        with self._alone(whom) as free:
            if free:
                self._ledger.fault(fault.kind, whom, fault.lasts)
                self._elsewhere(fault)

    def _elsewhere(self, fault: Fault) -> None:
        match fault.kind:
            case "database restarted":
                self._at.postgres.stop()
                self._over.wait(fault.lasts)
                self._at.postgres.start()
            case "object store answers 503":
                self._at.store.refuse("store")
                self._over.wait(fault.lasts)
                self._at.store.admit("store")
            case "balancer cut all connections":
                self._at.balancer.cut()
            case "balancer killed":
                self._at.balancer.kill()
                self._over.wait(fault.lasts)
                self._at.balancer.start()

    @contextmanager
    def _one_of(self, group: Sequence[Supervised], *, spare: bool) -> Iterator[Supervised | None]:
        """None where all of them have enough to bear already."""
        with self._lock:
            free = [each for each in group if each.name not in self._busy]
            victim = self._chance.choice(free) if len(free) > spare else None
            if victim is not None:
                self._busy.add(victim.name)
        try:
            yield victim
        finally:
            if victim is not None:
                with self._lock:
                    self._busy.discard(victim.name)

    @contextmanager
    def _alone(self, whom: str) -> Iterator[bool]:
        with self._lock:
            free = whom not in self._busy
            self._busy.add(whom)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._busy.discard(whom)


def _ended(signal_number: int) -> Callable[[Supervised, float, threading.Event], None]:
    def end(victim: Supervised, lasts: float, over: threading.Event) -> None:
        victim.down(signal_number)
        over.wait(lasts)
        victim.up()

    return end


def _frozen(victim: Supervised, lasts: float, over: threading.Event) -> None:
    victim.freeze()
    over.wait(lasts)
    victim.thaw()


_WAYS: Mapping[str, Callable[[Supervised, float, threading.Event], None]] = {
    "killed": _ended(signal.SIGKILL),
    "asked to stop": _ended(signal.SIGTERM),
    "frozen": _frozen,
}
