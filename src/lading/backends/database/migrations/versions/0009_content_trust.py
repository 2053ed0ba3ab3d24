"""Content trust: the trust server's files, keys and changefeed; public keys, rules of repositories, and verdicts. And
named locks of processes that share no disk, whose storage has no end that anybody could name. On PostgreSQL the tables
say from here on which is the oldest program that they bear.

A repository that was there has no rule, and nothing was signed.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """New tables, and a column that may be empty."""
    with op.batch_alter_table("repository", recreate=_recreate()) as table:
        table.add_column(sa.Column("trust", sa.JSON))
    _files()
    _server_keys()
    _changes()
    _keys()
    _verdicts()
    _named_locks()
    with op.batch_alter_table("storage_sample", recreate=_recreate()) as table:
        for name in ("free", "capacity"):
            table.alter_column(name, existing_type=sa.BigInteger, nullable=True)
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("alembic_version", sa.Column("oldest_program", sa.Integer))


def _files() -> None:
    op.create_table(
        "trust_file",
        sa.Column("gun", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("repository", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("newest", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("gun", "role", "sha256", name="trust_file_key"),
    )
    op.create_index("trust_file_by_gun_role_version", "trust_file", ["gun", "role", "version"])
    newest = sa.text("newest")
    op.create_index(
        "trust_file_newest_once",
        "trust_file",
        ["gun", "role"],
        unique=True,
        sqlite_where=newest,
        postgresql_where=newest,
    )
    for name, columns in (
        ("trust_file_newest_by_role", ["role", "created"]),
        ("trust_file_newest_by_repository", ["repository", "role"]),
    ):
        op.create_index(name, "trust_file", columns, sqlite_where=newest, postgresql_where=newest)


def _server_keys() -> None:
    op.create_table(
        "trust_server_key",
        sa.Column("gun", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("private_sealed", TEXT, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("gun", "role", "key_id", name="trust_server_key_key"),
    )


def _changes() -> None:
    op.create_table(
        "trust_change",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("gun", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="trust_change_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("trust_change_by_gun_id", "trust_change", ["gun", "id"])


def _keys() -> None:
    op.create_table(
        "trust_key",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("public", TEXT, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="trust_key_key"),
        sa.UniqueConstraint("name", name="trust_key_name_once"),
        sqlite_autoincrement=True,
    )


def _verdicts() -> None:
    op.create_table(
        "trust_verdict",
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("environment", NUMBER),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("trusted", sa.Boolean),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("verdict", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("reference", "digest", name="trust_verdict_key"),
    )
    op.create_index("trust_verdict_by_digest", "trust_verdict", ["digest"])


def _named_locks() -> None:
    op.create_table(
        "named_lock",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", name="named_lock_key"),
    )


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
