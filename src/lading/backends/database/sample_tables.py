"""The table of what our storage took, hour by hour: `at` is a whole second since 1970, the rest bytes and counts.

`free` and `capacity` are null where content lies in an object store: it has no end that anybody could name.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table

from lading.backends.database.columns import metadata

storage_sample = Table(
    "storage_sample",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("logical", BigInteger, nullable=False),
    Column("reached", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("reclaimable", BigInteger, nullable=False),
    Column("free", BigInteger),
    Column("capacity", BigInteger),
    Column("images", Integer, nullable=False),
    Column("repositories", Integer, nullable=False),
)
