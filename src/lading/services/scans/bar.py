"""What is asked of a scan whose findings may stop a build (`lading scan --fail-on`): how bad is too bad, and whether
there is an answer at all."""

from __future__ import annotations

from lading.inventory.severity import Severity
from lading.services.findings.scanner import ScanFailed, ScanStatus, worst_first
from lading.services.scans.failures import FindingsStand, NothingAssessed, NothingRecognised
from lading.services.scans.local_scans import Scanned
from lading.services.scans.words import coverage_text


def hold_to(bar: Severity | None, scanned: Scanned) -> None:
    """Passes where nothing that counts is as bad as `bar`; None: any result will do. Raises FindingsStand,
    NothingAssessed, ScanFailed."""
    result, name = scanned.result, scanned.image.name
    coverage = result.coverage
    if result.status is ScanStatus.FAILED:
        raise ScanFailed(result.scanner, result.error)
    if result.status is ScanStatus.SKIPPED:
        looked = coverage.notes and not coverage.packages
        raise (NothingRecognised if looked else NothingAssessed)(name, result.error)
    if bar is None:
        return
    standing = worst_first(each for each in result.findings if not each.hidden and each.severity.at_least(bar))
    if standing:
        raise FindingsStand(bar, standing)
    if not coverage.assessed:
        raise NothingAssessed(name, coverage_text(coverage, result.built))
