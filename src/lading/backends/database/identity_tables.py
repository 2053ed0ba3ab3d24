"""The table of who a user is at a provider of single sign-on: by its issuer and the subject there, never by a name or
an address, which providers give to others again."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Table

from lading.backends.database.columns import CodePointText, RowNumber, metadata

user_identity = Table(
    "user_identity",
    metadata,
    Column("issuer", CodePointText, primary_key=True),
    Column("subject", CodePointText, primary_key=True),
    Column("user", RowNumber, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("last_login", Float),
)
