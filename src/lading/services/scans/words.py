"""What came of a scan, in a sentence. None says that nothing is wrong where something was not looked at."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.instants import moment_text
from lading.services.findings.scanner import Coverage, ScanResult, ScanStatus
from lading.services.scans.merging import merged

_DAY = len("2026-11-20")


def outcome_text(results: Sequence[ScanResult]) -> str:
    """How all of them ended: what at least one found, each thing once whoever says it; or why none came to a result."""
    sound = [result for result in results if result.status.sound]
    if sound:
        return f"Scan complete - found {number_found(sound)} vulnerabilities{_gap(sound)}"
    reasons = "; ".join(dict.fromkeys(result.error for result in results if result.error)) or "no scanner ran"
    skipped = bool(results) and all(result.status is ScanStatus.SKIPPED for result in results)
    return f"Scan {'skipped' if skipped else 'failed'} - {reasons}"


def number_found(results: Sequence[ScanResult]) -> int:
    """How many different findings stand: the same one of two scanners is one."""
    told = results[0] if len(results) == 1 else merged(results)
    return sum(not finding.hidden for finding in told.findings)


def coverage_text(coverage: Coverage, built: float | None) -> str:
    """`142 of 142 packages (data of 2026-11-20)`, or that nothing could be assessed. The time is that of the oldest
    data that the image was held against; `built` where nobody says which were."""
    if not coverage.assessed:
        causes = ", ".join(coverage.not_evaluated) or coverage.distribution or "no data"
        return f"Not assessed: {causes}"
    moment = moment_text(min(coverage.built.values(), default=built))
    day = f" (data of {moment[:_DAY]})" if moment is not None else ""
    return f"{coverage.matched + coverage.owned} of {coverage.packages} packages{day}"


def _gap(results: Sequence[ScanResult]) -> str:
    """What no result speaks of, where there is such a thing."""
    if any(result.status is ScanStatus.OK for result in results):
        return ""
    left = min(sum(result.coverage.not_evaluated.values()) for result in results)
    most = max(result.coverage.packages for result in results)
    return f", {left} of {most} packages not assessed" if left else ", not everything was assessed"
