"""Scans and their findings, policies, exceptions and verdicts; and environments that follow everybody's scanner.

So far an environment named a scanner that nobody ran. One that named none follows what is chosen for all.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")


def upgrade() -> None:
    """New tables, and a column that may be empty."""
    _environments()
    _scans()
    _findings()
    _policies()
    _verdicts()


def _environments() -> None:
    last = _last_number("environment")
    made_anew = {"sqlite_autoincrement": True}
    with op.batch_alter_table("environment", recreate=_recreate(), table_kwargs=made_anew) as table:
        table.alter_column("scanner", existing_type=TEXT, nullable=True)
    if last is not None:
        given = sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'environment'")
        op.execute(given.bindparams(last=last))
    op.execute("UPDATE environment SET scanner = NULL WHERE scanner = 'none'")
    op.execute("UPDATE environment SET scanner = 'osv' WHERE scanner = 'lading'")


def _last_number(table: str) -> int | None:
    """The last that SQLite gave to a row, there still or not; None where none was given, or it is not SQLite."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    asked = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=table)
    found: int | None = op.get_bind().execute(asked).scalar()
    return found


def _scans() -> None:
    op.create_table(
        "scan",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("environment", NUMBER, nullable=False),
        sa.Column("image", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("manifest", TEXT),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("occasion", TEXT, nullable=False),
        sa.Column("scanner", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("duration", sa.Float, nullable=False),
        sa.Column("built", sa.Float),
        *(sa.Column(severity, sa.Integer) for severity in SEVERITIES),
        sa.Column("coverage", sa.JSON, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False),
        sa.Column("present", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="scan_key"),
        sqlite_autoincrement=True,
    )
    for columns in (("environment", "config", "scanner"), ("config", "scanner"), ("name", "environment", "scanner")):
        op.create_index(f"scan_by_{'_'.join(columns)}", "scan", columns)
    standing = sa.text("standing")
    op.create_index("scan_standing", "scan", ["environment"], sqlite_where=standing, postgresql_where=standing)


def _findings() -> None:
    op.create_table(
        "finding",
        sa.Column("scan", NUMBER, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("vulnerability", TEXT, nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("package", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("fixed_version", TEXT),
        sa.Column("fix_state", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("purl", TEXT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("layer", TEXT),
        sa.Column("cvss", sa.Float),
        sa.Column("published", sa.Float),
        sa.Column("known_exploited", sa.Boolean, nullable=False),
        sa.Column("suppressed_by", TEXT),
        sa.Column("aliases", sa.JSON, nullable=False),
        sa.Column("scanners", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("scan", "position", name="finding_key"),
        sa.ForeignKeyConstraint(["scan"], ["scan.id"], name="finding_scan_in_scan", ondelete="CASCADE"),
    )
    op.create_index("finding_by_vulnerability", "finding", ["vulnerability"])
    op.create_index("finding_by_package", "finding", ["package"])
    op.create_table(
        "vulnerability_text",
        sa.Column("vulnerability", TEXT, nullable=False),
        sa.Column("scanner", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("link", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("vulnerability", "scanner", name="vulnerability_text_key"),
    )


def _policies() -> None:
    op.create_table(
        "policy",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("environments", sa.JSON),
        sa.Column("repositories", sa.JSON),
        sa.Column("registries", sa.JSON),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="policy_key"),
        sa.UniqueConstraint("name", name="policy_name_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "policy_exception",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("vulnerability", TEXT, nullable=False),
        sa.Column("package_url", TEXT, nullable=False),
        sa.Column("image", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("justification", TEXT),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("origin", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="policy_exception_key"),
        sqlite_autoincrement=True,
    )


def _verdicts() -> None:
    op.create_table(
        "policy_verdict",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("policy", NUMBER, nullable=False),
        sa.Column("policy_name", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("environment", NUMBER),
        sa.Column("image", TEXT, nullable=False),
        sa.Column("image_id", TEXT, nullable=False),
        sa.Column("config", TEXT),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("blocking", sa.JSON, nullable=False),
        sa.Column("blocked", sa.Integer, nullable=False),
        sa.Column("suppressed", sa.Integer, nullable=False),
        sa.Column("doubts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="policy_verdict_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("policy_verdict_by_at", "policy_verdict", ["at"])


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
