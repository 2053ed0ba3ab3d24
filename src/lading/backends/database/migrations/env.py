"""Run by Alembic inside `migrate`, which owns the connection and its one transaction."""

from __future__ import annotations

from alembic import context

from lading.backends.database.schema_text import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by making the table anew
    transactional_ddl=True,  # it can, where the transaction is begun by hand
)
context.run_migrations()
