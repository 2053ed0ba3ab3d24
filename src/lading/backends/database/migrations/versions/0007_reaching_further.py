"""Registries whose provider mints their logins, and when hosts push to them through us; which blob of ours holds a
layer that was relayed; and users who came by single sign-on."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Columns that may be empty or say how it was so far, and new tables."""
    _registries()
    _minted()
    _layers()
    _identities()


def _registries() -> None:
    last = _last_number("registry")
    made_anew = {"sqlite_autoincrement": True}
    with op.batch_alter_table("registry", recreate=_recreate(), table_kwargs=made_anew) as table:
        table.add_column(sa.Column("provider", TEXT, nullable=False, server_default=sa.text("'generic'")))
        table.add_column(sa.Column("provider_fields", sa.JSON))
        table.add_column(sa.Column("provider_sealed", TEXT))
        table.add_column(sa.Column("relay", TEXT, nullable=False, server_default=sa.text("'auto'")))
    if last is not None:
        given = sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'registry'")
        op.execute(given.bindparams(last=last))


def _last_number(table: str) -> int | None:
    """The last that SQLite gave to a row, there still or not; None where none was given, or it is not SQLite."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    asked = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=table)
    found: int | None = op.get_bind().execute(asked).scalar()
    return found


def _minted() -> None:
    op.create_table(
        "minted_login",
        sa.Column("registry", NUMBER, nullable=False, autoincrement=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("registry", name="minted_login_key"),
        sa.ForeignKeyConstraint(
            ["registry"], ["registry.id"], name="minted_login_registry_in_registry", ondelete="CASCADE"
        ),
    )


def _layers() -> None:
    op.create_table(
        "layer_blob",
        sa.Column("place", TEXT, nullable=False),
        sa.Column("diff_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("used", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("place", "diff_id", name="layer_blob_key"),
    )
    op.create_index("layer_blob_by_used", "layer_blob", ["used"])


def _identities() -> None:
    op.create_table(
        "user_identity",
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("user", NUMBER, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="user_identity_key"),
        sa.ForeignKeyConstraint(["user"], ["user.id"], name="user_identity_user_in_user", ondelete="CASCADE"),
    )
    op.create_index("user_identity_by_user", "user_identity", ["user"])


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
