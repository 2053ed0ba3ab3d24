"""Retention as a job: asked for by who may edit a repository, or settings for all of them; and by Lading itself.

Each repository is gone through in short transactions, each of which decides anew: what is pushed or protected meanwhile
counts. What went from a repository is one record on the trail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.repositories.edits import DropManifest, DropTag, Edit
from lading.services.repositories.protection import is_attached
from lading.services.repositories.records import Decide, RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.retention.retention import Leased, Retention, drop_tags, drop_untagged
from lading.services.running.jobs import Jobs
from lading.services.schedules import Chore
from lading.wire.message import Cancel

RETENTION = "retention"
"""The kind of these jobs."""

TAGS_AT_ONCE = 500
MANIFESTS_AT_ONCE = 100
"""In one transaction, which others wait for; more of them where so many go that it would take too many turns."""

MOST_TURNS = 20
"""Each transaction judges the whole repository anew: what is pushed or protected meanwhile counts."""

TAGS_TOLD = 50
"""By name, on the trail."""

NAMES_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class LetGo:
    """What went from a repository: tags by name, lists of what was attached among them, and manifests."""

    tags: tuple[str, ...] = ()
    manifests: int = 0

    def __bool__(self) -> bool:
        return bool(self.tags or self.manifests)

    def __str__(self) -> str:
        return f"{_number(len(self.tags), 'tag')} and {_number(self.manifests, 'manifest')}"

    def and_(self, edits: Sequence[Edit]) -> LetGo:
        """With what these let go of."""
        tags = [edit.tag for edit in edits if isinstance(edit, DropTag)]
        return LetGo((*self.tags, *tags), self.manifests + sum(isinstance(edit, DropManifest) for edit in edits))


def at_once(going: int, least: int) -> int:
    """How many of those that go do so in one transaction; `least` of them, unless that takes more than MOST_TURNS."""
    return max(least, -(-going // MOST_TURNS)) if going else 0


class RetentionRuns:
    """Makes retention jobs, and does their work. `clock` tells seconds since 1970."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        jobs: Jobs,
        trail: Trail,
        *,
        leased: Leased,
        clock: Callable[[], float],
    ) -> None:
        """`leased` says what somebody was told of lately."""
        self._repositories, self._records, self._jobs = repositories, records, jobs
        self._trail, self._leased, self._clock = trail, leased, clock

    def start(self, actor: Actor, repository: str | None, key: RequestKey | None = None) -> Job:
        """For one repository, or with None for all. Raises Denied, NotLoggedIn, RepositoryUnknown."""
        fields: JsonObject = {"repository": repository}
        self.admit(actor, fields)
        if repository is not None:
            self._repositories.check_known(repository)
        sharing = f"{RETENTION} {repository or '*'}"
        return self._jobs.start(actor, JobRequest(RETENTION, fields, sharing=sharing, deed=_deed(repository)), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, NotLoggedIn."""
        repository = JobFields(fields).text_or_none("repository")
        permission = Permission.SETTINGS_EDIT if repository is None else Permission.REPOSITORIES_EDIT
        admit(self._trail, actor, permission, _deed(repository), repository)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What such a job does. Raises Denied, StorageFailed, Cancelled; what is gone by then is gone."""
        self.admit(actor, fields)
        repository = JobFields(fields).text_or_none("repository")
        changed = tags = manifests = 0
        for name in self._names() if repository is None else [repository]:
            cancel.check()
            gone = self.run(actor, name, cancel)
            if gone:
                telling.line({"status": "retaining", "message": f"{name}: let go of {gone}"})
                changed, tags, manifests = changed + 1, tags + len(gone.tags), manifests + gone.manifests
        return {"repositories": changed, "tags": tags, "manifests": manifests}

    def run(self, actor: Actor, repository: str, cancel: Cancel) -> LetGo:
        """Let go of what the rules of this repository say. Raises StorageFailed, Cancelled."""
        gone = LetGo()
        try:
            if self._look(repository).rules:
                for edits in self._batches(repository, cancel):
                    gone = gone.and_(edits)
        finally:
            if gone:
                self._trail.record(actor, _told(repository, gone), Result.DONE)
        return gone

    def chores(self, every: float) -> Sequence[Chore]:
        """Every so many seconds, as a job like any other."""
        return (Chore(RETENTION, every, lambda: self.start(LADING, None)),)

    def _batches(self, repository: str, cancel: Cancel) -> Iterator[Sequence[Edit]]:
        """Nobody is locked out where nothing goes."""
        steps = (
            (self._going_tags, self._drop_tags, TAGS_AT_ONCE),
            (self._going_manifests, self._drop_untagged, MANIFESTS_AT_ONCE),
        )
        for going, drop, least in steps:
            most = at_once(going(repository), least)
            while most and (edits := self._repositories.change(repository, drop(repository, most))):
                yield edits
                cancel.check()

    def _drop_tags(self, repository: str, most: int) -> Decide:
        return drop_tags(repository, self._clock(), most)

    def _drop_untagged(self, repository: str, most: int) -> Decide:
        spared = self._leased([row.digest for row in self._look(repository).untagged()])
        return drop_untagged(repository, self._clock(), most, spared)

    def _going_tags(self, repository: str) -> int:
        return sum(not verdict.kept for verdict in self._look(repository).of_tags())

    def _going_manifests(self, repository: str) -> int:
        """With the lists of what was attached."""
        look = self._look(repository)
        return len(look.untagged()) + sum(not verdict.kept for verdict in look.of_lists())

    def _look(self, repository: str) -> Retention:
        return Retention(self._records.view(repository), repository, self._clock())

    def _names(self) -> Iterator[str]:
        after = ""
        while names := self._records.repositories(after, NAMES_AT_ONCE):
            yield from names
            after = names[-1]


def _deed(repository: str | None) -> Deed:
    return Deed("retain", "repository", repository or "", repository or "")


def _told(repository: str, gone: LetGo) -> Deed:
    named = [tag for tag in gone.tags if not is_attached(tag)][:TAGS_TOLD]
    details = {"tags": len(gone.tags), "manifests": gone.manifests, "first": named}
    return Deed("retain", "repository", repository, repository, details=details)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
