"""Jobs that know how often a server was gone while they ran, an audit trail whose end is kept beside it, images by
their digest, and leases by their holder.

Nobody counted the losses so far, apart from how often a job was begun, which a stop in good order adds to as well: one
that waits or runs now begins with none. Nobody kept the end of the trail: where rows are sealed already, what is sealed
next begins to. Nobody wrote down for whom content is leased: as far as we know, somebody was told that it is here.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Columns, perhaps a setting; and an index, by which garbage is collected."""
    _leases()
    op.create_index("image_by_digest", "image", ["digest"])
    with op.batch_alter_table("job", recreate=_recreate()) as table:
        table.add_column(sa.Column("losses", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.execute(
        """
        INSERT INTO setting (key, value) SELECT 'audit-head', '"none yet"'
        WHERE EXISTS (SELECT 1 FROM audit WHERE seal IS NOT NULL)
        """
    )


def _leases() -> None:
    op.rename_table("lease", "lease_before")
    op.drop_index("lease_by_until", "lease_before")
    if op.get_bind().dialect.name != "sqlite":  # there, the name of a table's key is the table's own
        op.execute("ALTER TABLE lease_before RENAME CONSTRAINT lease_key TO lease_before_key")
    op.create_table(
        "lease",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("digest", "holder", name="lease_key"),
    )
    op.execute("INSERT INTO lease (digest, holder, until) SELECT digest, 'told', until FROM lease_before")
    op.drop_table("lease_before")
    op.create_index("lease_by_until", "lease", ["until"])
    op.create_index("lease_by_holder", "lease", ["holder"])


def _recreate() -> Literal["always", "never"]:
    """SQLite makes a table anew, so that its words are those of a new database; PostgreSQL changes it where it is."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
