"""Garbage collection as a job: asked for by who may change settings, and by Lading itself once a day.

One run at a time removes; who asks meanwhile shares it, and another process waits for its turn (engine.collect).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from lading.oci.digest import Digest
from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit
from lading.services.content.sweep_report import collected_json, found_text
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.running.jobs import Jobs
from lading.services.schedules import Chore
from lading.wire.message import Cancel

if TYPE_CHECKING:  # the engine's collector is loaded by whoever collects
    from lading.engine.collect import Amount, Collected

SWEEP = "gc"
"""The kind of these jobs."""

DAY = 24 * 60 * 60.0


class Sweeping(Protocol):
    """Removes content of our own that no name, lease or running work reaches (as services.content.stores.Collector)."""

    def __call__(
        self, dry_run: bool, given_up: Collection[Digest], cancel: Cancel, found: Callable[[Amount], None]
    ) -> Collected:
        """`found` hears how much is going to be removed, before it is."""


def _nothing() -> None:
    """Nothing is remembered."""


class ContentSweep:
    """Makes collection jobs, and does their work."""

    def __init__(self, collect: Sweeping, jobs: Jobs, trail: Trail, forget: Callable[[], None] = _nothing) -> None:
        """`forget` lets go, after a collection, of what is remembered of content alone."""
        self._collect, self._jobs, self._trail, self._forget = collect, jobs, trail, forget

    def start(self, actor: Actor, key: RequestKey | None = None, *, dry_run: bool = False) -> Job:
        """Raises Denied, NotLoggedIn."""
        fields: JsonObject = {"dryRun": dry_run}
        self.admit(actor, fields)
        sharing = f"{SWEEP} dry" if dry_run else SWEEP
        return self._jobs.start(actor, JobRequest(SWEEP, fields, sharing=sharing, deed=_deed(fields)), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, NotLoggedIn."""
        admit(self._trail, actor, Permission.SETTINGS_EDIT, _deed(fields))

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What such a job does. Raises Denied, StorageFailed, Cancelled; what is gone by then is gone."""
        self.admit(actor, fields)
        dry_run = JobFields(fields).truth("dryRun")
        telling.line({"status": "marking", "message": "Looking for content that nothing keeps..."})
        collected = self._collect(
            dry_run, (), cancel, lambda found: telling.line({"status": "removing", "message": found_text(found)})
        )
        if not dry_run:
            self._forget()
        return collected_json(collected, dry_run=dry_run)

    def chores(self) -> Sequence[Chore]:
        """Once a day, as a job like any other."""
        return (Chore("content sweep", DAY, lambda: self.start(LADING)),)


def _deed(fields: JsonObject) -> Deed:
    return Deed("prune", "content", "", "", details={"dryRun": JobFields(fields).truth("dryRun")})
