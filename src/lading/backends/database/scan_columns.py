"""Scans and findings as columns, and back."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any  # what a column holds, its statement says

from sqlalchemy import Row

from lading.backends.database.audit_reading import LATEST
from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.services.findings.rows import Occasion, ScanRow, ScanSubject
from lading.services.findings.scanner import Coverage, Finding, ScanResult, ScanStatus
from lading.wire.plain_json import plain_object

Columns = Mapping[str, object]


def subject_columns(subject: ScanSubject) -> Columns:
    """What was scanned."""
    return {
        "environment": subject.environment,
        "image": subject.image,
        "name": subject.name,
        "config": subject.config,
        "manifest": subject.manifest,
        "platform": subject.platform,
    }


def subject_of(row: Row[Any]) -> ScanSubject:
    """What was scanned, of a row that has its columns."""
    return ScanSubject(row.environment, row.image, row.name, row.config, row.manifest, row.platform)


def result_columns(result: ScanResult) -> Columns:
    """What came of it, without findings and counts."""
    return {
        "scanner": result.scanner,
        "version": result.version,
        "status": result.status.value,
        "started": result.started,
        "duration": result.duration,
        "built": _moment(result.built),
        "coverage": _coverage_columns(result.coverage),
        "error": result.error,
    }


def summary_columns(summary: Mapping[Severity, int] | None) -> Mapping[str, int | None]:
    """How many of each severity; where nobody knows, nothing."""
    return {severity.value: None if summary is None else summary[severity] for severity in Severity}


def row_of(row: Row[Any], findings: tuple[Finding, ...]) -> ScanRow:
    """One scan, with these findings."""
    counts = {severity: row._mapping[severity.value] for severity in Severity}
    result = ScanResult(
        row.scanner,
        row.version,
        ScanStatus(row.status),
        row.started,
        row.duration,
        findings,
        _coverage_of(row.coverage),
        row.built,
        row.error,
    )
    summary = None if None in counts.values() else counts
    return ScanRow(row.id, subject_of(row), result, Occasion(row.occasion), summary, row.standing)


def finding_columns(finding: Finding) -> Columns:
    """One finding, without what is said of its vulnerability once for all."""
    return {
        "vulnerability": finding.id,
        "severity": finding.severity,
        "package": finding.package,
        "version": finding.version,
        "fixed_version": finding.fixed_version,
        "fix_state": finding.fix_state.value,
        "type": finding.type,
        "purl": finding.purl,
        "path": finding.path,
        "layer": finding.layer,
        "cvss": finding.cvss if finding.cvss is not None and isfinite(finding.cvss) else None,
        "published": _moment(finding.published),
        "known_exploited": finding.known_exploited,
        "suppressed_by": finding.suppressed_by,
        **plain_object({"aliases": list(finding.aliases), "scanners": list(finding.scanners)}),
    }


def finding_of(row: Row[Any]) -> Finding:
    """One finding, with what is said of its vulnerability."""
    return Finding(
        row.vulnerability,
        row.severity,
        row.package,
        row.version,
        row.fixed_version,
        row.description or "",
        tuple(row.aliases),
        row.type,
        row.purl,
        FixState(row.fix_state),
        row.cvss,
        row.link or "",
        row.path,
        row.layer,
        row.published,
        row.known_exploited,
        row.suppressed_by,
        tuple(row.scanners),
    )


def _moment(seconds: float | None) -> float | None:
    """None for what is no time that can be told."""
    return seconds if seconds is not None and 0 <= seconds <= LATEST else None


def _coverage_columns(coverage: Coverage) -> Columns:
    return plain_object(
        {
            "distribution": coverage.distribution,
            "packages": coverage.packages,
            "matched": coverage.matched,
            "owned": coverage.owned,
            "not_evaluated": dict(coverage.not_evaluated),
            "built": {source: at for source, at in coverage.built.items() if _moment(at) is not None},
            "notes": list(coverage.notes),
        }
    )


def _coverage_of(kept: Mapping[str, Any]) -> Coverage:
    return Coverage(**{**kept, "notes": tuple(kept["notes"])})
