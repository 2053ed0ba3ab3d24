"""What lists of scans and findings are asked for, as conditions on their rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, FromClause, Text, and_, case, cast, func, or_, select, true

from lading.backends.database.columns import among, holding, storable
from lading.backends.database.scan_tables import finding, scan
from lading.services.findings.rows import FindingQuery, ScanQuery

SUBJECT = ("environment", "image", "name", "config", "manifest", "platform")
"""Columns that say what was scanned."""


def scan_conditions(wanted: ScanQuery) -> Iterator[ColumnElement[bool]]:
    """Of rows of `scan`."""
    yield from _of_environments(wanted)
    yield from _named(wanted, scan)
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


def listed(wanted: FindingQuery) -> FromClause:
    """The standing scans of images that are there which the asker may see, by `id` and `scanner`; the other columns are
    those of the scan under whose name each is told. That is itself, or where its name may not be seen, the newest scan
    of the same content in the same environment whose name may."""
    there = and_(*_of_environments(wanted), scan.c.standing, scan.c.present)
    ids = (scan.c.id, scan.c.scanner)
    if not wanted.limited:
        return select(*ids, *(scan.c[each] for each in SUBJECT)).where(there).subquery("listed")
    other, told = scan.alias("other"), scan.alias("told")
    same = and_(other.c.environment == scan.c.environment, other.c.config == scan.c.config, other.c.present)
    named = select(func.max(other.c.id)).where(same, *_named(wanted, other)).correlate(scan).scalar_subquery()
    itself = case((and_(true(), *_named(wanted, scan)), scan.c.id), else_=named)
    seen = select(*ids, *(told.c[each] for each in SUBJECT)).join_from(scan, told, told.c.id == itself)
    return seen.where(there).subquery("listed")


def finding_conditions(wanted: FindingQuery, listed: FromClause) -> Iterator[ColumnElement[bool]]:
    """Of rows of `finding`, each beside its scan's of `listed`."""
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
        yield listed.c.scanner == wanted.scanner
    if wanted.text:
        aliases = cast(finding.c.aliases, Text)
        yield holding(wanted.text, (finding.c.vulnerability, aliases, finding.c.package, listed.c.name))


def _of_environments(wanted: ScanQuery | FindingQuery) -> Iterator[ColumnElement[bool]]:
    if wanted.environments is not None:
        yield scan.c.environment.in_(sorted(wanted.environments))


def _named(wanted: ScanQuery | FindingQuery, scans: FromClause) -> Iterator[ColumnElement[bool]]:
    """Called so that the asker may see it."""
    for environment, names in sorted(wanted.limited.items()):
        yield or_(scans.c.environment != environment, among(scans.c.name, sorted(names)))
