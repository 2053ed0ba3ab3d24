"""The one clock that leases are compared by: the database's own, so that no two servers' clocks ever are.

PostgreSQL's is its server's. SQLite's is this machine's, which all processes at a file share. Seconds since 1970.
"""

from __future__ import annotations

from typing import Any  # what SQLAlchemy hands over has no type of ours

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

SQLITE_NOW = "((julianday('now') - 2440587.5) * 86400.0)"
POSTGRES_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"


class DatabaseNow(FunctionElement[float]):
    """This moment, as the database sees it."""

    type = Float()
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _on_sqlite(element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG001  SQLAlchemy's
    return SQLITE_NOW


@compiles(DatabaseNow, "postgresql")
def _on_postgres(element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG001  SQLAlchemy's
    return POSTGRES_NOW
