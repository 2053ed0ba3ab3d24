"""Whom a job acts for: its owner, with what the owner may at the moment when the work begins or goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lading.services.access import LADING, Actor
from lading.services.identity.login_records import TokenRecords
from lading.services.identity.user_records import UserRecords
from lading.services.jobs.job import Job


class Owners:
    """Whom jobs belong to, looked up again (services.jobs.kinds.Actors)."""

    def __init__(self, users: UserRecords, tokens: TokenRecords, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._users, self._tokens, self._clock = users, tokens, clock

    def again(self, job: Job) -> Actor:
        """The owner with the grants of this moment, narrowed by the job's token; without any where the user or the
        token is gone, or has expired. Lading itself where the job has no owner."""
        if job.owner is None:
            return LADING
        bare = Actor(job.owner_name, (), job.owner, job.token)
        row = None
        if job.token is not None:
            row = self._tokens.token(job.token)
            if row is None or row.user != job.owner or (row.expires is not None and self._clock() >= row.expires):
                return bare
        grants = tuple(self._users.grants_of(job.owner))
        return replace(bare, grants=grants, scopes=None if row is None else row.scopes)
