"""Agents at the edge: their tokens, and which server holds them; and the token of a standard agent."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Two new tables, and a column that may be empty."""
    _environments()
    _tokens()
    _presences()


def _environments() -> None:
    last = _last_number("environment")
    made_anew = {"sqlite_autoincrement": True}
    with op.batch_alter_table("environment", recreate=_recreate(), table_kwargs=made_anew) as table:
        table.add_column(sa.Column("hawser_token_sealed", TEXT))
    if last is not None:
        given = sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'environment'")
        op.execute(given.bindparams(last=last))


def _last_number(table: str) -> int | None:
    """The last that SQLite gave to a row, there still or not; None where none was given, or it is not SQLite."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    asked = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=table)
    found: int | None = op.get_bind().execute(asked).scalar()
    return found


def _tokens() -> None:
    op.create_table(
        "agent_token",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("environment", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("used", sa.Float),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="agent_token_key"),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name="agent_token_environment_in_environment", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("hash", name="agent_token_hash_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("agent_token_by_environment", "agent_token", ["environment"])
    active = sa.text("active")
    once = "agent_token_active_once"
    op.create_index(once, "agent_token", ["environment"], unique=True, sqlite_where=active, postgresql_where=active)


def _presences() -> None:
    op.create_table(
        "agent_presence",
        sa.Column("environment", NUMBER, nullable=False, autoincrement=False),
        sa.Column("process", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("hello", sa.JSON, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("connected", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("told", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("environment", name="agent_presence_key"),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name="agent_presence_environment_in_environment", ondelete="CASCADE"
        ),
    )


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
