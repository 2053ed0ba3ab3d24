"""Scans that somebody asks for: `POST /api/images/scan` makes a job, and here is its work (interfaces §2, images)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from lading.errors import InputInvalid
from lading.oci.platform import Platform
from lading.services.access import Actor
from lading.services.audit.audit import Deed
from lading.services.environments.environments import Environments
from lading.services.findings.rows import Occasion
from lading.services.findings.scanner import ScanFailed, ScannerName, ScanStatus
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.running.jobs import Jobs
from lading.services.scans.events import ScanEvents
from lading.services.scans.failures import NothingAssessed
from lading.services.scans.json import listed_json, told_json
from lading.services.scans.scanner_settings import ScannerSettings, scanner_named
from lading.services.scans.scans import ScanOrder, Scans
from lading.services.scans.words import outcome_text
from lading.wire.message import Cancel

SCAN = "scan"
"""The kind of these jobs."""


class ScanIncomplete(InputInvalid):
    """Without a name there is nothing to scan."""

    def __str__(self) -> str:
        return "Image name is required"


class NothingScans(InputInvalid):
    """`none` is a setting, and no scanner."""

    hint = "Leave scanner out: then the one that is set looks, or the best there is."

    def __str__(self) -> str:
        return "the scanner none scans nothing"


@dataclass(frozen=True, slots=True)
class ScanForm:
    """What somebody wrote: `image` is an id, digest or reference of the environment."""

    image: str | None = None
    scanner: str | None = None
    platform: str | None = None


class ScanJobs:
    """Makes scan jobs, and does their work. `clock` is any clock in seconds that never goes back."""

    def __init__(
        self,
        scans: Scans,
        settings: ScannerSettings,
        environments: Environments,
        jobs: Jobs,
        clock: Callable[[], float],
    ) -> None:
        self._scans, self._settings, self._environments = scans, settings, environments
        self._jobs, self._clock = jobs, clock

    def start(
        self, actor: Actor, environment: int | None, form: ScanForm, key: RequestKey | None, cancel: Cancel
    ) -> Job:
        """Raises ScanIncomplete, ScannerUnknown, NothingScans, PlatformInvalid, RowUnknown, ImageUnknown, IdAmbiguous,
        Denied, Unreachable."""
        if not form.image:
            raise ScanIncomplete
        if scanner_named(form.scanner) is ScannerName.NONE:
            raise NothingScans
        platform = str(Platform.parse(form.platform)) if form.platform else None
        opened = self._environments.open(actor, environment)
        opened.admit_scan(form.image, cancel)
        fields: JsonObject = {
            "environment": opened.id,
            "image": form.image,
            "scanner": form.scanner,
            "platform": platform,
        }
        deed = Deed(SCAN, "image", form.image, form.image, opened.id, {"scanner": form.scanner or "chosen"})
        sharing = json.dumps([SCAN, fields], sort_keys=True)
        return self._jobs.start(actor, JobRequest(SCAN, fields, opened.id, sharing, deed), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        asked = JobFields(fields)
        self._environments.open(actor, asked.whole_number("environment")).admit_scan_of(asked.text("image"))

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What a scan job does; it fails where no scanner came to a result. Raises what `start` does, ScanFailed,
        NothingAssessed, Cancelled."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        image, platform = asked.text("image"), asked.text_or_none("platform")
        name = environment.admit_scan(image, cancel)
        scanner = scanner_named(asked.text_or_none("scanner")) or self._chosen(environment.scanner)
        events = ScanEvents(telling.line, self._clock)
        events.begin()
        order = ScanOrder(environment.id, scanner, Occasion.ASKED)
        wanted = Platform.parse(platform) if platform else None
        with self._scans.opened(environment.id, image, wanted, cancel, name=name) as view:
            rows = self._scans.scan(order, view, events.progress, cancel)
        results = [row.result for row in rows]
        events.complete(results, told_json(rows))
        if all(row.summary is None for row in rows):
            reasons = "; ".join(dict.fromkeys(result.error for result in results)) or "no scanner is there"
            skipped = results and all(result.status is ScanStatus.SKIPPED for result in results)
            raise NothingAssessed(image, reasons) if skipped else ScanFailed(scanner.value, reasons)
        return {"message": outcome_text(results), "image": image, "scans": [listed_json(row) for row in rows]}

    def _chosen(self, own: ScannerName | None) -> ScannerName:
        """Who asks wants something to look: where nothing is chosen, the best there is."""
        chosen = self._settings.chosen(own)
        return ScannerName.AUTO if chosen is ScannerName.NONE else chosen
