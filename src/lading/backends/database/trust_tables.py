"""The tables of content trust, for SQLAlchemy.

    trust_file         trust metadata as publishers and the trust server signed it: one row for each text. `newest` are
                       the files that a collection consists of now, at most one of each role; the others are its past
    trust_server_key   the timestamp and snapshot keys that the trust server holds for a collection, the newest signing
    trust_change       the changefeed: what was published and deleted, in order
    trust_key          public keys that rules of repositories accept, by name
    trust_verdict      what a policy said of an image of an environment or a registry when it was last asked

A collection is named by its GUN, which is a repository as publishers spell it: `registry.example/team/app`; its
`repository` is the one of ours that it is about, `team/app`.
`repository.trust`, in tables.py, is the repository's own rule.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, LargeBinary, Table, text

from lading.backends.database.columns import CodePointText, DigestText, RowJson, RowNumber, metadata

trust_file = Table(
    "trust_file",
    metadata,
    Column("gun", CodePointText, primary_key=True),
    Column("role", CodePointText, primary_key=True),
    Column("sha256", CodePointText, primary_key=True),
    Column("repository", CodePointText, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created", Float, nullable=False),
    Column("newest", Boolean, nullable=False),
    Index(None, "gun", "role", "version"),
)

_newest = text("newest")
Index(
    "trust_file_newest_once",
    trust_file.c.gun,
    trust_file.c.role,
    unique=True,
    sqlite_where=_newest,
    postgresql_where=_newest,
)
for _name, _columns in (
    ("trust_file_newest_by_role", (trust_file.c.role, trust_file.c.created)),
    ("trust_file_newest_by_repository", (trust_file.c.repository, trust_file.c.role)),
):
    Index(_name, *_columns, sqlite_where=_newest, postgresql_where=_newest)

trust_server_key = Table(
    "trust_server_key",
    metadata,
    Column("gun", CodePointText, primary_key=True),
    Column("role", CodePointText, primary_key=True),
    Column("key_id", CodePointText, primary_key=True),
    Column("public", LargeBinary, nullable=False),
    Column("private_sealed", CodePointText, nullable=False),
    Column("created", Float, nullable=False),
)

trust_change = Table(
    "trust_change",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("gun", CodePointText, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("sha256", CodePointText, nullable=False),
    Column("category", CodePointText, nullable=False),
    Column("created", Float, nullable=False),
    Index(None, "gun", "id"),
    sqlite_autoincrement=True,
)

trust_key = Table(
    "trust_key",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("public", CodePointText, nullable=False),
    Column("key_id", CodePointText, nullable=False),
    Column("created", Float, nullable=False),
    Column("created_by", CodePointText, nullable=False),
    sqlite_autoincrement=True,
)

trust_verdict = Table(
    "trust_verdict",
    metadata,
    Column("reference", CodePointText, primary_key=True),
    Column("digest", DigestText, primary_key=True, index=True),
    Column("environment", RowNumber),
    Column("at", Float, nullable=False),
    Column("trusted", Boolean),
    Column("mode", CodePointText, nullable=False),
    Column("verdict", RowJson, nullable=False),
)
