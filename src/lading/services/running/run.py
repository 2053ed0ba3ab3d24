"""A run and the jobs that share it: equal pushes move their bytes once, and each caller keeps a job of its own.

    WAITING ── begin: every seat claimed ──▶ RUNNING ── end, suspend ──▶ OVER

    join      WAITING: a seat among the others · RUNNING: a seat at once, claimed by who joins, and told then where each
              layer stands · too late where the run is over, or is being stopped because nobody wanted it
    leave     the seat ends cancelled and the others go on; the last one stops the work, and ends when that has stopped

All of it is decided under one lock, and done outside it: claims, records and terminal lines may take their time. A
seat that is just being claimed keeps the run alive like any other; what happened meanwhile to it or to the run is made
up for when its claim is through.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.clocks import Clocks
from lading.services.jobs.job import JsonObject
from lading.services.running.ending import Ending, ending_of
from lading.services.running.lines import Said
from lading.services.running.reading import TickTold
from lading.services.running.seat import Claim, JobSeat
from lading.services.running.standing import Holding, Standing
from lading.services.running.writer import JobWriter
from lading.wire.job_events import Fold
from lading.wire.plain_json import plain_object
from lading.wire.progress import Advanced, Event, Held, State

BAR = "progress"
"""In a layer's line, the bar that terminals show: who is told how a run stands draws one of its own."""

KEPT_GENERAL = 100
"""Lines about no layer that somebody who joins late is told."""


class _Phase(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"


class SharedRun:
    """What its work tells goes to every seat. Fulfils Telling."""

    def __init__(
        self,
        first: JobSeat,
        fold: Fold,
        writer: JobWriter,
        clocks: Clocks,
    ) -> None:
        self.first, self.cancel = first, Cancellation()
        self._writer, self._clocks = writer, clocks
        self._lock = threading.Lock()
        self._seats: dict[str, JobSeat] = {first.job: first}
        self._phase = _Phase.WAITING
        self._fold = fold
        self._general: deque[JsonObject] = deque(maxlen=KEPT_GENERAL)
        self._finally: Callable[[JobSeat], None] | None = None
        self._held: Held | None = None
        self.changes = 0
        self.unwanted = self.stopped = False

    # ── what the work tells

    @property
    def taken_up(self) -> bool:
        return self.first.taken_up

    def line(self, data: JsonObject) -> None:
        """A line that is not about pieces."""
        line = plain_object(data)
        with self._lock:
            self._general.append(line)
            self._say((line,), self._settled())

    def event(self, event: Event) -> None:
        """Something of a transfer: lines, and now and then a tick."""
        tick = None
        with self._lock:
            self.changes += 1
            self._hold(event)
            lines, seats = self._fold.apply(event), self._settled()
            if lines:
                self._say([plain_object(line) for line in lines], seats)
            feeds = [seat.feed for seat in seats if seat.feed.watched]
            if feeds and self._fold.due(now := self._clocks.steady()):
                tick = TickTold(self._fold.tick(now))
        if tick is not None:
            for feed in feeds:
                feed.tick(tick)

    def _hold(self, event: Event) -> None:
        """A host lets nothing move, or something moves again."""
        if isinstance(event, Held):
            self._held = event
        elif self._held is not None and isinstance(event, Advanced) and event.state is State.MOVING:
            self._held = None

    def _say(self, lines: Sequence[JsonObject], seats: Sequence[JobSeat]) -> None:
        at, totals = self._clocks.wall(), self._fold.totals()
        self._writer.put(Said(seat, seat.says(at, line), totals) for seat in seats for line in lines)

    def _settled(self) -> Sequence[JobSeat]:
        """Those who can be told something: who is being claimed has no numbers yet."""
        return [seat for seat in self._seats.values() if not seat.claiming]

    # ── who wants it

    @property
    def seats(self) -> Sequence[JobSeat]:
        """The jobs that have not ended."""
        with self._lock:
            return tuple(self._seats.values())

    @property
    def seated(self) -> Sequence[JobSeat]:
        """Those of them whose claim is through."""
        with self._lock:
            return self._settled()

    @property
    def running(self) -> bool:
        """Whether its work has begun and not ended."""
        return self._phase is _Phase.RUNNING

    @property
    def closed(self) -> bool:
        """Whether it takes nobody in any more."""
        return self.unwanted or self.stopped or self._phase is _Phase.OVER

    def begin(self, claim: Claim) -> bool:
        """Claim every seat; False where nobody is left who wants it. Raises StorageFailed: then call it again."""
        while (seat := self._next_to_claim()) is not None:
            if not self._claimed(seat, claim):
                seat.lost()
        return self.running

    def _next_to_claim(self) -> JobSeat | None:
        """None: all who wait are claimed, and the run has begun, if there are any."""
        with self._lock:
            for seat in self._seats.values():
                if not seat.claimed:
                    seat.claiming = True
                    return seat
            if self._phase is _Phase.WAITING:
                self._phase = _Phase.RUNNING if self._seats else _Phase.OVER
            return None

    def join(self, seat: JobSeat, claim: Claim) -> bool:
        """One more job for the same run. False where it is too late. Raises StorageFailed: then it has not joined."""
        with self._lock:
            if self.closed:
                return False
            self._seats[seat.job] = seat
            if self._phase is _Phase.WAITING:
                return True
            seat.claiming = True
        if not self._claimed(seat, claim, late=True):
            seat.lost()
        return True

    def _claimed(self, seat: JobSeat, claim: Claim, *, late: bool = False) -> bool:
        """Claim a seat that is `claiming`. False where it was not to be had; it sits here no more then. Raises
        StorageFailed: it waits on, unless it came `late`."""
        try:
            taken = seat.take(claim)
        except BaseException:
            self._settle(seat, sits=not late)
            raise
        self._settle(seat, sits=taken, late=late)
        return taken

    def _settle(self, seat: JobSeat, *, sits: bool, late: bool = False) -> None:
        """A claim is through: make up for what became of its seat and of the run meanwhile."""
        with self._lock:
            seat.claiming = False
            close = self._finally if sits else None
            if close is not None:
                seat.ending = True
            elif sits and late:
                self._say([*self._general, *map(plain_object, self._fold.standing())], [seat])
            if not sits or close is not None:
                self._seats.pop(seat.job, None)
            alone = self._abandoned()
        self._stop_if(alone)
        if close is not None:
            close(seat)
        elif sits and seat.unwanted:
            self.leave(seat)

    def leave(self, seat: JobSeat) -> bool:
        """This job is cancelled: it ends at once where others go on or nothing has begun, else when its work has
        stopped. False where that leaves a run which must not begin any more."""
        seat.unwanted = True
        with self._lock:
            if self._seats.get(seat.job) is not seat or seat.claiming:
                return True
            last = self.running and all(other.unwanted for other in self._seats.values())
            if last:
                self.unwanted = True
            else:
                self._rise(seat)
        if last:
            self.cancel.cancel()
        else:
            self._finish(seat, ending_of(Cancelled()))
        return self._phase is not _Phase.OVER

    def refuse(self, seat: JobSeat, ending: Ending) -> None:
        """This job ends so, the others go on. Not one that is being claimed: its numbers are not known yet."""
        with self._lock:
            sits = self._seats.get(seat.job) is seat and not seat.claiming
            if sits:
                self._rise(seat)
        if sits:
            self._finish(seat, ending)

    def stop(self) -> None:
        """The process ends: stop the work, and keep what it takes to go on with it."""
        with self._lock:
            self.stopped = True
        self.cancel.cancel()

    def drop(self, seat: JobSeat) -> None:
        """This job has been lost to another run. When it was the last, the work stops."""
        with self._lock:
            if self._seats.get(seat.job) is seat:
                del self._seats[seat.job]
            alone = self._abandoned()
        self._stop_if(alone)

    def end(self, ending: Ending) -> None:
        """Its terminal line, for all who are left."""
        self._close(lambda seat: self._finish(seat, ending))

    def suspend(self, release: Callable[[JobSeat], None]) -> None:
        """Nobody ends: each is given back, to be gone on with by another process."""

        def give_back(seat: JobSeat) -> None:
            release(seat)
            seat.released()

        self._close(give_back)

    def _close(self, close: Callable[[JobSeat], None]) -> None:
        """The run is over, in this way for every seat; who is just being claimed comes to it then."""
        with self._lock:
            self._phase, self._finally = _Phase.OVER, close
            seats = self._settled()
            for seat in seats:
                self._rise(seat)
        for seat in seats:
            close(seat)

    def _rise(self, seat: JobSeat) -> None:
        """It is told of no more, but for its end."""
        del self._seats[seat.job]
        seat.ending = True
        if not self._seats:
            self._phase = _Phase.OVER

    def _abandoned(self) -> bool:
        """Whether nobody sits here any more, and the work does not know yet."""
        if self._seats or self._phase is _Phase.OVER:
            return False
        self.unwanted = True
        if self._phase is _Phase.WAITING:
            self._phase = _Phase.OVER
        return True

    def _stop_if(self, abandoned: bool) -> None:
        if abandoned:
            self.cancel.cancel()

    def _finish(self, seat: JobSeat, ending: Ending) -> None:
        with self._lock:
            line = seat.says(self._clocks.wall(), plain_object(ending.line))
            self._writer.put([Said(seat, line, self._fold.totals(), ending.state)])

    # ── how it stands

    def totals(self) -> JsonObject:
        """Bytes, so far."""
        with self._lock:
            return self._fold.totals()

    def moving(self) -> Sequence[JsonObject]:
        """The layers on their way."""
        with self._lock:
            return self._moving()

    def standing(self) -> Standing:
        """All of it at once."""
        now = self._clocks.wall()
        with self._lock:
            held = self._held
            holding = None
            if held is not None and (held.until is None or held.until > now):
                holding = Holding(held.host, held.until)
            layers = [{name: line[name] for name in line if name != BAR} for line in self._moving()]
            return Standing(self._fold.totals(), layers, holding, self.changes)

    def _moving(self) -> Sequence[JsonObject]:
        return [plain_object(line) for line in self._fold.moving()]
