"""The tables of what processes tell each other of registries: which to leave alone, and who moves layers there.

`until` is in seconds since 1970, by the database's own clock (database_clock.py).
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Table

from lading.backends.database.columns import CodePointText, metadata

registry_hold = Table(
    "registry_hold",
    metadata,
    Column("host", CodePointText, primary_key=True),
    Column("until", Float, nullable=False),
    Column("reason", CodePointText, nullable=False),
)

registry_share = Table(
    "registry_share",
    metadata,
    Column("host", CodePointText, primary_key=True),
    Column("process", CodePointText, primary_key=True),
    Column("until", Float, nullable=False),
)
