"""PostgreSQL by SQLAlchemy and psycopg: its URLs, its pool, and a database of our version there.

    found                    what is done
    no tables                made from the tables as they are
    our version              nothing, and no lock is taken
    an older version         migrated once, under an advisory lock, by Alembic
    a newer version          used as it is where it says that it bears programs of our version; else refused. Also
                             where somebody migrates under us: each transaction that writes looks
    another program's        refused

The version is Alembic's own row, and beside it stands the oldest program that the tables bear (schema.OLDEST): so
servers and workers of two versions work beside each other while an upgrade rolls. All is in the first schema of the
search path; each step is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from lading.backends.database.engine import POOL, POOL_SECONDS, READONLY
from lading.backends.database.failures import (
    DatabaseAway,
    DatabaseForeign,
    DatabaseNewer,
    DatabaseNotUnicode,
    DatabaseOutgrown,
    DatabaseUnreachable,
    Place,
)
from lading.backends.database.postgres_failures import of_postgres
from lading.backends.database.postgres_login import CONNECT_SECONDS, refusal
from lading.backends.database.schema import OURS, Program
from lading.backends.database.schema_text import metadata
from lading.backends.database.transactions import Transactions, Turn

SILENT_SECONDS = 10
"""How long the other side's machine may give no sign of life before a connection is dead."""

APART_SECONDS = 2.0
"""How long heartbeats wait for the one connection that is theirs: there is a next one soon."""

LOCK_SECONDS = 5
"""How long a transaction waits for another one's locks, as SQLite's do (database_file.BUSY_SECONDS)."""

_UNCHECKED = "unchecked"
"""The execution option of a connection that prepares the tables."""

_SET_VERSION = text("INSERT INTO alembic_version (version_num, oldest_program) VALUES (:version, :oldest)")
_SET_OLDEST = text("UPDATE alembic_version SET oldest_program = :oldest")
_VERSION = text("SELECT version_num FROM alembic_version")
_OLDEST = text("SELECT oldest_program FROM alembic_version")


def open_postgres(url: str, program: Program = OURS, scripts: Path | None = None) -> Transactions:
    """The database at `postgresql://user:password@host/name`, made or migrated first where it has to be.

    `scripts` None: our own migrations. Raises DatabaseNewer, DatabaseForeign, DatabaseNotUnicode, MigrationFailed,
    DatabaseUnreachable; DatabaseAway where that may be over in a while.
    """
    where = _parsed(url)
    place = _shown(where)
    engine = _engine(where, place, POOL, POOL_SECONDS, program)
    apart = _engine(where, place, 1, APART_SECONDS, program)
    transactions = Transactions(engine, place, of_postgres, apart=apart)
    try:
        _let_in(transactions, partial(_prepare, transactions, program, scripts))
    except BaseException:
        transactions.close()
        raise
    return transactions


def reach(url: str) -> None:
    """Lets go at once of the connection it gets: where none comes this ends late, and harms nobody who does not wait
    for that. Raises DatabaseUnreachable; DatabaseAway where that may be over in a while."""
    where = _parsed(url)
    transactions = Transactions(_engine(where, _shown(where), 1, POOL_SECONDS), _shown(where), of_postgres)
    with closing(transactions):
        _let_in(transactions, partial(_connect, transactions))


def _connect(transactions: Transactions) -> None:
    with transactions.translating(), transactions.engine.connect():
        pass


def _let_in(transactions: Transactions, work: Callable[[], None]) -> None:
    """Does it; once more where a server was away, and lets us in when that is looked into."""
    try:
        work()
    except DatabaseAway as error:
        refused = refusal(error, transactions.engine)
        if refused is not None:
            raise refused from error
        work()


def version_of(connection: Connection) -> int:
    """That of the tables, which may be newer than ours."""
    return int(connection.execute(_VERSION).scalar_one())


def refuse_newer(connection: Connection, place: Place) -> None:
    """For who only reads, and is not looked at otherwise. Raises DatabaseNewer."""
    _refuse_unborne(connection, version_of(connection), OURS, place)


def beside(transactions: Transactions, connections: int) -> Transactions:
    """The same database through a pool of its own: for who holds a connection while others ask for theirs."""
    engine = _engine(transactions.engine.url, str(transactions.place), connections, POOL_SECONDS)
    return Transactions(engine, transactions.place, of_postgres, outage=transactions.outage)


def _parsed(url: str) -> URL:
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise DatabaseUnreachable("postgresql", "its URL is not postgresql://user:password@host:port/name") from None


def _shown(where: URL) -> str:
    """A password may stand in the query as well."""
    return URL.create("postgresql", where.username, None, where.host, where.port, where.database).render_as_string()


def _engine(url: URL, place: str, connections: int, seconds: float, program: Program = OURS) -> Engine:
    def begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get(READONLY) and not options.get(_UNCHECKED):
            _refuse_unborne(connection, version_of(connection), program, place, DatabaseOutgrown)

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


def _prepare(transactions: Transactions, program: Program, scripts: Path | None) -> None:
    engine = transactions.engine.execution_options(**{_UNCHECKED: True})
    with transactions.translating(), engine.connect() as connection:
        if _found(connection, program, transactions.place) >= program.version:
            return
        connection.rollback()
        transactions.take_turn(connection, Turn.SCHEMA)
        found = _found(connection, program, transactions.place)
        if found == 0:
            _create(connection)
        elif found < program.version:
            _migrate(connection, transactions.place, found, program, scripts)
        connection.commit()


def _found(connection: Connection, program: Program, place: Place) -> int:
    """The version of its tables, which bear the program; 0 where there are none."""
    encoding: str = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise DatabaseNotUnicode(place, encoding)
    names = inspect(connection).get_table_names()
    if not names:
        return 0
    number = connection.execute(_VERSION).scalar() if "alembic_version" in names else None
    if number is None or not str(number).isdigit() or "held_manifest" not in names:
        raise DatabaseForeign(place)
    _refuse_unborne(connection, int(number), program, place)
    return int(number)


def _refuse_unborne(
    connection: Connection, found: int, program: Program, place: Place, leaf: type[DatabaseNewer] = DatabaseNewer
) -> None:
    if found > program.version and connection.execute(_OLDEST).scalar_one() > program.version:
        raise leaf(place, found, program.version)


def _create(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY, oldest_program INTEGER)"
    )
    metadata.create_all(connection, checkfirst=False)
    connection.execute(_SET_VERSION, {"version": f"{OURS.version:04}", "oldest": OURS.oldest})


def _migrate(connection: Connection, place: Place, found: int, program: Program, scripts: Path | None) -> None:
    """Imported here, because Alembic takes its time to load, and only an older database needs it."""
    from lading.backends.database.migrate import SCRIPTS, migrating, upgrade  # noqa: PLC0415

    with migrating(place, found, program.version):
        upgrade(connection, program.version, scripts or SCRIPTS)
        connection.execute(_SET_OLDEST, {"oldest": program.oldest})
