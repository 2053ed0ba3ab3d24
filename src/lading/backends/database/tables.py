"""The tables, for SQLAlchemy: what the migrations arrive at and schema.sql says in plain SQL (tests compare the three).

    image  lease                            the store's own names, and promises that content stays
    location  profile  upload               what the client remembers: hints, and uploads begun, per account
    repository ─┬─ held_blob                what /v2/ serves; architecture's `holds` is both held_ tables
                ├─ held_manifest ── child   and its `referrer` the manifests whose `subject` is set
                └─ tag → held_manifest
    upload_session                          an upload's offset is the size of its file, never a column

Times are seconds since 1970. Text compares by code point: SQLite's own order, which another database has to be told.
`python -m lading.backends.database.tables` prints schema.sql.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeDecorator

from lading.backends.database.schema import VERSION
from lading.oci.digest import Digest


class DigestText(TypeDecorator[Digest]):
    """A digest, kept as its text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Digest | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Digest | None:  # noqa: ARG002
        return None if value is None else Digest.parse(value)


metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_in_%(referred_table_name)s",
        "pk": "%(table_name)s_key",
        "uq": "%(table_name)s_%(column_0_N_name)s_once",
    }
)

image = Table(
    "image",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("digest", DigestText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("moved", Float, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("digest", DigestText, primary_key=True),
    Column("until", Float, nullable=False, index=True),
)

location = Table(
    "location",
    metadata,
    Column("account", Text, primary_key=True),
    Column("digest", DigestText, primary_key=True),
    Column("registry", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("seen", Float, nullable=False, index=True),
)

profile = Table(
    "profile",
    metadata,
    Column("host", Text, primary_key=True),
    Column("learned", Float, nullable=False),
    Column("scheme", Text),
    Column("realm", Text),
    Column("service", Text),
    Column("chunk_limit", BigInteger),
    Column("patches", Boolean, nullable=False),
    Column("mounts", Boolean, nullable=False),
    Column("mounts_itself", Boolean, nullable=False),
    Column("resumes", Boolean, nullable=False),
)

upload = Table(
    "upload",
    metadata,
    Column("account", Text, primary_key=True),
    Column("registry", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", DigestText, primary_key=True),
    Column("url", Text, nullable=False),
    Column("begun", Float, nullable=False, index=True),
)

repository = Table(
    "repository",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

held_blob = Table(
    "held_blob",
    metadata,
    Column("repository", ForeignKey("repository.id"), primary_key=True),
    Column("digest", DigestText, primary_key=True, index=True),
    Column("size", BigInteger, nullable=False),
)

held_manifest = Table(
    "held_manifest",
    metadata,
    Column("repository", ForeignKey("repository.id"), primary_key=True),
    Column("digest", DigestText, primary_key=True, index=True),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("subject", DigestText),
    Column("artifact_type", Text),
    Column("annotations", JSON(none_as_null=True)),
    Index(None, "repository", "subject"),
)

child = Table(
    "child",
    metadata,
    Column("repository", Integer, primary_key=True),
    Column("manifest", DigestText, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("digest", DigestText, nullable=False),
    ForeignKeyConstraint(
        ["repository", "manifest"], ["held_manifest.repository", "held_manifest.digest"], ondelete="CASCADE"
    ),
    Index(None, "digest", "repository"),
)

tag = Table(
    "tag",
    metadata,
    Column("repository", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", DigestText, nullable=False),
    ForeignKeyConstraint(["repository", "digest"], ["held_manifest.repository", "held_manifest.digest"]),
    Index(None, "repository", "digest"),
)

upload_session = Table(
    "upload_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("begun", Float, nullable=False, index=True),
)


def schema_sql() -> str:
    """schema.sql as these tables, and Alembic's own, give it."""
    return "".join(f"{statement};\n\n" for statement in _statements())


def _statements() -> Iterator[str]:
    yield f"-- Written by `python -m lading.backends.database.tables`.\nPRAGMA user_version = {VERSION}"
    yield (
        "CREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL,\n"
        "    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
    )
    yield f"INSERT INTO alembic_version VALUES ('{VERSION:04}')"  # noqa: S608  our own number
    for table in metadata.sorted_tables:
        yield _compiled(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield _compiled(CreateIndex(index))


def _compiled(statement: CreateTable | CreateIndex) -> str:
    text = str(statement.compile(dialect=sqlite.dialect()))
    return "\n".join(line.rstrip() for line in text.strip().splitlines()).replace("\t", "    ")


if __name__ == "__main__":
    sys.stdout.write(schema_sql())
