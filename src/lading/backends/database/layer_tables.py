"""The table of layers that hosts sent through us: by the digest of what is in one, the blob of ours that holds it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Table

from lading.backends.database.columns import CodePointText, DigestText, metadata

layer_blob = Table(
    "layer_blob",
    metadata,
    Column("place", CodePointText, primary_key=True),
    Column("diff_id", DigestText, primary_key=True),
    Column("digest", DigestText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", CodePointText, nullable=False),
    Column("used", Float, nullable=False, index=True),
)
