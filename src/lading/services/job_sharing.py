"""A run and the jobs that share it: equal pushes move their bytes once, and each caller keeps a job of its own.

    run ── seats: one per job, with its own numbering, fence, followers and end

    WAITING ── begin ──▶ RUNNING ── end ──▶ OVER
    join: at once a line for where every layer stands · leave: the seat ends cancelled, the others go on

Who sits where changes under one lock, that of `_seating`, which is held across claims; what is said takes `_saying`
only, and returns at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.access import Actor
from lading.services.job import Job, JobState, JsonObject, Line
from lading.services.job_feed import Feed
from lading.services.job_kinds import Ending, ending_of
from lading.services.job_writer import JobWriter, Said
from lading.wire.event_stream import tick_text
from lading.wire.job_events import Fold, Verb
from lading.wire.plain_json import plain_object
from lading.wire.progress import Event

KEPT_GENERAL = 100
"""Lines about no layer that somebody who joins late is told."""

Claim = Callable[[str], Job | None]
"""Takes a job that waits, for this process. None where it does not wait any more."""


class JobSeat:
    """One job's place in a run. Fulfils job_writer.Seat."""

    def __init__(self, job: Job, actor: Actor, feed: Feed, gone: Callable[[JobSeat], None]) -> None:
        self.asked, self.actor, self.feed = job, actor, feed
        self.job, self.run, self.cursor = job.id, job.run, job.cursor
        self.claimed = False
        self._gone = gone

    def take(self, claim: Claim) -> bool:
        """Claim it, once. Raises StorageFailed."""
        if not self.claimed:
            job = claim(self.job)
            if job is None:
                return False
            self.run, self.cursor, self.claimed = job.run, job.cursor, True
        return True

    @property
    def followed(self) -> bool:
        """Whether somebody in this process follows it."""
        return self.feed.followed

    def says(self, at: float, data: JsonObject) -> Line:
        """Its next line."""
        self.cursor += 1
        return Line(self.cursor, at, data)

    def kept(self, lines: Iterable[Line], ended: bool) -> None:
        """Tell those who follow it."""
        self.feed.tell([(line.number, line.data) for line in lines], ended)
        if ended:
            self._gone(self)

    def lost(self) -> None:
        """Send its followers away: it is not told of here any more."""
        self.feed.abandon()
        self._gone(self)


class _Phase(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds since 1970, and seconds that never go back."""

    wall: Callable[[], float]
    steady: Callable[[], float]


class SharedRun:
    """What its work tells goes to every seat. Fulfils Telling."""

    def __init__(
        self,
        first: JobSeat,
        verb: Verb,
        writer: JobWriter,
        clocks: Clocks,
        closing: Callable[[JobSeat, JobState], None],
    ) -> None:
        """`closing` is called for each seat that ends, before its terminal line is written."""
        self.first, self.cancel = first, Cancellation()
        self._writer, self._clocks, self._closing = writer, clocks, closing
        self._seating, self._saying = threading.RLock(), threading.Lock()
        self._seats: dict[str, JobSeat] = {first.job: first}
        self._phase = _Phase.WAITING
        self._fold = Fold.of(verb)
        self._general: deque[JsonObject] = deque(maxlen=KEPT_GENERAL)
        self.unwanted = self.stopped = False

    # ── what the work tells

    def line(self, data: JsonObject) -> None:
        """A line that is not about pieces."""
        line = plain_object(data)
        with self._saying:
            self._general.append(line)
            self._say((line,))

    def event(self, event: Event) -> None:
        """Something of a transfer: lines, and now and then a tick."""
        tick = None
        with self._saying:
            lines = self._fold.apply(event)
            if lines:
                self._say([plain_object(line) for line in lines])
            feeds = [seat.feed for seat in self._seats.values() if seat.feed.watched]
            if feeds and self._fold.due(now := self._clocks.steady()):
                tick = tick_text(self._fold.tick(now))
        if tick is not None:
            for feed in feeds:
                feed.tick(tick)

    def _say(self, lines: Sequence[JsonObject]) -> None:
        at, totals = self._clocks.wall(), self._fold.totals()
        self._writer.put(Said(seat, seat.says(at, line), totals) for seat in self._seats.values() for line in lines)

    # ── who wants it

    @property
    def seats(self) -> Sequence[JobSeat]:
        """The jobs that have not ended."""
        with self._saying:
            return tuple(self._seats.values())

    @property
    def running(self) -> bool:
        """Whether its work has begun and not ended."""
        return self._phase is _Phase.RUNNING

    def begin(self, claim: Claim) -> bool:
        """Claim every seat; False where nobody is left who wants it. Raises StorageFailed: then call it again."""
        with self._seating:
            for seat in self.seats:
                if not seat.take(claim):
                    self._rise(seat)
                    seat.lost()
            self._phase = _Phase.RUNNING if self._seats else _Phase.OVER
            return self.running

    def join(self, seat: JobSeat, claim: Claim) -> bool:
        """One more job for the same run. False where it is too late, or the job is not to be had."""
        with self._seating:
            if self._phase is _Phase.OVER or self.cancel.cancelled:
                return False
            if self.running and not seat.take(claim):
                return False
            with self._saying:
                self._seats[seat.job] = seat
                at, totals = self._clocks.wall(), self._fold.totals()
                past = (*self._general, *map(plain_object, self._fold.standing()))
                self._writer.put([Said(seat, seat.says(at, line), totals) for line in past])
        return True

    def leave(self, job: str) -> bool:
        """This job is cancelled: it ends at once where others go on or nothing has begun, else when its work has
        stopped. False where that leaves a run which must not begin any more."""
        with self._seating:
            seat = self._seats.get(job)
            if seat is None:
                return True
            if len(self._seats) > 1 or not self.running:
                self._end(seat, ending_of(Cancelled()))
                if not self._seats:
                    self._phase = _Phase.OVER
                return self._phase is not _Phase.OVER
            self.unwanted = True
        self.cancel.cancel()
        return True

    def refuse(self, seat: JobSeat, ending: Ending) -> None:
        """This job ends so, the others go on."""
        with self._seating:
            if seat in self.seats:
                self._end(seat, ending)
            if not self._seats:
                self._phase = _Phase.OVER

    def stop(self) -> None:
        """The process ends: stop the work, and keep what it takes to go on with it."""
        self.stopped = True
        self.cancel.cancel()

    def drop(self, seat: JobSeat) -> None:
        """This job has been lost to another run. When it was the last, the work stops."""
        with self._seating:
            self._rise(seat)
            alone = not self._seats
        if alone:
            self.cancel.cancel()

    def end(self, ending: Ending) -> None:
        """Its terminal line, for all who are left."""
        with self._seating:
            self._phase = _Phase.OVER
            for seat in self.seats:
                self._end(seat, ending)

    def suspend(self, release: Callable[[JobSeat], None]) -> None:
        """Nobody ends: each is given back, to be gone on with by another process."""
        with self._seating:
            self._phase = _Phase.OVER
            for seat in self.seats:
                release(seat)
                self._rise(seat)
                seat.lost()

    def _end(self, seat: JobSeat, ending: Ending) -> None:
        self._closing(seat, ending.state)
        with self._saying:
            self._seats.pop(seat.job, None)
            line = seat.says(self._clocks.wall(), plain_object(ending.line))
            self._writer.put([Said(seat, line, self._fold.totals(), ending.state)])

    def _rise(self, seat: JobSeat) -> None:
        with self._saying:
            if self._seats.get(seat.job) is seat:
                del self._seats[seat.job]

    # ── how it stands

    def totals(self) -> JsonObject:
        """Bytes, so far."""
        with self._saying:
            return self._fold.totals()

    def moving(self) -> Sequence[JsonObject]:
        """The layers on their way."""
        with self._saying:
            return [plain_object(line) for line in self._fold.moving()]
