"""Scans as JSON, by the names of interfaces §2: what events, the REST door and the command line give out.

Times are ISO 8601, in UTC; `scanDuration` is milliseconds. What nobody knows is left out of a vulnerability, and null
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lading.inventory.severity import Severity
from lading.oci.instants import instant, moment_text
from lading.services.findings.rows import FoundIn, ScanRow
from lading.services.findings.scan_comparison import ScanComparison
from lading.services.findings.scanner import Coverage, Finding, Probe, ScanResult
from lading.services.scans.scanner_settings import ScannerSetting
from lading.services.scans.words import coverage_text

Json = dict[str, object]

LONGEST_TOLD = 500
"""Characters of a description in an event."""

MOST_TOLD = 5000
"""Vulnerabilities in an event: some megabytes. A stranger's image may have any number of them, and what is kept and
sent as one piece must not take longer than the job is believed to be alive."""


def scanned_json(image: str, name: str, result: ScanResult) -> Json:
    """A scan result whole: the mission's fields, then ours."""
    return {
        **_head(image, name, result),
        "summary": summary_json(result.summary),
        **_vulnerabilities(result),
        **_tail(result),
    }


def told_json(rows: Sequence[ScanRow]) -> list[Json]:
    """Kept scans in an event, which is kept with its job and sent to whoever follows it: of each description its
    beginning, and of very many vulnerabilities the worst; `leftOut` is how many there are besides. The whole is to be
    had by the scan's id."""
    return [_told(row, MOST_TOLD // len(rows)) for row in rows]


def _told(row: ScanRow, most: int) -> Json:
    findings = row.result.findings
    told = findings if len(findings) <= most else sorted(findings, key=lambda each: -each.severity.rank)[:most]
    listed = [finding_json(finding, LONGEST_TOLD) for finding in told]
    whole = {**listed_json(row), "vulnerabilities": listed}
    return whole if len(told) == len(findings) else whole | {"leftOut": len(findings) - len(told)}


def scan_json(row: ScanRow) -> Json:
    """A kept scan with its findings."""
    return listed_json(row) | _vulnerabilities(row.result)


def listed_json(row: ScanRow) -> Json:
    """A kept scan in a list, without its findings."""
    subject = row.subject
    return {
        "id": row.id,
        **_head(subject.image, subject.name, row.result),
        "summary": summary_json(row.summary),
        **_tail(row.result),
        **_kept(row),
    }


def finding_json(finding: Finding, longest: int | None = None) -> Json:
    """One vulnerability of one package; of its description so many characters at most."""
    told = {
        "id": finding.id,
        "severity": finding.severity.value,
        "package": finding.package,
        "version": finding.version,
        "fixedVersion": finding.fixed_version,
        "description": _shortened(finding.description, longest) or None,
        "aliases": list(finding.aliases) or None,
        "type": finding.type or None,
        "purl": finding.purl or None,
        "fixState": finding.fix_state.value,
        "cvss": finding.cvss,
        "link": finding.link or None,
        "path": finding.path or None,
        "layer": str(finding.layer) if finding.layer else None,
        "publishedAt": moment_text(finding.published),
        "knownExploited": finding.known_exploited or None,
        "suppressedBy": finding.suppressed_by,
        "scanners": list(finding.scanners) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def found_json(found: FoundIn) -> Json:
    """A finding with the image it is in."""
    subject = found.subject
    return {
        **finding_json(found.finding),
        "scanId": found.scan,
        "imageId": subject.image,
        "imageName": subject.name,
        "environmentId": subject.environment,
        "platform": subject.platform,
    }


def summary_json(summary: Mapping[Severity, int] | None) -> Json | None:
    """How many of each severity; None where nobody knows."""
    return None if summary is None else {severity.value: summary[severity] for severity in Severity}


def coverage_json(coverage: Coverage, built: float | None) -> Json:
    """What was looked at, and in a sentence."""
    return {
        "text": coverage_text(coverage, built),
        "distribution": coverage.distribution or None,
        "packages": coverage.packages,
        "matched": coverage.matched,
        "owned": coverage.owned,
        "notEvaluated": dict(coverage.not_evaluated),
        "built": {source: moment_text(at) for source, at in coverage.built.items()},
        "notes": list(coverage.notes),
    }


def compared_json(comparison: ScanComparison) -> Json:
    """What came and went, and how many of each."""
    lists = {"new": comparison.new, "fixed": comparison.fixed, "same": comparison.same}
    told: Json = {name: [finding_json(finding) for finding in findings] for name, findings in lists.items()}
    return told | {"counts": {name: len(findings) for name, findings in lists.items()}}


def scanner_json(setting: ScannerSetting) -> Json:
    """Which scanner is chosen, and of each whether it can work."""
    return {
        "scanner": setting.scanner.value,
        "inherited": setting.inherited,
        "scanners": [probe_json(name, probe) for name, probe in setting.probes.items()],
    }


def probe_json(name: str, probe: Probe) -> Json:
    """Whether a scanner can work."""
    return {
        "name": name,
        "available": probe.available,
        "version": probe.version or None,
        "dbVersion": moment_text(probe.built),
        "reason": probe.reason or None,
    }


def _head(image: str, name: str, result: ScanResult) -> Json:
    return {
        "imageId": image,
        "imageName": name,
        "scanner": result.scanner,
        "scannedAt": instant(result.started),
        "scanDuration": round(result.duration * 1000),
    }


def _vulnerabilities(result: ScanResult, longest: int | None = None) -> Json:
    return {"vulnerabilities": [finding_json(finding, longest) for finding in result.findings]}


def _tail(result: ScanResult) -> Json:
    tail: Json = {
        "status": result.status.value,
        "coverage": coverage_json(result.coverage, result.built),
        "dbVersion": moment_text(result.built),
        "scannerVersion": result.version or None,
    }
    return tail | ({"message": f"Scan {result.status.value} - {result.error}"} if result.error else {})


def _kept(row: ScanRow) -> Json:
    subject = row.subject
    return {
        "environmentId": subject.environment,
        "platform": subject.platform,
        "config": str(subject.config),
        "manifest": str(subject.manifest) if subject.manifest else None,
        "occasion": row.occasion.value,
    }


def _shortened(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"
