"""Which jobs somebody sees: their own, and with `jobs:view` those of others, in the environments it was given for.

As a value, so that all who see the same are told the same, and nobody is asked again for each job that comes.
"""

from __future__ import annotations

from dataclasses import dataclass

from lading.services.access import Actor, Permission, matches
from lading.services.jobs.job import Job


@dataclass(frozen=True, slots=True)
class JobSight:
    """`everywhere`: all jobs, also those that are in no environment; else those of `environments`, and those that
    `owner` made (with this `token`, where there is one: a token with scopes is narrower than its user, and owns what it
    made itself)."""

    everywhere: bool
    environments: frozenset[int] = frozenset()
    owner: int | None = None
    token: int | None = None

    @classmethod
    def of(cls, actor: Actor) -> JobSight:
        """What this actor sees now."""
        view = Permission.JOBS_VIEW
        own = None if actor.scopes is None else actor.token
        if actor.may(view):
            return cls(everywhere=True, owner=actor.user, token=own)
        named = {
            environment
            for grant in actor.grants
            if matches(view, grant.permissions)
            for environment in grant.environments or ()
            if actor.may(view, environment)
        }
        return cls(False, frozenset(named), actor.user, own)

    def sees(self, job: Job) -> bool:
        """Whether it may be shown."""
        return self.shows(job.request.environment, job.owner, job.token)

    def shows(self, environment: int | None, owner: int | None, token: int | None) -> bool:
        """Whether a job may be that is of this environment, owner and token."""
        return self.everywhere or environment in self.environments or self._made(owner, token)

    def owns(self, job: Job) -> bool:
        """Whether it is their own."""
        return self._made(job.owner, job.token)

    def _made(self, owner: int | None, token: int | None) -> bool:
        return self.owner is not None and owner == self.owner and self.token in {None, token}
