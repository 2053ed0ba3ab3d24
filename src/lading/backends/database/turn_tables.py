"""The table of named locks, for SQLAlchemy: what one process of several has for itself (see turn_rows.py)."""

from __future__ import annotations

from sqlalchemy import Column, Float, Table

from lading.backends.database.columns import CodePointText, metadata

named_lock = Table(
    "named_lock",
    metadata,
    Column("name", CodePointText, primary_key=True),
    Column("owner", CodePointText, nullable=False),
    Column("until", Float, nullable=False),
    Column("note", CodePointText),
)
