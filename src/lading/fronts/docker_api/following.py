"""The jobs behind one request of this door, followed for as long as the client is there: who hangs up gives them up.

job told ──▶ lines and byte counts ──▶ the client        something at least every half second, so that one who is
                                                         gone is noticed
client gone ──▶ the job is cancelled, and what has arrived is kept for the next time
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Protocol

from lading.errors import LadingError, Unreachable
from lading.fronts.docker_api.product import News
from lading.services.access import Actor
from lading.services.jobs.job import Job, JsonObject
from lading.services.running.ending import ending_of
from lading.services.running.follower import Follower
from lading.services.running.reading import LineTold, Reading, TickTold
from lading.wire.message import Cancel

log = logging.getLogger("lading.docker")

QUIET_SECONDS = 0.4
"""The longest silence: a client may wait half a second for the next line."""

DOUBTED = 25
"""So many silences, ten seconds, until it is asked whether there is nothing new in truth."""

Heard = JsonObject | None
"""A line about a layer or about the whole, or the byte counts of one; None: nothing was said for `QUIET_SECONDS`."""


class SentAway(Unreachable):
    """This server has no more to tell of the job: it stops, or another one runs the job now."""

    code = "interrupted"
    hint = "Ask for it again: what has arrived is kept."

    def __str__(self) -> str:
        return "Lading is being stopped"


class FollowedJobs(Protocol):
    """What is asked of services.running.jobs."""

    def follow(self, actor: Actor, job: str, after: int = 0, *, ticks: bool = True) -> Follower:
        """Raises JobUnknown, Denied."""

    def cancel(self, actor: Actor, job: str) -> Job:
        """Raises JobUnknown, Denied."""


class Transfer:
    """One job of one client, to be closed in any case. `ending` is its last line, once that was told; `left` is called
    when nobody waits for it any more."""

    def __init__(
        self, jobs: FollowedJobs, news: News, actor: Actor, job: Job, cancel: Cancel, *, left: Callable[[Job], None]
    ) -> None:
        """Raises what following it raises; then it is given up."""
        self._jobs, self._actor, self._job, self._cancel, self._left = jobs, actor, job, cancel, left
        self.ending: JsonObject | None = None
        self._follower: Follower | None = None
        self._said: dict[object, object] = {}
        self._woken = threading.Event()
        self._unsubscribe = news.subscribe(self._wake)
        self._reading = self._read()
        try:
            self._follower = jobs.follow(actor, job.id)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Heard]:
        """What it tells until its last line, which is `ending`. Another iterator goes on where the one before was left.
        Raises Cancelled, StorageFailed."""
        return self._reading

    def close(self) -> None:
        """Wait no longer: a job that is not over is cancelled. Harmless twice."""
        self._reading.close()
        self._unsubscribe()
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.close()
        if self.ending is None:
            self.ending = ending_of(SentAway()).line
            self._give_up()
        self._left(self._job)

    def _give_up(self) -> None:
        try:
            self._jobs.cancel(self._actor, self._job.id)
        except LadingError as error:
            log.warning("the job %s goes on without a client: %s", self._job.id, error)

    def _wake(self, job: str) -> None:
        if job == self._job.id:
            self._woken.set()

    def _read(self) -> Generator[Heard, None, None]:
        assert self._follower is not None
        quiet = 0
        with self._cancel.closing(self._woken.set):
            while self.ending is None:
                self._woken.clear()
                self._cancel.check()
                reading = self._next(self._follower)
                yield from self._told(reading)
                if reading.ended and self.ending is None:
                    self.ending = ending_of(SentAway()).line
                elif not reading.all and not reading.behind and not self._woken.wait(QUIET_SECONDS):
                    yield None
                    quiet += 1
                    if quiet % DOUBTED == 0:
                        self._follower.doubt()

    @staticmethod
    def _next(follower: Follower) -> Reading:
        reading = follower.read()
        return follower.catch_up() if reading.behind else reading

    def _told(self, reading: Reading) -> Iterator[Heard]:
        for each in reading.all:
            match each:
                case LineTold(terminal=True):
                    self.ending = each.told
                case LineTold():
                    self._said[each.told.get("id")] = each.told.get("status")
                    yield each.told
                case TickTold():
                    yield from filter(self._is_of_now, layers_of(each.told))

    def _is_of_now(self, layer: JsonObject) -> bool:
        """Lines are told once they are durable, and counts at once: those of a state that was not told yet, or is over,
        are none of now."""
        return self._said.get(layer.get("id"), "") == layer.get("status")


def layers_of(tick: JsonObject) -> Iterator[JsonObject]:
    """Those that moved."""
    layers = tick.get("layers")
    if isinstance(layers, list | tuple):
        yield from (layer for layer in layers if isinstance(layer, Mapping))
