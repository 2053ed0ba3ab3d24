"""What processes tell each other: which registries are to be left alone, who moves layers there, and what whoever holds
a named lock has to say to the next. And an index by which jobs that were left behind are found.

What is new begins empty.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Two new tables, a column that may be empty, and an index."""
    op.create_table(
        "registry_hold",
        sa.Column("host", TEXT, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("host", name="registry_hold_key"),
    )
    op.create_table(
        "registry_share",
        sa.Column("host", TEXT, nullable=False),
        sa.Column("process", TEXT, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("host", "process", name="registry_share_key"),
    )
    with op.batch_alter_table("named_lock", recreate=_recreate()) as table:
        table.add_column(sa.Column("note", TEXT))
    op.create_index("job_by_state_heartbeat", "job", ["state", "heartbeat"])


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
