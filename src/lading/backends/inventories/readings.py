"""Layers being read: each once, whoever asks and however many, on a bounded number of threads that end when idle.

ahead ──> waiting ──a thread is free──> being read ──> over
asked ──> waiting, before all that are ahead ─┘         (nobody waits for it and nobody asked ahead: stopped)
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.inventory.layer import LayerInventory
from lading.oci.digest import Algorithm, Digest
from lading.services.findings.scanner import ScanFailed
from lading.services.inventories.inventories import ReadReport
from lading.wire.message import Cancel, Reader

log = logging.getLogger("lading.inventory")

_LOOK_AGAIN_SECONDS = 1.0  # a cancel wakes who waits; a deadline that nobody watches does not
_STOPPING_SECONDS = 5.0
_AHEAD_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A layer to read: its digest as it is kept, its diffID, its length, each None where nobody knows; `open` gives it
    from the start, any number of times. Where it is not `proven`, the digest is hearsay, and it is read for itself."""

    blob: Digest | None
    diff_id: Digest | None
    size: int | None
    open: Callable[[], Reader]
    proven: bool = True

    @property
    def algorithm(self) -> Algorithm:
        """In which its diffID is to be computed."""
        return algorithm_of(self.diff_id)

    @property
    def name(self) -> _Name | None:
        """Two of the same name ask for the same. A diffID, which is what somebody says of a blob, names only what has
        no digest; what has neither is nobody else's."""
        digest = self.blob or self.diff_id
        return None if digest is None or not self.proven else (digest, self.algorithm)


_Name = tuple[Digest, Algorithm]


def algorithm_of(diff_id: Digest | None) -> Algorithm:
    """SHA-256 where nobody says otherwise."""
    return Algorithm.SHA256 if diff_id is None else diff_id.algorithm


Read = Callable[[Wanted, Callable[[int], None], Cancel], LayerInventory]
"""Reads one, telling how many of its bytes it has read so far. Raises ScanFailed, Cancelled."""


class _Reading:
    """All but `cancellation` is changed with the lock of its Readings held."""

    __slots__ = ("ahead", "begun", "cancellation", "count", "outcome", "waiters", "wanted")

    def __init__(self, wanted: Wanted, *, ahead: bool) -> None:
        self.wanted, self.ahead = wanted, ahead
        self.cancellation = Cancellation()
        self.begun = False
        self.waiters = self.count = 0
        self.outcome: LayerInventory | BaseException | None = None


class Readings:
    """Those of one process. Its threads have ended when `close` returns."""

    def __init__(self, read: Read, limit: int) -> None:
        self._read, self._limit = read, limit
        self._changed = threading.Condition()
        self._current: dict[_Name, _Reading] = {}
        self._waiting: deque[_Reading] = deque()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def ahead(self, wanted: Wanted) -> None:
        """Soon, if nobody has asked for it yet; not at all where very many are waiting."""
        with self._changed:
            if wanted.name not in self._current and not self._closed and len(self._waiting) < _AHEAD_LIMIT:
                self._waiting.append(self._begin(wanted, ahead=True))

    def all(self, wanted: Sequence[Wanted], report: ReadReport, cancel: Cancel) -> Sequence[LayerInventory]:
        """All of these, in their order; a failure of one ends the others that nobody else waits for.

        Raises ScanFailed, Cancelled.
        """
        total = sum(each.size or 0 for each in wanted)
        with self._changed:
            readings = [self._ask(each) for each in reversed(wanted)]
        try:
            with cancel.closing(self._wake):
                self._wait(readings, lambda count: report(count, total), cancel)
        finally:
            self._leave(readings)
        return _results(readings)[::-1]

    def close(self) -> None:
        """Stops all of them. Harmless twice."""
        with self._changed:
            self._closed = True
            stopped = {*self._current.values()}
            while self._waiting:
                self._over(self._waiting.popleft(), Cancelled())
            threads = [*self._threads]
        for reading in stopped:
            reading.cancellation.cancel()
        for thread in threads:
            thread.join()

    # ── those who ask

    def _ask(self, wanted: Wanted) -> _Reading:
        """Joins what is under way, and puts it before all others that wait."""
        reading = None if wanted.name is None else self._current.get(wanted.name)
        if reading is None:
            reading = self._begin(wanted, ahead=False)
        elif not reading.begun:
            self._waiting.remove(reading)
        reading.waiters += 1
        if not reading.begun and reading.outcome is None:
            self._waiting.appendleft(reading)
        return reading

    def _wait(self, readings: Sequence[_Reading], told: Callable[[int], None], cancel: Cancel) -> None:
        """Until all are over, or one has failed."""
        last = -1
        while True:
            cancel.check()
            with self._changed:
                count = sum(reading.count for reading in readings)
                outcomes = [reading.outcome for reading in readings]
                over = None not in outcomes or any(isinstance(outcome, BaseException) for outcome in outcomes)
                if count == last and not over:
                    self._changed.wait(_LOOK_AGAIN_SECONDS)
                    continue
            last = count
            told(count)
            if over:
                return

    def _leave(self, readings: Sequence[_Reading]) -> None:
        """Those that nobody needs any more are stopped, and given a moment to end."""
        with self._changed:
            for reading in readings:
                reading.waiters -= 1
            needless = {each for each in readings if not each.waiters and not each.ahead and each.outcome is None}
            for reading in needless:
                self._forget(reading)  # nobody joins it any more
                if not reading.begun:
                    self._waiting.remove(reading)
                    self._over(reading, Cancelled())
        for reading in needless:
            reading.cancellation.cancel()
        with self._changed:
            self._changed.wait_for(lambda: all(each.outcome is not None for each in needless), _STOPPING_SECONDS)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # ── one reading, with the lock held

    def _begin(self, wanted: Wanted, *, ahead: bool) -> _Reading:
        """Known by its names from now on, and there is a thread for it."""
        reading = _Reading(wanted, ahead=ahead)
        if self._closed:
            reading.outcome = Cancelled()
            return reading
        if wanted.name is not None:
            self._current[wanted.name] = reading
        if len(self._threads) < self._limit:
            thread = threading.Thread(target=self._work, name="inventory", daemon=True)
            self._threads.add(thread)
            thread.start()
        return reading

    def _over(self, reading: _Reading, outcome: LayerInventory | BaseException) -> None:
        reading.outcome = outcome
        self._forget(reading)
        self._changed.notify_all()

    def _forget(self, reading: _Reading) -> None:
        name = reading.wanted.name
        if name is not None and self._current.get(name) is reading:
            del self._current[name]

    # ── the threads

    def _work(self) -> None:
        while (reading := self._next()) is not None:
            outcome: LayerInventory | BaseException
            try:
                outcome = self._read(reading.wanted, partial(self._passed, reading), reading.cancellation)
            except BaseException as error:  # noqa: BLE001 - carried to those who wait, and raised there
                outcome = error
            if isinstance(outcome, ScanFailed) and reading.ahead:
                log.info("a layer was not read ahead: %s", outcome)
            with self._changed:
                self._over(reading, outcome)

    def _next(self) -> _Reading | None:
        """None where nothing waits: the thread ends."""
        with self._changed:
            if self._waiting:
                reading = self._waiting.popleft()
                reading.begun = True
                return reading
            self._threads.discard(threading.current_thread())
            return None

    def _passed(self, reading: _Reading, count: int) -> None:
        with self._changed:
            reading.count = count
            self._changed.notify_all()


def _results(readings: Iterable[_Reading]) -> Sequence[LayerInventory]:
    """Raises what the first real failure raised, not what followed from it elsewhere."""
    outcomes = [reading.outcome for reading in readings]
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if failures:
        raise next((failure for failure in failures if not isinstance(failure, Cancelled)), failures[0])
    return [outcome for outcome in outcomes if isinstance(outcome, LayerInventory)]
