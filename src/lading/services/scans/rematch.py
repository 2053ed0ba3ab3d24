"""Advisories have changed: what is installed in images is held against the new ones, and no blob is touched.

Our own scanner alone keeps lists of what images have. Only what differs is told and becomes a scan; where the new data
say the same, the scan that stands takes over their time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lading.engine.stores import ContentUnknown
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit
from lading.services.findings.rows import Occasion, ScanRow, ScanSubject
from lading.services.findings.scan_comparison import compare_scans
from lading.services.findings.scanner import Finding, ScannerName, ScanResult, ViewedLayer
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JobState, JsonObject, Telling
from lading.services.running.jobs import Jobs
from lading.services.scans.scans import Scans
from lading.services.schedules import Chore
from lading.wire.message import Cancel, Reader

REMATCH = "rematch"
"""The kind of these jobs."""

LOOK_SECONDS = 60 * 60.0
"""How often it is looked whether the advisories are newer than what stands: the command line imports them too."""

TOLD_IDS = 100
"""New ones, and fixed ones, of one image in a line."""


@dataclass(frozen=True, slots=True)
class KeptView:
    """Fulfils ImageView: an image that is known by the config that its list of packages is kept under."""

    subject: ScanSubject

    @property
    def id(self) -> str:
        return self.subject.image

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def manifest(self) -> Digest | None:
        return self.subject.manifest

    @property
    def config(self) -> Digest:
        return self.subject.config

    @property
    def platform(self) -> Platform:
        return Platform.parse(self.subject.platform)

    @property
    def layers(self) -> Sequence[ViewedLayer]:
        return ()

    def open(self, layer: ViewedLayer) -> Reader:
        raise ContentUnknown(layer.diff_id, "the list of packages")

    def layout(self) -> AbstractContextManager[Path]:
        raise ContentUnknown(self.subject.config, "the list of packages")


class Rematches:
    """Makes jobs that match again, and does their work."""

    def __init__(
        self, scans: Scans, jobs: Jobs, trail: Trail, probe: Callable[[], AbstractContextManager[Cancel]]
    ) -> None:
        """`probe` bounds how long a look at the scanner may take."""
        self._scans, self._jobs, self._trail, self._probe = scans, jobs, trail, probe

    def start(self, actor: Actor, key: RequestKey | None = None) -> Job:
        """Raises Denied, NotLoggedIn."""
        self.admit(actor, {})
        return self._jobs.start(actor, JobRequest(REMATCH, {}, sharing=REMATCH, deed=_DEED), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:  # noqa: ARG002  there are none
        """Whether the actor may have such a job done. Raises Denied, NotLoggedIn."""
        admit(self._trail, actor, Permission.SCANS_RUN, _DEED)

    def look(self) -> None:
        """Begin where the data are other than those that scans stand on. Raises StorageFailed, Cancelled."""
        with self._probe() as cancel:
            if any(True for _ in self._stale(cancel)):
                self.start(LADING)

    def advisories_over(self, fields: JsonObject, state: JobState) -> None:  # noqa: ARG002  Over has them
        """Fulfils services.jobs.kinds.Over, for jobs that bring advisories: some may have come even where one
        failed."""
        self.look()

    def chores(self) -> Sequence[Chore]:
        """Done from time to time; after an import the job that brought it has it done at once."""
        return (Chore("rematch look", LOOK_SECONDS, self.look),)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What such a job does. Raises Denied, StorageFailed, Cancelled."""
        self.admit(actor, fields)
        stale = self._stale(cancel)
        telling.line({"status": "matching", "message": f"Matching {len(stale)} images with newer advisories..."})
        results: dict[Digest, ScanResult | None] = {}
        changed = unread = 0
        for listed in stale:
            cancel.check()
            config = listed.subject.config
            if config not in results:
                results[config] = self._matched(listed.subject, cancel)
            result = results[config]
            if result is None:
                unread += 1
            elif self._take(listed, result, telling):
                changed += 1
        message = f"{len(stale)} images matched, {changed} of them have other findings now"
        return {"message": message, "images": len(stale), "changed": changed, "unread": unread}

    def _stale(self, cancel: Cancel) -> Sequence[ScanRow]:
        """Standing scans by our own scanner that stand on other data than it has now."""
        scanner = next(iter(self._scans.choice.of(ScannerName.OSV, cancel)), None)
        probe = None if scanner is None else scanner.probe(cancel)
        if scanner is None or probe is None or not probe.available:
            return ()
        now = (probe.version, probe.built)
        return [
            row
            for row in self._scans.records.standing(None)
            if row.result.scanner == scanner.name and (row.result.version, row.result.built) != now
        ]

    def _matched(self, subject: ScanSubject, cancel: Cancel) -> ScanResult | None:
        """None where what is installed is not known any more: the next round reads it again."""
        if self._scans.inventories.kept(subject.config) is None:
            return None
        (scanner,) = self._scans.choice.of(ScannerName.OSV, cancel)
        result = self._scans.choice.scan_with(scanner, KeptView(subject), lambda _: None, cancel)
        return result if result.status.sound else None

    def _take(self, listed: ScanRow, result: ScanResult, telling: Telling) -> bool:
        """Whether anything differs: then it is told, and kept."""
        row = self._scans.records.scan(listed.id)
        if row is None:
            return False
        after = self._scans.marked(row.subject, result)
        if _said(row.result) == _said(after):
            self._scans.records.confirm_scan(row.id, after)
            return False
        kept = self._scans.keep(row.subject, result, Occasion.ADVISORIES)
        found = compare_scans(row.result, after)
        new, fixed = _ids(found.new), _ids(found.fixed)
        telling.line(
            {
                "status": "rematched",
                "message": f"{row.subject.name}: {len(new)} new, {len(fixed)} fixed",
                "image": row.subject.name,
                "imageId": row.subject.image,
                "environment": row.subject.environment,
                "scanId": kept.id,
                "new": new[:TOLD_IDS],
                "fixed": fixed[:TOLD_IDS],
            }
        )
        return True


_DEED = Deed("rematch", "scan", "", "")


def _said(result: ScanResult) -> frozenset[tuple[object, ...]]:
    """What matters of findings: words that are said of them alone are no difference."""
    return frozenset(
        (
            *finding.key,
            finding.severity,
            finding.fixed_version,
            finding.fix_state,
            finding.known_exploited,
            finding.suppressed_by,
        )
        for finding in result.findings
    )


def _ids(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.id for finding in findings))
