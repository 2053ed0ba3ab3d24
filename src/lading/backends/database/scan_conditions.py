"""What lists of scans and findings are asked for, as conditions on their rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Text, cast, func, or_

from lading.backends.database.columns import among, holding, storable
from lading.backends.database.scan_tables import finding, scan
from lading.services.scan_rows import FindingQuery, ScanQuery


def scan_conditions(wanted: ScanQuery) -> Iterator[ColumnElement[bool]]:
    """Of rows of `scan`."""
    yield from _seen(wanted)
    if wanted.text:
        yield holding(wanted.text, (scan.c.name, scan.c.image))
    if wanted.image is not None:
        yield or_(scan.c.image == wanted.image, scan.c.name == wanted.image)
    if wanted.config is not None:
        yield scan.c.config == wanted.config
    if wanted.scanner is not None:
        yield scan.c.scanner == wanted.scanner
    if wanted.status is not None:
        yield scan.c.status == wanted.status.value


def finding_conditions(wanted: FindingQuery) -> Iterator[ColumnElement[bool]]:
    """Of rows of `finding`, each beside its scan's."""
    yield from _seen(wanted)
    if wanted.severities:
        yield finding.c.severity.in_(wanted.severities)
    if wanted.vulnerability is not None:
        # Aliases are a list of JSON, and so is each of them within its quotes. Whoever looks for cve-2026-1 means it.
        name = storable(wanted.vulnerability.lower())
        alias = func.lower(cast(finding.c.aliases, Text)).contains(f'"{name}"', autoescape=True)
        yield or_(func.lower(finding.c.vulnerability) == name, alias)
    if wanted.package is not None:
        yield finding.c.package == wanted.package
    if wanted.fixable is not None:
        yield finding.c.fixed_version.is_not(None) if wanted.fixable else finding.c.fixed_version.is_(None)
    if wanted.suppressed is not None:
        yield finding.c.suppressed_by.is_not(None) if wanted.suppressed else finding.c.suppressed_by.is_(None)
    if wanted.scanner is not None:
        yield scan.c.scanner == wanted.scanner
    if wanted.text:
        yield holding(wanted.text, (finding.c.vulnerability, finding.c.package, scan.c.name))


def _seen(wanted: ScanQuery | FindingQuery) -> Iterator[ColumnElement[bool]]:
    """What the asker may see."""
    if wanted.environments is not None:
        yield scan.c.environment.in_(sorted(wanted.environments))
    for environment, names in sorted(wanted.limited.items()):
        yield or_(scan.c.environment != environment, among(scan.c.name, sorted(names)))
