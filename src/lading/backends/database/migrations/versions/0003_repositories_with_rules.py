"""Repositories with rules: who may read them, what is protected, when tags moved, what was pulled, what was checked.

Nobody knows when an older tag last moved: it counts as moved now, so that no rule lets go of it too early.
"""

from __future__ import annotations

import time
from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
ZERO = sa.text("0")


def upgrade() -> None:
    """From repositories that hold and name, and nothing else."""
    _repositories()
    _manifests()
    _tags()
    _releases()
    _checks()
    _keys()
    _begin()


def _repositories() -> None:
    with op.batch_alter_table("repository", recreate=_recreate()) as table:
        table.add_column(sa.Column("visibility", TEXT, nullable=False, server_default=sa.text("'private'")))
        table.add_column(sa.Column("created", sa.Float, nullable=False, server_default=ZERO))
        table.add_column(sa.Column("pushed", sa.Float))
        table.add_column(sa.Column("rules", sa.JSON))
        table.add_column(sa.Column("retention", sa.JSON))


def _manifests() -> None:
    with op.batch_alter_table("held_manifest", recreate=_recreate()) as table:
        table.add_column(sa.Column("pushed", sa.Float, nullable=False, server_default=ZERO))
        table.add_column(sa.Column("pulled", sa.Float))
        table.add_column(sa.Column("pulls", sa.BigInteger, nullable=False, server_default=ZERO))
        table.add_column(sa.Column("untagged", sa.Float))


def _tags() -> None:
    with op.batch_alter_table("tag", recreate=_recreate()) as table:
        table.add_column(sa.Column("created", sa.Float, nullable=False, server_default=ZERO))
        table.add_column(sa.Column("pointed", sa.Float, nullable=False, server_default=ZERO))
        table.add_column(sa.Column("pulled", sa.Float))
        table.add_column(sa.Column("pulls", sa.BigInteger, nullable=False, server_default=ZERO))


def _releases() -> None:
    op.create_table(
        "tag_release",
        sa.Column("repository", sa.Integer, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("until", sa.Float),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("repository", "name", name="tag_release_key"),
        sa.ForeignKeyConstraint(
            ["repository"], ["repository.id"], name="tag_release_repository_in_repository", ondelete="CASCADE"
        ),
    )


def _checks() -> None:
    op.create_table(
        "blob_check",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("checked", sa.Float, nullable=False),
        sa.Column("found", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="blob_check_key"),
    )
    op.create_index("blob_check_by_found", "blob_check", ["found"])
    op.create_index("blob_check_by_checked", "blob_check", ["checked"])


def _keys() -> None:
    """An older key stands for no request: what is sent with it again is refused, and so not done twice."""
    with op.batch_alter_table("idempotency", recreate=_recreate()) as table:
        table.add_column(sa.Column("digest", TEXT))


def _begin() -> None:
    now = time.time()
    op.execute(sa.text("UPDATE repository SET created = :now, pushed = :now").bindparams(now=now))
    op.execute(sa.text("UPDATE held_manifest SET pushed = :now").bindparams(now=now))
    op.execute(sa.text("UPDATE tag SET created = :now, pointed = :now").bindparams(now=now))


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
