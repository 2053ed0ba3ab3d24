"""An older database brought to our version by Alembic: all steps in one transaction, or none.

migrations/env.py            hands Alembic the one connection
migrations/versions/NNNN_*   numbered; the number is the file's `PRAGMA user_version` once the script has run
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from lading.backends.database.engine import open_engine
from lading.backends.database.failures import MigrationFailed, Place
from lading.backends.database.schema import VERSION

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(path: Path, found: int, wanted: int = VERSION, scripts: Path = SCRIPTS) -> None:
    """From version `found` to `wanted`; the caller holds the lock that keeps other processes from doing the same.

    Rows that break a foreign key afterwards undo everything. Raises MigrationFailed.
    """
    engine = open_engine(path)
    event.listen(engine, "connect", _leave_children)
    try:
        with migrating(path, found, wanted), engine.begin() as connection:
            upgrade(connection, wanted, scripts)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise MigrationFailed(path, found, wanted, f"a row of {broken[0]} names one that is not there")
            connection.exec_driver_sql(f"PRAGMA user_version = {wanted}")
    finally:
        engine.dispose()


def upgrade(connection: Connection, wanted: int, scripts: Path) -> None:
    """Every step up to `wanted`, in the transaction of this connection."""
    command.upgrade(_config(connection, scripts), f"{wanted:04}")


@contextmanager
def migrating(place: Place, found: int, wanted: int) -> Iterator[None]:
    """Inside, what fails is a MigrationFailed."""
    try:
        yield
    except (SQLAlchemyError, CommandError) as error:
        raise MigrationFailed(place, found, wanted, str(error)) from error


def _leave_children(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """A table that a step makes anew must not take along the rows that name its own; they are checked at the end."""
    connection.cursor().execute("PRAGMA foreign_keys = OFF")


def _config(connection: Connection, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
