"""PostgreSQL by SQLAlchemy and psycopg: its URLs, its pool, and a database of our version there.

    found                    what is done
    no tables                made from the tables as they are
    our version              nothing, and no lock is taken
    an older version         migrated once, under an advisory lock, by Alembic
    a newer version          refused, also where somebody migrates under us: each transaction that writes looks
    another program's        refused

The version is Alembic's own row. All is in the first schema of the search path; each step is one transaction.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from lading.backends.database.engine import POOL, POOL_SECONDS, READONLY
from lading.backends.database.failures import (
    DatabaseForeign,
    DatabaseNewer,
    DatabaseNotUnicode,
    DatabaseUnreachable,
    Place,
)
from lading.backends.database.postgres_failures import of_postgres
from lading.backends.database.schema import VERSION
from lading.backends.database.schema_text import metadata
from lading.backends.database.transactions import Transactions, Turn

CONNECT_SECONDS = 10
SILENT_SECONDS = 10
"""How long the other side's machine may give no sign of life before a connection is dead."""

APART_SECONDS = 2.0
"""How long heartbeats wait for the one connection that is theirs: there is a next one soon."""

LOCK_SECONDS = 5
"""How long a transaction waits for another one's locks, as SQLite's do (database_file.BUSY_SECONDS)."""

_UNCHECKED = "unchecked"
"""The execution option of a connection that prepares the tables."""

_SET_VERSION = text("INSERT INTO alembic_version VALUES (:version)")
_VERSION = text("SELECT version_num FROM alembic_version")


def open_postgres(url: str, wanted: int = VERSION, scripts: Path | None = None) -> Transactions:
    """The database at `postgresql://user:password@host/name`, made or migrated first where it has to be.

    `scripts` None: our own migrations. Raises DatabaseNewer, DatabaseForeign, DatabaseNotUnicode, DatabaseUnreachable,
    MigrationFailed.
    """
    where = _parsed(url)
    # A password may stand in the query as well.
    place = URL.create("postgresql", where.username, None, where.host, where.port, where.database).render_as_string()
    engine, apart = _engine(where, place, POOL, POOL_SECONDS), _engine(where, place, 1, APART_SECONDS)
    transactions = Transactions(engine, place, of_postgres, apart=apart)
    try:
        _prepare(transactions, wanted, scripts)
    except BaseException:
        transactions.close()
        raise
    return transactions


def _parsed(url: str) -> URL:
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise DatabaseUnreachable("postgresql", "its URL is not postgresql://user:password@host:port/name") from None


def _engine(url: URL, place: str, connections: int, seconds: float) -> Engine:
    def begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get(READONLY) and not options.get(_UNCHECKED):
            _refuse_newer(int(connection.execute(_VERSION).scalar_one()), place)

    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=seconds,
        pool_pre_ping=True,  # PostgreSQL may have been restarted since
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": SILENT_SECONDS,
            "tcp_user_timeout": SILENT_SECONDS * 1000,
            "application_name": "lading",
            "options": f"-c lock_timeout={LOCK_SECONDS}s {_options(url)}",
        },
    )
    event.listen(engine, "begin", begun)
    return engine


def _options(url: URL) -> str:
    """What the URL itself sets, which is said last and counts."""
    said = url.query.get("options", "")
    return said if isinstance(said, str) else " ".join(said)


def _prepare(transactions: Transactions, wanted: int, scripts: Path | None) -> None:
    engine = transactions.engine.execution_options(**{_UNCHECKED: True})
    with transactions.translating(), engine.connect() as connection:
        if _found(connection, transactions.place) == wanted:
            return
        connection.rollback()
        transactions.take_turn(connection, Turn.SCHEMA)
        found = _found(connection, transactions.place)
        if found == 0:
            _create(connection)
        elif found < wanted:
            _migrate(connection, transactions.place, (found, wanted), scripts)
        connection.commit()


def _found(connection: Connection, place: Place) -> int:
    """The version of its tables; 0 where there are none."""
    encoding: str = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise DatabaseNotUnicode(place, encoding)
    names = inspect(connection).get_table_names()
    if not names:
        return 0
    number = connection.execute(_VERSION).scalar() if "alembic_version" in names else None
    if number is None or not str(number).isdigit() or "held_manifest" not in names:
        raise DatabaseForeign(place)
    _refuse_newer(int(number), place)
    return int(number)


def _refuse_newer(found: int, place: Place) -> None:
    if found > VERSION:
        raise DatabaseNewer(place, found, VERSION)


def _create(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    metadata.create_all(connection, checkfirst=False)
    connection.execute(_SET_VERSION, {"version": f"{VERSION:04}"})


def _migrate(connection: Connection, place: Place, step: tuple[int, int], scripts: Path | None) -> None:
    """Imported here, because Alembic takes its time to load, and only an older database needs it."""
    from lading.backends.database.migrate import SCRIPTS, migrating, upgrade  # noqa: PLC0415

    with migrating(place, *step):
        upgrade(connection, step[1], scripts or SCRIPTS)
