"""Kinds of jobs: what each does, who may have it done, and how it is spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lading.services.access import Actor
from lading.services.jobs.job import Job, JobRequest, JobState, JsonObject, Work
from lading.wire.docker_words import Verb
from lading.wire.job_events import Fold

FALLBACK = "The job failed"
"""All that is told of an error that nobody foresaw, where the kind has no words of its own."""


class Admit(Protocol):
    """Asks for the permission that a job of this kind takes."""

    def __call__(self, actor: Actor, fields: JsonObject) -> None:
        """Raises Denied, recorded on the trail; RowUnknown where what it was about is gone."""


class Over(Protocol):
    """What is left to do about what such a job stood on, once it has ended."""

    def __call__(self, fields: JsonObject, state: JobState) -> None:
        """Where the job ended, wherever that was, and after its end was made durable: perhaps never, where a process
        is killed just then. May raise."""


class Again(Protocol):
    """What is asked where such a job, which has ended, is tried again."""

    def __call__(self, request: JobRequest, result: JsonObject | None) -> JobRequest:
        """`result` is the ended job's. Raises JobFieldsUnreadable."""


def the_same(request: JobRequest, result: JsonObject | None) -> JobRequest:  # noqa: ARG001  Again's
    """Most jobs are done anew as a whole: what has arrived is found again."""
    return request


def nothing_left(fields: JsonObject, state: JobState) -> None:
    """Most jobs stand on nothing that is theirs alone."""


@dataclass(frozen=True, slots=True)
class WorkKind:
    """What a kind of job stands for.

    `admit` asks whether somebody may have it done, who did not begin it himself: who tries it again, and who shares
    its run. `verb` chooses the words of its layers' lines. `resumes`: after a restart it is run again and goes on where
    it was. `fallback` is the whole text of an error that nobody foresaw. `over` clears up behind a job that has ended,
    and `again` says what is left to do where it is tried again.
    `lanes` is how many layers move at a time, beyond which the others are said to wait.
    """

    work: Work
    admit: Admit
    verb: Verb
    resumes: bool
    fallback: str = FALLBACK
    over: Over = nothing_left
    again: Again = the_same
    lanes: int | None = None

    def fold(self) -> Fold:
        """What makes lines of a run's events."""
        return Fold.of(self.verb) if self.lanes is None else Fold(self.verb, self.lanes)


Kinds = Mapping[str, WorkKind]


class Actors(Protocol):
    """Looks up again who a job belongs to."""

    def again(self, job: Job) -> Actor:
        """Its owner with the grants of this moment, narrowed by the job's token; without any where the user or the
        token is gone. Lading itself where the job has no owner."""
