"""Whether this process does the jobs it makes, or hands them over to workers of the same database."""

from __future__ import annotations

from contextlib import ExitStack

from lading.errors import InputInvalid
from lading.services.environments.door_logins import LOGIN, NOBODY
from lading.services.jobs.job import Job
from lading.services.running.dispatch import Dispatch, NobodyElse
from lading.settings import Settings


class NothingShared(InputInvalid):
    """Servers and workers meet in a database and an object store, and one of them is not said."""

    hint = "Give --database postgresql://… and --storage s3://BUCKET/PREFIX, the same to all of them."

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"workers need {self.what} that they share with the servers"


def shared_places(settings: Settings) -> tuple[str, str]:
    """The database and the object store where servers and workers meet. Raises NothingShared."""
    if settings.database is None:
        raise NothingShared("a PostgreSQL database")
    if settings.storage is None:
        raise NothingShared("an object store")
    return settings.database, settings.storage


def dispatch_of(stack: ExitStack, settings: Settings) -> Dispatch:
    """To workers, where they are said to do the jobs. Closed with the stack. Raises NothingShared, QueueFailed."""
    if not settings.workers:
        return NobodyElse()
    database, _ = shared_places(settings)
    from lading.backends.job_queue.shared import SharedQueue  # noqa: PLC0415  nobody else pays for it

    queue = SharedQueue(database, is_here)
    stack.callback(queue.close)
    queue.begin()
    return queue


def is_here(job: Job) -> bool:
    """Whether only the process that made this job can do it: its client brought a login along, which no other one
    remembers."""
    return job.request.fields.get(LOGIN, NOBODY) != NOBODY
