"""Jobs handed over among processes: Procrastinate on PostgreSQL, in a schema of its own.

A row there only says that somebody should look at a job; what the job is, whose it is and how it ended stands in our
own row, fenced by its claims (services.jobs.records). So a hand-over too many does no harm, and one too few is made
good by whoever finds the job left (services.running.recovery).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lading.errors import StorageFailed, Unavailable
from lading.services.jobs.job import Job

SCHEMA, QUEUE, TASK = "queue", "jobs", "look"

POOL = 4
"""Connections of a process to the queue, beside those of its rows."""

FREE_SECONDS = 5.0
"""How long who wants one of them waits, and one that was lost is tried again before the next one is asked for: the
library would wait longer each time while the database is away."""

CONNECT_SECONDS = 10
SILENT_SECONDS = 10
"""How long the other side's machine may give no sign of life before a connection is dead."""

_PREPARING = 0x4C616451
"""Ours among the advisory locks of a database that other programs share: "LadQ" in ASCII."""


class QueueFailed(StorageFailed):
    """The queue in the database cannot be used now."""

    hint = "Look whether PostgreSQL runs, and whether its user may make the schema queue."

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"the queue of jobs could not {self.what}"


class QueueAway(QueueFailed, Unavailable):
    """Its database cannot be had for now."""

    hint = Unavailable.hint
    command = QueueFailed.hint


def connection(url: str) -> str:
    """What psycopg is to connect to: as the URL says, but for the schema, which is the queue's own; our tables are
    not to be seen there. Raises QueueFailed, which does not show the URL."""
    try:
        said = conninfo_to_dict(url)
    except psycopg.Error:
        raise QueueFailed("be reached: its URL is not postgresql://user:password@host:port/name") from None
    ours = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": SILENT_SECONDS,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
        "application_name": "lading queue",
    }
    options = f"{said.get('options') or ''} -c search_path={SCHEMA}".strip()
    return make_conninfo(**{name: str(value) for name, value in {**ours, **said, "options": options}.items()})


class SharedQueue:
    """Fulfils services.running.dispatch.Dispatch, for any number of threads. `begin` before, `close` behind."""

    def __init__(self, url: str, here: Callable[[Job], bool]) -> None:
        """`url` is `postgresql://…`; `here` says which jobs only the process that made them can do. Raises
        QueueFailed."""
        self._here, self._connection = here, connection(url)
        self._connector = SyncPsycopgConnector(
            conninfo=self._connection, min_size=1, max_size=POOL, timeout=FREE_SECONDS, reconnect_timeout=FREE_SECONDS
        )
        self._app = App(connector=self._connector)

    def begin(self) -> None:
        """Makes its tables, or brings them up to date. Raises QueueFailed."""
        with _translating("be opened"):
            prepare(self._connection)
            self._app.open()

    def close(self) -> None:
        """Harmless twice."""
        self._app.close()

    def dispatch(self, job: Job) -> bool:
        """Raises QueueFailed."""
        if self._here(job):
            return False
        with _translating("take a job"), suppress(AlreadyEnqueued):
            # Looked for first: what is refused stands in PostgreSQL's log each time.
            if self._connector.execute_query_all(_WAITS, job=job.id):
                return True
            self._app.configure_task(TASK, queue=QUEUE, queueing_lock=job.id).defer(job=job.id)
        return True


def prepare(connect: str) -> None:
    """The queue's tables, as the library of this version wants them; which one that was is the schema's comment. What a
    later version made stays as it is. All of it or nothing, by one process of several, for which the others wait.

    Raises psycopg.Error.
    """
    wanted = version("procrastinate")
    with psycopg.connect(connect) as database:
        database.execute("SELECT pg_advisory_xact_lock(%s)", [_PREPARING])
        database.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        made, found = database.execute(_FOUND, [SCHEMA]).fetchone() or (False, None)
        if made and _numbers(found or "0") >= _numbers(wanted):
            return
        if made:
            for script in migrations(found or "0", wanted):
                database.execute(script.read_bytes())
        else:
            database.execute(SchemaManager.get_schema())
        database.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{wanted}'")


_WAITS = "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %(job)s AND status = 'todo'"

_FOUND = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL, obj_description(to_regnamespace(%s), 'pg_namespace')"


def migrations(found: str, wanted: str, folder: Path | None = None) -> Iterator[Path]:
    """The library's scripts from after one version to another, in order: their names begin with the version that brings
    them, `03.04.00_01_pre_….sql`."""
    after, until = _numbers(found), _numbers(wanted)
    for path in sorted((folder or Path(SchemaManager.get_migrations_path())).glob("[0-9]*.sql")):
        if after < _numbers(path.name.partition("_")[0]) <= until:
            yield path


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


@contextmanager
def _translating(what: str) -> Iterator[None]:
    try:
        yield
    except (ConnectorException, psycopg.Error) as error:
        away = isinstance(error, psycopg.OperationalError) or isinstance(error.__cause__, psycopg.OperationalError)
        raise (QueueAway if away else QueueFailed)(what) from error
