"""The tables of scans, for SQLAlchemy.

    scan ── finding            `standing`: no later one of its image, environment and scanner came to a result
      └ (vulnerability, scanner) ── vulnerability_text      said once, whatever images have it

`present` says that the image was still there when somebody looked last. A scan names its environment by number, without
a constraint: it is forgotten after it. Counts are NULL where nobody knows.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    text,
)
from sqlalchemy.types import TypeDecorator

from lading.backends.database.columns import CodePointText, DigestText, RowNumber, metadata
from lading.inventory.severity import Severity

_BY_RANK = {severity.rank: severity for severity in Severity}


class SeverityRank(TypeDecorator[Severity]):
    """How bad it is, as a number: the worst is the greatest, so that rows can be put in order."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Severity | None, dialect: Dialect) -> int | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else value.rank

    def process_result_value(self, value: int | None, dialect: Dialect) -> Severity | None:  # noqa: ARG002  its
        return None if value is None else _BY_RANK[value]


scan = Table(
    "scan",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("environment", RowNumber, nullable=False),
    Column("image", CodePointText, nullable=False),
    Column("name", CodePointText, nullable=False),
    Column("config", DigestText, nullable=False),
    Column("manifest", DigestText),
    Column("platform", CodePointText, nullable=False),
    Column("occasion", CodePointText, nullable=False),
    Column("scanner", CodePointText, nullable=False),
    Column("version", CodePointText, nullable=False),
    Column("status", CodePointText, nullable=False),
    Column("started", Float, nullable=False),
    Column("duration", Float, nullable=False),
    Column("built", Float),
    *(Column(severity.value, Integer) for severity in Severity),
    Column("coverage", JSON, nullable=False),
    Column("error", CodePointText, nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("present", Boolean, nullable=False),
    Index(None, "environment", "config", "scanner"),
    Index(None, "config", "scanner"),
    Index(None, "name", "environment", "scanner"),
    sqlite_autoincrement=True,
)
_standing = text("standing")
Index("scan_standing", scan.c.environment, sqlite_where=_standing, postgresql_where=_standing)

finding = Table(
    "finding",
    metadata,
    Column("scan", RowNumber, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("vulnerability", CodePointText, nullable=False, index=True),
    Column("severity", SeverityRank, nullable=False),
    Column("package", CodePointText, nullable=False, index=True),
    Column("version", CodePointText, nullable=False),
    Column("fixed_version", CodePointText),
    Column("fix_state", CodePointText, nullable=False),
    Column("type", CodePointText, nullable=False),
    Column("purl", CodePointText, nullable=False),
    Column("path", CodePointText, nullable=False),
    Column("layer", DigestText),
    Column("cvss", Float),
    Column("published", Float),
    Column("known_exploited", Boolean, nullable=False),
    Column("suppressed_by", CodePointText),
    Column("aliases", JSON, nullable=False),
    Column("scanners", JSON, nullable=False),
)

vulnerability_text = Table(
    "vulnerability_text",
    metadata,
    Column("vulnerability", CodePointText, primary_key=True),
    Column("scanner", CodePointText, primary_key=True),
    Column("description", CodePointText, nullable=False),
    Column("link", CodePointText, nullable=False),
)
