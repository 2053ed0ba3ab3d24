"""One job's place in a run: its own numbering, its own fence, its own followers, its own end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lading.services.access import Actor
from lading.services.audit.records import AuditEntry
from lading.services.jobs.job import Job, JobState, JsonObject, Line
from lading.services.running.feed import Feed

Claim = Callable[[str], Job | None]
"""Takes a job that waits, for this process. None where it does not wait any more."""


class JobSeat:
    """Fulfils lines.Seat and leases.Leased. `claiming` and `ending` change under the lock of its run.

    `unwanted`: somebody asked to cancel this job, wherever it sits by then. `given_up`: it is held here no more, and
    what it said is not written any more: somebody else goes on from the last line that was.
    """

    def __init__(
        self,
        job: Job,
        actor: Actor,
        feed: Feed,
        *,
        gone: Callable[[JobSeat], None],
        entry: Callable[[Job, Actor, JobState, JsonObject], AuditEntry | None],
        over: Callable[[Job, JobState], None],
        taken_up: bool,
    ) -> None:
        """`gone` is called when it has told its end, or was lost; perhaps twice. `entry` is what the audit trail says
        of an end, `over` clears up behind a job that has ended. `taken_up`: another process had it before."""
        self.asked, self.actor, self.feed, self.taken_up = job, actor, feed, taken_up
        self.job, self.run, self.cursor = job.id, job.run, job.cursor
        self.claimed = self.claiming = self.ending = self.unwanted = self.given_up = False
        self._gone, self._entry, self._over = gone, entry, over

    def take(self, claim: Claim) -> bool:
        """Claim it, once. Raises StorageFailed."""
        if not self.claimed and not self.given_up:
            job = claim(self.job)
            if job is None:
                return False
            self.run, self.cursor, self.claimed = job.run, job.cursor, True
        return not self.given_up

    @property
    def unsettled(self) -> bool:
        """Whether its claim or its end is being written."""
        return self.claiming or self.ending

    @property
    def followed(self) -> bool:
        """Whether somebody in this process follows it."""
        return self.feed.followed

    def entry(self, state: JobState, line: JsonObject) -> AuditEntry | None:
        """What the audit trail says where it ends so."""
        return self._entry(self.asked, self.actor, state, line)

    def says(self, at: float, data: JsonObject) -> Line:
        """Its next line."""
        self.cursor += 1
        return Line(self.cursor, at, data)

    def kept(self, lines: Iterable[Line], end: JobState | None) -> None:
        """Tell those who follow it; after its end, leave."""
        self.feed.tell([(line.number, line.data) for line in lines], end is not None)
        if end is not None:
            self._over(self.asked, end)
            self._gone(self)

    def lost(self) -> None:
        """It is not of this process any more."""
        self.given_up = True
        self.released()

    def released(self) -> None:
        """Send its followers away: it is gone on with elsewhere, after what it said here."""
        self.feed.abandon()
        self._gone(self)
