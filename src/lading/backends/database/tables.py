"""The tables of the store, the client and the embedded registry, for SQLAlchemy.

    image  lease                            the store's own names, and promises that content stays
    location  profile  upload               what the client remembers: hints, and uploads begun, per account
    repository ─┬─ held_blob                what /v2/ serves; architecture's `holds` is both held_ tables
                ├─ held_manifest ── child   and its `referrer` the manifests whose `subject` is set
                ├─ tag → held_manifest      `pointed`: when it last moved; `created`: when it was first made
                └─ tag_release              an administrator let go of a protected tag; `until` null: until it is used
    blob_check                              what re-reading a blob found last
    upload_session                          an upload's offset is the size of its file, never a column

`repository.rules` and `.retention` are the repository's own, each a whole list; `.trust` is its rule of signatures. A
count of pulls is written now and then, not at each pull. `untagged` is when a tag last stopped naming the manifest.

Times are seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    text,
)

from lading.backends.database.columns import CodePointText, DigestText, metadata

ZERO = text("0")

image = Table(
    "image",
    metadata,
    Column("reference", CodePointText, primary_key=True),
    Column("media_type", CodePointText, nullable=False),
    Column("digest", DigestText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("moved", Float, nullable=False),
    Index(None, "digest"),
)

lease = Table(
    "lease",
    metadata,
    Column("digest", DigestText, primary_key=True),
    Column("holder", CodePointText, primary_key=True),
    Column("until", Float, nullable=False, index=True),
    Index(None, "holder"),
)

location = Table(
    "location",
    metadata,
    Column("account", CodePointText, primary_key=True),
    Column("digest", DigestText, primary_key=True),
    Column("registry", CodePointText, primary_key=True),
    Column("path", CodePointText, primary_key=True),
    Column("seen", Float, nullable=False, index=True),
)

profile = Table(
    "profile",
    metadata,
    Column("host", CodePointText, primary_key=True),
    Column("learned", Float, nullable=False),
    Column("scheme", CodePointText),
    Column("realm", CodePointText),
    Column("service", CodePointText),
    Column("chunk_limit", BigInteger),
    Column("patches", Boolean, nullable=False),
    Column("mounts", Boolean, nullable=False),
    Column("mounts_itself", Boolean, nullable=False),
    Column("resumes", Boolean, nullable=False),
)

upload = Table(
    "upload",
    metadata,
    Column("account", CodePointText, primary_key=True),
    Column("registry", CodePointText, primary_key=True),
    Column("path", CodePointText, primary_key=True),
    Column("digest", DigestText, primary_key=True),
    Column("url", CodePointText, nullable=False),
    Column("begun", Float, nullable=False, index=True),
)

repository = Table(
    "repository",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", CodePointText, nullable=False, unique=True),
    Column("visibility", CodePointText, nullable=False, server_default=text("'private'")),
    Column("created", Float, nullable=False, server_default=ZERO),
    Column("pushed", Float),
    Column("rules", JSON(none_as_null=True)),
    Column("retention", JSON(none_as_null=True)),
    Column("trust", JSON(none_as_null=True)),
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
    Column("media_type", CodePointText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("subject", DigestText),
    Column("artifact_type", CodePointText),
    Column("annotations", JSON(none_as_null=True)),
    Column("pushed", Float, nullable=False, server_default=ZERO),
    Column("pulled", Float),
    Column("pulls", BigInteger, nullable=False, server_default=ZERO),
    Column("untagged", Float),
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
    Column("name", CodePointText, primary_key=True),
    Column("digest", DigestText, nullable=False),
    Column("created", Float, nullable=False, server_default=ZERO),
    Column("pointed", Float, nullable=False, server_default=ZERO),
    Column("pulled", Float),
    Column("pulls", BigInteger, nullable=False, server_default=ZERO),
    ForeignKeyConstraint(["repository", "digest"], ["held_manifest.repository", "held_manifest.digest"]),
    Index(None, "repository", "digest"),
)

tag_release = Table(
    "tag_release",
    metadata,
    Column("repository", ForeignKey("repository.id", ondelete="CASCADE"), primary_key=True),
    Column("name", CodePointText, primary_key=True),
    Column("until", Float),
    Column("reason", CodePointText, nullable=False),
    Column("actor", CodePointText, nullable=False),
    Column("at", Float, nullable=False),
)

blob_check = Table(
    "blob_check",
    metadata,
    Column("digest", DigestText, primary_key=True),
    Column("checked", Float, nullable=False, index=True),
    Column("found", CodePointText, nullable=False, index=True),
)

upload_session = Table(
    "upload_session",
    metadata,
    Column("id", CodePointText, primary_key=True),
    Column("repository", CodePointText, nullable=False),
    Column("begun", Float, nullable=False, index=True),
)
