"""The first tables: the catalogue's and the embedded registry's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing."""
    _store()
    _hints()
    _repositories()
    _manifests()


def _store() -> None:
    op.create_table(
        "image",
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("moved", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("reference", name="image_key"),
    )
    op.create_table(
        "lease",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="lease_key"),
    )
    op.create_index("lease_by_until", "lease", ["until"])


def _hints() -> None:
    op.create_table(
        "location",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("account", "digest", "registry", "path", name="location_key"),
    )
    op.create_index("location_by_seen", "location", ["seen"])
    op.create_table(
        "profile",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("learned", sa.Float, nullable=False),
        sa.Column("scheme", sa.Text),
        sa.Column("realm", sa.Text),
        sa.Column("service", sa.Text),
        sa.Column("chunk_limit", sa.BigInteger),
        sa.Column("patches", sa.Boolean, nullable=False),
        sa.Column("mounts", sa.Boolean, nullable=False),
        sa.Column("mounts_itself", sa.Boolean, nullable=False),
        sa.Column("resumes", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("host", name="profile_key"),
    )
    op.create_table(
        "upload",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("begun", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("account", "registry", "path", "digest", name="upload_key"),
    )
    op.create_index("upload_by_begun", "upload", ["begun"])


def _repositories() -> None:
    op.create_table(
        "repository",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="repository_key"),
        sa.UniqueConstraint("name", name="repository_name_once"),
    )
    op.create_table(
        "held_blob",
        sa.Column("repository", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("repository", "digest", name="held_blob_key"),
        sa.ForeignKeyConstraint(["repository"], ["repository.id"], name="held_blob_repository_in_repository"),
    )
    op.create_index("held_blob_by_digest", "held_blob", ["digest"])
    op.create_table(
        "upload_session",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("begun", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="upload_session_key"),
    )
    op.create_index("upload_session_by_begun", "upload_session", ["begun"])


def _manifests() -> None:
    op.create_table(
        "held_manifest",
        sa.Column("repository", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("artifact_type", sa.Text),
        sa.Column("annotations", sa.JSON),
        sa.PrimaryKeyConstraint("repository", "digest", name="held_manifest_key"),
        sa.ForeignKeyConstraint(["repository"], ["repository.id"], name="held_manifest_repository_in_repository"),
    )
    op.create_index("held_manifest_by_digest", "held_manifest", ["digest"])
    op.create_index("held_manifest_by_repository_subject", "held_manifest", ["repository", "subject"])
    held = ["held_manifest.repository", "held_manifest.digest"]
    op.create_table(
        "child",
        sa.Column("repository", sa.Integer, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("repository", "manifest", "position", name="child_key"),
        sa.ForeignKeyConstraint(
            ["repository", "manifest"], held, name="child_repository_manifest_in_held_manifest", ondelete="CASCADE"
        ),
    )
    op.create_index("child_by_digest_repository", "child", ["digest", "repository"])
    op.create_table(
        "tag",
        sa.Column("repository", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("repository", "name", name="tag_key"),
        sa.ForeignKeyConstraint(["repository", "digest"], held, name="tag_repository_digest_in_held_manifest"),
    )
    op.create_index("tag_by_repository_digest", "tag", ["repository", "digest"])
