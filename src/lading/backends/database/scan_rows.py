"""Scans and their findings: services.findings.records.ScanRecords."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any  # what a column holds, its statement says

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)

from lading.backends.database.columns import counted, storable
from lading.backends.database.repository_view import batches
from lading.backends.database.scan_columns import (
    finding_columns,
    finding_of,
    result_columns,
    row_of,
    subject_columns,
    subject_of,
    summary_columns,
)
from lading.backends.database.scan_conditions import SUBJECT, finding_conditions, listed, scan_conditions
from lading.backends.database.scan_tables import finding, scan, vulnerability_text
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.upsert import put
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.rows import FindingQuery, FoundIn, Occasion, ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scanner import Finding, ScanResult, ScanStatus
from lading.services.findings.scanner import counted as by_severity

MOST_NAMED = 500
"""Images that are asked for by name: of more, all there are are looked through."""

_SOUND = tuple(status.value for status in ScanStatus if status.sound)

_TEXT = (vulnerability_text.c.description, vulnerability_text.c.link)


def _told(scans: FromClause) -> ColumnElement[bool]:
    """What the scanner of these said of a finding's vulnerability."""
    same = vulnerability_text.c.vulnerability == finding.c.vulnerability
    return and_(same, vulnerability_text.c.scanner == scans.c.scanner)


_FOUND = (
    select(finding, *_TEXT)
    .join(scan, scan.c.id == finding.c.scan)
    .outerjoin(vulnerability_text, _told(scan))
    .order_by(finding.c.position)
)
_HERE = and_(scan.c.standing, scan.c.present)


class DatabaseScans:
    """Fulfils ScanRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    # ── writing

    def add_scan(self, subject: ScanSubject, result: ScanResult, occasion: Occasion) -> ScanRow:
        summary, sound = result.summary, result.status.sound
        columns: dict[str, object] = {
            **subject_columns(subject),
            **result_columns(result),
            **summary_columns(summary),
            "occasion": occasion.value,
            "standing": sound,
            "present": True,
        }

        def work(connection: Connection) -> int:
            if sound:
                connection.execute(_fall_back(subject, result.scanner))
            id: int = connection.execute(insert(scan).returning(scan.c.id), columns).scalar_one()  # noqa: A001
            _add_findings(connection, id, result)
            return id

        id = self._transactions.written(work, Turn.SCANS)  # noqa: A001  a row's own word
        return ScanRow(id, subject, result, occasion, summary, standing=sound)

    def confirm_scan(self, id: int, result: ScanResult) -> None:  # noqa: A002  the protocol's word
        changed = update(scan).where(scan.c.id == id).values(**result_columns(result))
        self._transactions.written(lambda connection: connection.execute(changed))

    def suppress(self, id: int, marks: Mapping[int, str | None]) -> None:  # noqa: A002  the protocol's word
        marked = (
            update(finding)
            .where(finding.c.scan == id, finding.c.position == bindparam("place"))
            .values(suppressed_by=bindparam("mark"))
        )
        rows = [{"place": place, "mark": mark} for place, mark in marks.items()]

        def work(connection: Connection) -> None:
            if rows:
                connection.execute(marked, rows)
            found = [finding_of(row) for row in connection.execute(_FOUND.where(finding.c.scan == id))]
            counts = summary_columns(by_severity(found))
            connection.execute(update(scan).where(scan.c.id == id, scan.c.status.in_(_SOUND)).values(**counts))

        self._transactions.written(work, Turn.SCANS)

    def mark_present(self, environment: int, images: Collection[str]) -> None:
        here = select(scan.c.image).where(scan.c.environment == environment).distinct()

        def work(connection: Connection) -> None:
            known = set(connection.scalars(here))
            for present, group in ((True, known & set(images)), (False, known - set(images))):
                for batch in batches(group):
                    mine = (scan.c.environment == environment, scan.c.image.in_(batch), scan.c.present.is_not(present))
                    connection.execute(update(scan).where(*mine).values(present=present))

        self._transactions.written(work, Turn.SCANS)

    def prune_scans(self, kept: int, environments: Collection[int]) -> int:
        newer = (
            func.row_number()
            .over(partition_by=(scan.c.environment, scan.c.name, scan.c.scanner), order_by=scan.c.id.desc())
            .label("place")
        )
        ranked = select(scan.c.id, scan.c.standing, scan.c.present, newer).subquery("ranked")
        stays = and_(ranked.c.standing, ranked.c.present)
        beyond = select(ranked.c.id).where(ranked.c.place > kept, not_(stays))
        elsewhere = scan.c.environment.not_in(list(environments))
        told = exists().where(_told(scan), scan.c.id == finding.c.scan)

        def work(connection: Connection) -> int:
            gone = connection.execute(delete(scan).where(scan.c.id.in_(beyond) | elsewhere)).rowcount
            if gone:
                connection.execute(delete(vulnerability_text).where(not_(told)))
            return gone

        return self._transactions.written(work, Turn.SCANS)

    # ── reading scans

    def scan(self, id: int) -> ScanRow | None:  # noqa: A002  the protocol's word
        return next(iter(self._whole(select(scan).where(scan.c.id == id))), None)

    def scans(self, wanted: ScanQuery, first: int, count: int) -> Sequence[ScanRow]:
        newest = select(scan).where(*scan_conditions(wanted)).order_by(scan.c.id.desc())
        return self._bare(newest.offset(counted(first)).limit(counted(count)))

    def count_scans(self, wanted: ScanQuery) -> int:
        asked = select(func.count()).select_from(scan).where(*scan_conditions(wanted))
        with self._transactions.reading() as connection:
            return connection.scalar(asked) or 0

    def latest(self, environment: int, config: Digest) -> Sequence[ScanRow]:
        newest = (
            select(func.max(scan.c.id))
            .where(scan.c.environment == environment, scan.c.config == config)
            .group_by(scan.c.scanner)
        )
        return self._whole(select(scan).where(scan.c.id.in_(newest)).order_by(scan.c.scanner))

    def standing(self, environment: int | None, config: Digest | None = None) -> Sequence[ScanRow]:
        asked = select(scan).where(_HERE).order_by(scan.c.id)
        if environment is not None:
            asked = asked.where(scan.c.environment == environment)
        return self._bare(asked if config is None else asked.where(scan.c.config == config))

    def worst(self, environment: int, images: Collection[str]) -> Mapping[str, Severity | None]:
        counts = [func.sum(scan.c[severity.value]) for severity in Severity]
        asked = (
            select(scan.c.image, *counts)
            .where(scan.c.environment == environment, scan.c.standing, scan.c.status.in_(_SOUND))
            .group_by(scan.c.image)
        )
        if len(images) <= MOST_NAMED:
            asked = asked.where(scan.c.image.in_(sorted(images)))
        with self._transactions.reading() as connection:
            rows = connection.execute(asked).all()
        return {
            row[0]: next((severity for severity, count in zip(Severity, row[1:], strict=True) if count), None)
            for row in rows
            if row[0] in images
        }

    def kept_result(self, config: Digest, scanner: str, version: str, built: float | None) -> ScanRow | None:
        same = (
            scan.c.config == config,
            scan.c.scanner == scanner,
            scan.c.version == version,
            scan.c.built.is_not_distinct_from(literal(built, scan.c.built.type)),
            scan.c.status.in_(_SOUND),
        )
        return next(iter(self._whole(select(scan).where(*same).order_by(scan.c.id.desc()).limit(1))), None)

    def names(self) -> Collection[str]:
        with self._transactions.reading() as connection:
            return frozenset(connection.scalars(select(scan.c.name).distinct()))

    def _bare(self, asked: Select[Any]) -> Sequence[ScanRow]:
        with self._transactions.reading() as connection:
            return [row_of(row, ()) for row in connection.execute(asked)]

    def _whole(self, asked: Select[Any]) -> Sequence[ScanRow]:
        with self._transactions.reading() as connection:
            return [row_of(row, _findings(connection, row.id)) for row in connection.execute(asked).all()]

    # ── reading findings

    def findings(self, wanted: FindingQuery, first: int, count: int) -> Sequence[FoundIn]:
        scans = listed(wanted)
        subject = [scans.c[name] for name in SUBJECT]
        asked = (
            select(finding, *_TEXT, *subject)
            .join(scans, scans.c.id == finding.c.scan)
            .outerjoin(vulnerability_text, _told(scans))
            .where(*finding_conditions(wanted, scans))
            .order_by(
                finding.c.severity.desc(),
                finding.c.vulnerability,
                finding.c.package,
                scans.c.name,
                finding.c.scan,
                finding.c.position,
            )
            .offset(counted(first))
            .limit(counted(count))
        )
        with self._transactions.reading() as connection:
            return [FoundIn(row.scan, subject_of(row), finding_of(row)) for row in connection.execute(asked)]

    def count_findings(self, wanted: FindingQuery) -> Mapping[Severity, int]:
        scans = listed(wanted)
        asked = (
            select(finding.c.severity, func.count())
            .join(scans, scans.c.id == finding.c.scan)
            .where(*finding_conditions(wanted, scans))
            .group_by(finding.c.severity)
        )
        with self._transactions.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(asked)}
        return {severity: found.get(severity, 0) for severity in Severity}


def _fall_back(subject: ScanSubject, scanner: str) -> Update:
    """The one that stood so far is no longer the standing one."""
    before = (scan.c.environment == subject.environment, scan.c.config == subject.config, scan.c.scanner == scanner)
    return update(scan).where(*before, scan.c.standing).values(standing=False)


def _findings(connection: Connection, id: int) -> tuple[Finding, ...]:  # noqa: A002  a row's own word
    return tuple(finding_of(row) for row in connection.execute(_FOUND.where(finding.c.scan == id)))


def _add_findings(connection: Connection, id: int, result: ScanResult) -> None:  # noqa: A002  a row's own word
    rows = [{"scan": id, "position": place, **finding_columns(each)} for place, each in enumerate(result.findings)]
    if not rows:
        return
    connection.execute(insert(finding), rows)
    texts = {storable(each.id): each for each in result.findings}  # two may be one to the database
    told = [
        {"vulnerability": each.id, "scanner": result.scanner, "description": each.description, "link": each.link}
        for each in texts.values()
    ]
    connection.execute(put(connection, vulnerability_text), told)
