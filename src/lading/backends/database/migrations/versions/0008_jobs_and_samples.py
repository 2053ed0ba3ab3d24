"""Jobs that know when they were begun and which one they try again; what storage took, hour by hour; and when somebody
last came by single sign-on.

Nobody wrote down when a job was begun, or when somebody came, so far: of those that are there it stays unknown.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Three columns that may be empty, and a new table."""
    with op.batch_alter_table("job", recreate=_recreate()) as table:
        table.add_column(sa.Column("started", sa.Float))
        table.add_column(sa.Column("retry_of", TEXT))
    with op.batch_alter_table("user_identity", recreate=_recreate()) as table:
        table.add_column(sa.Column("last_login", sa.Float))
    op.create_table(
        "storage_sample",
        sa.Column("at", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("logical", sa.BigInteger, nullable=False),
        sa.Column("reached", sa.BigInteger, nullable=False),
        sa.Column("stored", sa.BigInteger, nullable=False),
        sa.Column("reclaimable", sa.BigInteger, nullable=False),
        sa.Column("free", sa.BigInteger, nullable=False),
        sa.Column("capacity", sa.BigInteger, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("repositories", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("at", name="storage_sample_key"),
    )


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
