"""The tables of agents, for SQLAlchemy: what lets them in, and who is there.

    environment ─┬─ agent_token        by a hash of what the agent shows; at most one active for each
                 └─ agent_presence     which server holds the agent, as long as that says so

No token's number is given out twice, or a new one would inherit what the trail says of an old one.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Table, text

from lading.backends.database.columns import CodePointText, RowJson, RowNumber, metadata

agent_token = Table(
    "agent_token",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("environment", RowNumber, ForeignKey("environment.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", CodePointText, nullable=False),
    Column("hash", CodePointText, nullable=False, unique=True),
    Column("prefix", CodePointText, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("used", Float),
    Column("active", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

_ACTIVE = text("active")
Index(
    "agent_token_active_once",
    agent_token.c.environment,
    unique=True,
    sqlite_where=_ACTIVE,
    postgresql_where=_ACTIVE,
)

agent_presence = Table(
    "agent_presence",
    metadata,
    Column(
        "environment",
        RowNumber,
        ForeignKey("environment.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("process", CodePointText, nullable=False),
    Column("url", CodePointText, nullable=False),
    Column("hello", RowJson, nullable=False),
    Column("address", CodePointText, nullable=False),
    Column("connected", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("told", Float, nullable=False),
)
