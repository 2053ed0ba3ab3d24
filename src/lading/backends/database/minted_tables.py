"""The table of logins that providers mint: until when each registry's is good. The login itself is kept nowhere."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Table

from lading.backends.database.columns import RowNumber, metadata

minted_login = Table(
    "minted_login",
    metadata,
    Column("registry", RowNumber, ForeignKey("registry.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("expires", Float, nullable=False),
)
