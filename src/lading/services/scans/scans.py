"""Scans: one image held against what is known, kept, and told of.

What equal content came to by the same scanner over the same data is not looked for again: a result is known by the
content's config, the scanner, its version and the time of its data. So a name that moved is another image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.clocks import Clocks
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.findings.records import ScanRecords
from lading.services.findings.rows import Occasion, ScanRow, ScanSubject
from lading.services.findings.scanner import (
    Finding,
    ImageView,
    Scanner,
    ScannerName,
    ScanReport,
    ScanResult,
    ScanStatus,
)
from lading.services.inventories.host_views import AtHost
from lading.services.inventories.image_views import ImageViews
from lading.services.inventories.inventories import Inventories
from lading.services.scans.scanner_choice import ScannerChoice, share
from lading.wire.message import Cancel


class Suppression(Protocol):
    """What exceptions hide."""

    def __call__(self, subject: ScanSubject, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The same in the same order, those under an exception marked `suppressed_by`, and no others."""


def nothing_hidden(subject: ScanSubject, findings: Sequence[Finding]) -> tuple[Finding, ...]:  # noqa: ARG001
    """Fulfils Suppression where there are no exceptions."""
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What a view is scanned for: by which choice of scanner, in which environment, and why."""

    environment: int
    scanner: ScannerName
    occasion: Occasion


class Scans:
    """For any number of threads."""

    def __init__(
        self,
        records: ScanRecords,
        choice: ScannerChoice,
        views: ImageViews,
        environments: Environments,
        *,
        inventories: Inventories,
        clocks: Clocks,
        suppression: Suppression = nothing_hidden,
    ) -> None:
        self.records, self.choice, self.views, self.inventories = records, choice, views, inventories
        self._environments, self._clocks, self._suppression = environments, clocks, suppression

    @contextmanager
    def opened(
        self, environment: int, image: str, platform: Platform | None, cancel: Cancel, *, name: str | None = None
    ) -> Iterator[ImageView]:
        """An image of an environment, by id, digest or reference; who may look at it has been asked. `name` is what it
        is to be called, where its own name is not there yet, or not for everybody. Raises RowUnknown, ImageUnknown,
        IdAmbiguous, PlatformMissing, NothingHere, Unscannable, Unreachable."""
        if self._environments.row(environment).connection_type is ConnectionType.EMBEDDED:
            yield self.views.own(image, platform, name)
            return
        host = self._environments.unguarded(environment)
        with self.views.of_host(AtHost(environment, host, image, platform, name), cancel) as view:
            yield view

    def scan(self, order: ScanOrder, view: ImageView, report: ScanReport, cancel: Cancel) -> Sequence[ScanRow]:
        """One row for each scanner that the choice means; one that failed has a row too. Raises StorageFailed,
        Cancelled."""
        scanners = self.choice.of(order.scanner, cancel)
        subject = subject_of(order.environment, view)
        rows = []
        for place, scanner in enumerate(scanners):
            row = self._kept(subject, scanner, order, cancel)
            if row is None:
                result = self.choice.scan_with(scanner, view, share(report, place, len(scanners)), cancel)
                row = self.keep(subject, result, order.occasion)
            rows.append(row)
        return rows

    def latest(self, environment: int, config: Digest) -> Sequence[ScanRow]:
        """The newest of each scanner, failed or not, with findings. Raises StorageFailed."""
        return self.records.latest(environment, config)

    def reconsider(self) -> int:
        """Exceptions have changed: marks and counts of the standing scans follow. How many scans changed. Raises
        StorageFailed."""
        changed = 0
        for listed in self.records.standing(None):
            row = self.records.scan(listed.id)
            if row is None:
                continue
            marked = self._suppression(row.subject, row.result.findings)
            marks = {
                place: after.suppressed_by
                for place, (before, after) in enumerate(zip(row.result.findings, marked, strict=True))
                if before.suppressed_by != after.suppressed_by
            }
            if marks:
                self.records.suppress(row.id, marks)
                changed += 1
        return changed

    def keep(self, subject: ScanSubject, result: ScanResult, occasion: Occasion) -> ScanRow:
        """A result as a row, with what exceptions hide marked. Raises StorageFailed."""
        return self.records.add_scan(subject, self.marked(subject, result), occasion)

    def marked(self, subject: ScanSubject, result: ScanResult) -> ScanResult:
        """With what exceptions hide. Raises StorageFailed."""
        return replace(result, findings=self._suppression(subject, result.findings))

    def unbegun(self, scanner: str, error: str, status: ScanStatus = ScanStatus.FAILED) -> ScanResult:
        """That no scanner could begin, and why; or that there was nothing for it to do."""
        return ScanResult(scanner, "", status, self._clocks.wall(), 0.0, error=error)

    def _kept(self, subject: ScanSubject, scanner: Scanner, order: ScanOrder, cancel: Cancel) -> ScanRow | None:
        """What is known of this content already: the same row where it is this image's newest."""
        probe = scanner.probe(cancel)
        if not probe.available:
            return None
        found = self.records.kept_result(subject.config, scanner.name, probe.version, probe.built)
        if found is None or found.subject.manifest != subject.manifest:
            return None  # another manifest may name other layers: that they are those of the config is to be looked at
        newest = self.records.latest(subject.environment, subject.config)
        if found.subject == subject and any(row.id == found.id for row in newest):
            return found
        again = replace(found.result, started=self._clocks.wall(), duration=0.0)
        return self.keep(subject, again, order.occasion)


def subject_of(environment: int, view: ImageView) -> ScanSubject:
    """What a view shows."""
    return ScanSubject(environment, view.id, view.name, view.config, view.manifest, str(view.platform))
