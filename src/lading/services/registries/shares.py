"""A limit for all processes at one database, divided among those that move layers at a registry just now.

join      a row for this process and that registry, before the first layer moves; the others are woken
beat      every BEAT_SECONDS the rows of where layers still move stand for another GONE_SECONDS, the others go
woken     who moves layers there is read again
silence   while the database does not answer each process does as if it were one of very many
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.errors import LadingError

TOPIC = "registry shares"
"""Of the wake-ups that tell that somebody began or stopped (services.wakes)."""

BEAT_SECONDS = 5.0

GONE_SECONDS = 20.0
"""Whose last sign is older than this, moves nothing any more: it died."""

log = logging.getLogger("lading.registries")


class ShareRecords(Protocol):
    """Who moves layers where, by one clock for all. Every method may raise StorageFailed."""

    def move(self, process: str, hosts: Collection[str], seconds: float) -> Mapping[str, Sequence[str]]:
        """This process moves layers at these hosts for so many seconds more, and at no others. Returns `movers`."""

    def movers(self, hosts: Collection[str]) -> Mapping[str, Sequence[str]]:
        """For each of these hosts where anybody does, who, in order."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of so many; who is counts from 0."""

    number: int
    among: int

    def share(self, limit: int) -> int:
        """Its part: what cannot be divided goes to the first, and nobody has less than 1."""
        return max(1, limit // self.among + (1 if self.number < limit % self.among else 0))


class SharedLimit:
    """Fulfils services.registries.lanes.Shares. `begin` gives it its thread until `stop`; `beat` and `look` do the same
    once."""

    def __init__(
        self,
        limit: int,
        process: str,
        records: ShareRecords,
        tell: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`process` names this one among all, `tell` wakes the others, `clock` never goes back."""
        self._limit, self._process, self._records, self._tell = limit, process, records, tell
        self._clock = clock
        self._asking, self._failing = threading.Lock(), False
        self._places: Mapping[str, Place] = {}
        self._news, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, used: Callable[[], Collection[str]], changed: Callable[[], None]) -> None:
        """From now on; `used` says where layers move, `changed` is called when shares may be others."""
        self._thread = threading.Thread(target=self._run, args=(used, changed), name="registry shares")
        self._thread.start()

    def stop(self) -> None:
        """Leaves its shares to the others. Harmless twice."""
        self._over.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self.beat(())

    def join(self, host: str) -> None:
        if host not in self._places and not self._failing:
            with self._asking:
                if host not in self._places and not self._failing:
                    self._move({*self._places, host})

    def of(self, host: str) -> int:
        place = self._places.get(host)
        return 1 if place is None else place.share(self._limit)

    def woken(self, topic: str | None) -> None:
        """Somebody else may have begun or stopped. Returns at once."""
        if topic in {None, TOPIC}:
            self._news.set()

    def beat(self, used: Collection[str]) -> None:
        """Say where layers move, if they do or did."""
        with self._asking:
            if used or self._places:
                self._move(used)

    def look(self) -> None:
        """Who moves layers where we do, read again."""
        with self._asking:
            if self._places:
                hosts = tuple(self._places)
                self._placed(lambda: self._records.movers(hosts))

    def _move(self, hosts: Collection[str]) -> None:
        before = set(self._places)
        self._placed(lambda: self._records.move(self._process, hosts, GONE_SECONDS))
        if before != set(self._places):
            self._tell()

    def _placed(self, ask: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        try:
            movers = ask()
        except LadingError as error:
            if not self._failing:
                log.warning("it cannot be said to other processes where layers move here: %s", error)
            self._failing, movers = True, {}
        else:
            self._failing = False
        ours = {host: who for host, who in movers.items() if self._process in who}
        self._places = {host: Place(who.index(self._process), len(who)) for host, who in ours.items()}

    def _run(self, used: Callable[[], Collection[str]], changed: Callable[[], None]) -> None:
        due = self._clock() + BEAT_SECONDS
        while not self._over.is_set():
            self._news.wait(max(0.0, due - self._clock()))
            self._news.clear()
            if self._over.is_set():
                return
            try:
                if self._clock() >= due:
                    due = self._clock() + BEAT_SECONDS
                    self.beat(used())
                else:
                    self.look()
                changed()
            except Exception:  # whatever it is, others are to have their shares later
                log.exception("it is said again where layers move here, though something failed")
