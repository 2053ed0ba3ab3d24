"""Taking up jobs that a process left behind: another one, or this one before it was started anew.

    let go, or silent for LOST_SECONDS
        waits                            into our queue
        ran, can be gone on with         waits again, into our queue
        ran, cannot                      ends interrupted, with what to do
        ran, and was lost too often      likewise
        of a kind that we do not know    is left to a server that does, where there may be one; then it ends too

Each row is a matter of its own: one that cannot be taken up keeps none of the others waiting. Every server looks, on a
thread of its own: no chore that takes long puts it off, nor a server whose clock is wrong.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from lading.errors import LadingError
from lading.services.access import Actor
from lading.services.clocks import Clocks
from lading.services.jobs.job import Job, JobState
from lading.services.jobs.kinds import Actors, Kinds
from lading.services.jobs.records import JobRecords
from lading.services.running.closing import JobClosing
from lading.services.running.ending import Ending, KindUnknown, LostInRestart, LostTooOften, ending_of
from lading.services.running.leases import BEAT_SECONDS, LOST_SECONDS

LOSSES_LIMIT = 10
"""So often a process may be gone while it runs a job; then the job ends: what takes servers down with it must not do so
for ever. A server that stops in good order lets its jobs go, and that counts for nothing."""

log = logging.getLogger("lading.jobs")


class JobRecovery:
    """`begin` gives it a thread until `finish`; `recover` does the same once. `admit` takes a job that waits into our
    queue; `holds` says that a job is here; `look` begins what waits here and could not begin before; `settle` keeps
    everybody from looking at what was handed over."""

    def __init__(
        self,
        records: JobRecords,
        kinds: Kinds,
        actors: Actors,
        closing: JobClosing,
        *,
        clocks: Clocks,
        admit: Callable[[Job, Actor], None],
        holds: Callable[[str], bool],
        look: Callable[[], None],
        settle: Callable[[], None],
    ) -> None:
        self._records, self._kinds, self._actors, self._closing = records, kinds, actors, closing
        self._clocks, self._admit, self._holds, self._look, self._settle = clocks, admit, holds, look, settle
        self._strange: dict[str, float] = {}
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """From now on jobs are taken up that nobody holds: soon after others may have missed their heartbeats."""
        self._thread = threading.Thread(target=self._run, name="lost jobs")
        self._thread.start()

    def finish(self) -> None:
        """Returns when nothing is being taken up any more. Harmless twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def recover(self, silent_for: float) -> int:
        """Take up jobs without a heartbeat for so many seconds (0: all, where nobody else can hold any), and begin what
        waits and could not. Returns how many there were. Raises StorageFailed where they cannot be listed."""
        with self._turn:
            self._look()
            self._settle()
            count = self._recovered(silent_for)
            self._settle()
            return count

    def _recovered(self, silent_for: float) -> int:
        found = self._records.left(silent_for or None)
        left = [job for job in found if not self._holds(job.id)]
        strange = self._patience(left) if silent_for else frozenset()
        for job in left:
            if job.id in strange:
                continue
            try:
                self._take_up(job)
            except LadingError as error:
                log.warning("job %s cannot be taken up, and is tried again: %s", job.id, error)
            except Exception:
                log.exception("job %s cannot be taken up", job.id)
        return len(left)

    def _patience(self, left: Sequence[Job]) -> frozenset[str]:
        """Jobs of unknown kinds that a server of another version may still take up: it looks as often as we do."""
        now = self._clocks.steady()
        strange = [job.id for job in left if job.request.kind not in self._kinds]
        self._strange = {job: self._strange.get(job, now) for job in strange}
        return frozenset(job for job, since in self._strange.items() if now - since < LOST_SECONDS)

    def _take_up(self, job: Job) -> None:
        actor = self._actors.again(job)
        ending = self._hopeless(job)
        if ending is None and job.state is JobState.RUNNING:
            taken = self._records.take_up(job.id, job.run, self._clocks.wall())
            if taken is None:
                return  # another server did, or it has ended
            job, ending = taken, self._hopeless(taken)
        if ending is None:
            self._admit(job, actor)
        else:
            self._closing.end(job, actor, ending)

    def _hopeless(self, job: Job) -> Ending | None:
        """How it ends where it cannot be gone on with."""
        kind = self._kinds.get(job.request.kind)
        if kind is None:
            return ending_of(KindUnknown(job.request.kind))
        if job.losses >= LOSSES_LIMIT:
            return ending_of(LostTooOften(job.losses))
        return ending_of(LostInRestart()) if job.state is JobState.RUNNING and not kind.resumes else None

    def _run(self) -> None:
        failing = False
        while not self._over.is_set():
            try:
                self.recover(LOST_SECONDS)
                failing = False
            except LadingError as error:
                if not failing:
                    log.warning("jobs that nobody holds cannot be looked for, and are again: %s", error)
                failing = True
            except Exception:  # whatever it is, what is lost later is to be found
                log.exception("jobs that nobody holds cannot be looked for, and are again")
            self._over.wait(BEAT_SECONDS)
