"""Two scans compared: what is new, what is gone, what is in both. Sets, not counts: one that came and one that went are
no draw."""

from __future__ import annotations

from dataclasses import dataclass

from lading.services.findings.scanner import Finding, ScanResult, worst_first


@dataclass(frozen=True, slots=True)
class ScanComparison:
    """Findings by Finding.key, each list the worst first. `fixed` are as the earlier scan told them, `same` as the
    later one does: its severity may be another."""

    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    same: tuple[Finding, ...]

    @property
    def changed(self) -> bool:
        """Whether they differ."""
        return bool(self.new or self.fixed)


def compare_scans(before: ScanResult, after: ScanResult) -> ScanComparison:
    """What came and went from one scan to the other; what an exception hides is in neither."""
    earlier = {finding.key: finding for finding in before.findings if not finding.hidden}
    later = {finding.key: finding for finding in after.findings if not finding.hidden}
    return ScanComparison(
        worst_first(finding for key, finding in later.items() if key not in earlier),
        worst_first(finding for key, finding in earlier.items() if key not in later),
        worst_first(finding for key, finding in later.items() if key in earlier),
    )
