"""Rounds over all images of one environment, or of all: asked for, or from time to time as the settings say.

What is known already, by the same scanner over the same data, costs a look: only images and data that are new are
scanned. A round also learns which images are gone, and lets go of old scans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lading.errors import Cancelled, LadingError, TimedOut
from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit
from lading.services.environment_images import Summary
from lading.services.environments.environments import Environments
from lading.services.environments.records import EnvironmentRow
from lading.services.findings.rows import Occasion, ScanRow
from lading.services.findings.scanner import ScannerName, ScanProgress
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.named_rows import RowUnknown
from lading.services.running.jobs import Jobs
from lading.services.scans.json import summary_json
from lading.services.scans.keeping import ScanKeeping
from lading.services.scans.scanner_settings import ScannerSettings
from lading.services.scans.scans import ScanOrder, Scans
from lading.services.scans.words import outcome_text
from lading.services.schedules import Chore
from lading.wire.message import Cancel

SCAN_ROUND = "scan-fleet"
"""The kind of these jobs."""


@dataclass(slots=True)
class _Count:
    """What a round has come to so far."""

    images: int = 0
    failed: int = 0
    unreachable: list[str] = field(default_factory=list)
    severities: Counter[str] = field(default_factory=Counter)

    def add(self, rows: Sequence[ScanRow]) -> None:
        self.images += 1
        sound = [row for row in rows if row.summary is not None]
        self.failed += not sound
        for row in sound[:1]:  # of two scanners, both would count the same twice
            self.severities.update({each.value: count for each, count in (row.summary or {}).items()})

    def result(self, forgotten: int) -> JsonObject:
        return {
            "message": f"{self.images} images scanned, {self.failed} of them without a result",
            "images": self.images,
            "failed": self.failed,
            "unreachable": self.unreachable,
            "summary": dict(self.severities),
            "forgotten": forgotten,
        }


class ScanRounds:
    """Makes round jobs, and does their work."""

    def __init__(
        self,
        scans: Scans,
        settings: ScannerSettings,
        environments: Environments,
        jobs: Jobs,
        trail: Trail,
        *,
        keeping: ScanKeeping,
    ) -> None:
        self._scans, self._settings, self._environments, self._keeping = scans, settings, environments, keeping
        self._jobs, self._trail = jobs, trail

    def start(self, actor: Actor, environment: int | None, key: RequestKey | None = None) -> Job:
        """None: of all environments. Raises Denied, NotLoggedIn, RowUnknown."""
        fields: JsonObject = {"environment": environment}
        self.admit(actor, fields)
        if environment is not None:
            self._environments.row(environment)
        sharing = f"{SCAN_ROUND} {environment}"
        return self._jobs.start(actor, JobRequest(SCAN_ROUND, fields, environment, sharing, _deed(fields)), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, NotLoggedIn."""
        admit(self._trail, actor, Permission.SCANS_RUN, _deed(fields))

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What such a job does: what cannot be reached or scanned is said, and the round goes on. Raises Denied,
        StorageFailed, Cancelled."""
        self.admit(actor, fields)
        wanted = JobFields(fields).whole_number_or_none("environment")
        rows = [row for row in self._environments.rows() if wanted in (None, row.id)]
        if wanted is not None and not rows:
            raise RowUnknown("environment", wanted)
        going = _Round(self._scans, self._environments, telling, cancel)
        for row in rows:
            scanner = self._settings.chosen(row.scanner)
            if scanner is not ScannerName.NONE:
                going.through(row, scanner)
        return going.count.result(self._keeping.prune())

    def chores(self, every: float | None) -> Sequence[Chore]:
        """Every so many seconds, as a job like any other; None: never."""
        return () if every is None else (Chore(SCAN_ROUND, every, lambda: self.start(LADING, None)),)


class _Round:
    """One round, going."""

    def __init__(self, scans: Scans, environments: Environments, telling: Telling, cancel: Cancel) -> None:
        self._scans, self._environments, self._telling, self._cancel = scans, environments, telling, cancel
        self.count = _Count()

    def through(self, row: EnvironmentRow, scanner: ScannerName) -> None:
        """All images of one environment. Raises StorageFailed, Cancelled."""
        images = self._images(row)
        if images is None:
            return
        self._scans.records.mark_present(row.id, {image.id for image in images})
        order = ScanOrder(row.id, scanner, Occasion.ROUND)
        for place, image in enumerate(images, 1):
            self._cancel.check()
            name = next(iter((*image.names, *image.digests)), image.id)
            message = f"{row.name}: {name} ({place} of {len(images)})"
            self._telling.line({"status": "scanning", "message": message})
            self._image(order, image, name)

    def _images(self, row: EnvironmentRow) -> Sequence[Summary] | None:
        try:
            return self._environments.unguarded(row.id).images(self._cancel)
        except (Cancelled, TimedOut):
            raise
        except LadingError as error:
            self.count.unreachable.append(row.name)
            self._telling.line({"status": "note", "message": f"{row.name} was passed over: {error.afar}"})
            return None

    def _image(self, order: ScanOrder, image: Summary, name: str) -> None:
        line: dict[str, object] = {"status": "scanned", "image": name, "imageId": image.id}
        try:
            with self._scans.opened(order.environment, image.id, None, self._cancel) as view:
                rows = self._scans.scan(order, view, _untold, self._cancel)
        except (Cancelled, TimedOut):
            raise
        except LadingError as error:
            self.count.add(())
            self._telling.line(line | {"message": f"Scan failed - {error.afar}", "summary": None})
            return
        self.count.add(rows)
        summary = next((summary_json(row.summary) for row in rows if row.summary is not None), None)
        self._telling.line(line | {"message": outcome_text([row.result for row in rows]), "summary": summary})


def _untold(progress: ScanProgress) -> None:
    """A round tells of images, not of how far one is."""


def _deed(fields: JsonObject) -> Deed:
    environment = JobFields(fields).whole_number_or_none("environment")
    return Deed("scan", "environment", str(environment or ""), "", environment)
