"""Jobs handed over by a real PostgreSQL: the queue's own tables, and what becomes of its rows."""

from __future__ import annotations

import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lading.backends.database.postgres import open_postgres
from lading.backends.database.schema_text import metadata
from lading.backends.job_queue.shared import QueueFailed, SharedQueue, connection
from lading.backends.job_queue.worker import QueueWorker
from lading.services.jobs.job import Job, JobState
from tests.fakes.children import Child
from tests.fakes.jobs import asked
from tests.peers.postgres_server import PASSWORD, RunningPostgres, postgres_server
from tests.peers.programs import free_port

pytestmark = pytest.mark.peer("postgres")

BOUND_SECONDS = 120
"""No test waits so long."""

Rows = list[tuple[object, ...]]


@pytest.fixture
def url(postgres: RunningPostgres) -> str:
    """An empty database."""
    return postgres.empty()


@contextmanager
def handing_over(url: str, here: Callable[[Job], bool] = lambda _job: False) -> Iterator[SharedQueue]:
    shared = SharedQueue(url, here)
    shared.begin()
    with closing(shared):
        yield shared


class Taker:
    """Begins nothing: `next` gives the jobs it was handed, each with what tells that it is over."""

    def __init__(self) -> None:
        self._taken = queue.Queue[tuple[str, Callable[[], None]]]()

    def take(self, job: str, over: Callable[[], None]) -> None:
        self._taken.put((job, over))

    def next(self) -> tuple[str, Callable[[], None]]:
        return self._taken.get(timeout=BOUND_SECONDS)


@contextmanager
def working(url: str, concurrency: int = 4) -> Iterator[Taker]:
    taker = Taker()
    worker = QueueWorker(url, taker.take, concurrency)
    worker.begin()
    try:
        yield taker
    finally:
        worker.stop()
        worker.stop()


def job(name: str, kind: str = "push") -> Job:
    return Job(name, asked(kind), 1, "alice", JobState.QUEUED, 0, 0.0, 0.0, 0)


def rows(url: str, statement: str) -> Rows:
    with psycopg.connect(url) as database:
        return database.execute(statement.encode()).fetchall()


def kept(url: str) -> Rows:
    """Of the queue, in order."""
    return rows(url, "SELECT args->>'job', status::text FROM queue.procrastinate_jobs ORDER BY id")


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not in {BOUND_SECONDS} s: {what}"
        threading.Event().wait(0.02)


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = '{}' ORDER BY 1"
MARK = "SELECT obj_description('queue'::regnamespace, 'pg_namespace')"


def test_its_tables_are_in_a_schema_of_their_own_and_ours_are_as_before(url: str) -> None:
    open_postgres(url).close()
    before = rows(url, TABLES.format("public"))

    with handing_over(url):
        pass

    assert rows(url, TABLES.format("public")) == before
    assert ("procrastinate_jobs",) in rows(url, TABLES.format("queue"))
    assert rows(url, MARK) == [(version("procrastinate"),)]
    with closing(open_postgres(url)) as transactions, transactions.reading() as database:
        assert compare_metadata(MigrationContext.configure(database), metadata) == []


def test_the_queue_may_be_there_before_our_tables(url: str) -> None:
    with handing_over(url):
        pass

    open_postgres(url).close()

    assert ("job",) in rows(url, TABLES.format("public"))


def test_opening_it_again_changes_nothing(url: str) -> None:
    with handing_over(url) as shared:
        shared.dispatch(job("a"))
    with handing_over(url):
        pass

    assert kept(url) == [("a", "todo")]


PREPARES = """
import sys
from lading.backends.job_queue.shared import SharedQueue

shared = SharedQueue(sys.argv[1], lambda job: False)
sys.stdin.read(1)
shared.begin()
shared.close()
"""


def test_several_processes_may_begin_at_once(url: str) -> None:
    several = [
        Child([sys.executable, "-c", PREPARES, url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for each in several:
        assert each.stdin is not None
        each.stdin.write("x")
        each.stdin.flush()
    ended = [each.communicate(timeout=BOUND_SECONDS)[1] for each in several]

    assert [each.returncode for each in several] == [0] * 4, ended
    assert rows(url, MARK) == [(version("procrastinate"),)]


@pytest.mark.parametrize("mark", ["99.0.0", None], ids=["by a later version", "as it was left"])
def test_what_a_later_version_made_stays_as_it_is(url: str, mark: str | None) -> None:
    """Two versions serve beside each other while one is put in the place of the other."""
    with handing_over(url):
        pass
    if mark is not None:
        rows_of = psycopg.connect(url, autocommit=True)
        with closing(rows_of):
            rows_of.execute(f"COMMENT ON SCHEMA queue IS '{mark}'".encode())

    with handing_over(url) as shared:
        assert shared.dispatch(job("a"))

    assert rows(url, MARK) == [(mark or version("procrastinate"),)]


def test_a_job_that_waits_is_there_once_however_often_it_is_handed_over(url: str) -> None:
    with handing_over(url) as shared, handing_over(url) as other:
        assert [each.dispatch(job("a")) for each in (shared, other, shared)] == [True] * 3
        assert shared.dispatch(job("b"))

    assert kept(url) == [("a", "todo"), ("b", "todo")]


def test_what_is_for_the_process_that_made_it_is_not_handed_over(url: str) -> None:
    with handing_over(url, lambda job: job.request.kind == "import") as shared:
        assert not shared.dispatch(job("a", "import"))

    assert kept(url) == []


def test_who_works_takes_what_waited_and_what_comes(url: str) -> None:
    with handing_over(url) as shared:
        shared.dispatch(job("waited"))
        with working(url) as taker:
            first, over = taker.next()
            shared.dispatch(job("came"))
            second, also = taker.next()
            assert (first, second) == ("waited", "came")
            assert [status for _, status in kept(url)] == ["doing", "doing"]
            over()
            over()
            also()
            until(lambda: kept(url) == [], "both rows are gone")


def test_no_more_are_here_than_there_is_room_for(url: str) -> None:
    with handing_over(url) as shared, working(url, 2) as taker:
        for name in ("a", "b", "c"):
            shared.dispatch(job(name))
        (_, over), _ = taker.next(), taker.next()
        assert kept(url) == [("a", "doing"), ("b", "doing"), ("c", "todo")]
        over()
        assert taker.next()[0] == "c"


def test_a_job_that_runs_may_be_handed_over_again(url: str) -> None:
    """Whoever runs it may be dead: that the row does not know."""
    with handing_over(url) as shared, working(url) as taker:
        shared.dispatch(job("a"))
        assert taker.next()[0] == "a"
        shared.dispatch(job("a"))
        assert taker.next()[0] == "a"


def test_who_stops_leaves_no_row_behind(url: str) -> None:
    """What ran there is given back to the database by who ran it; who finds it hands it over anew."""
    with handing_over(url) as shared:
        with working(url) as taker:
            shared.dispatch(job("a"))
            taker.next()
        assert kept(url) == []
        assert rows(url, "SELECT * FROM queue.procrastinate_workers") == []


def test_what_a_dead_worker_had_is_handed_over_to_another(url: str) -> None:
    with handing_over(url) as shared:
        with working(url) as taker:
            shared.dispatch(job("a"))
            taker.next()
            with psycopg.connect(url, autocommit=True) as database:  # what a kill leaves: the row, and no heartbeat
                made = "SELECT * FROM queue.procrastinate_jobs"
                database.execute(f"CREATE TABLE left_behind AS {made}".encode())
        with psycopg.connect(url, autocommit=True) as database:
            worker = database.execute(
                "INSERT INTO queue.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
                " RETURNING id"
            ).fetchone()
            assert worker is not None
            database.execute("UPDATE left_behind SET worker_id = %s", worker)
            database.execute("INSERT INTO queue.procrastinate_jobs OVERRIDING SYSTEM VALUE SELECT * FROM left_behind")
        with working(url) as other:
            name, over = other.next()
            over()
            until(lambda: kept(url) == [], "the row is done")

    assert name == "a"


def test_it_works_again_when_the_database_does(caplog: pytest.LogCaptureFixture) -> None:
    with postgres_server() as server:
        url = server.empty()
        with caplog.at_level(logging.INFO, "lading"), handing_over(url) as shared, working(url) as taker:
            shared.dispatch(job("before"))
            _, over = taker.next()
            server.stop()
            until(lambda: "cannot be read" in caplog.text, "the worker notices")
            with pytest.raises(QueueFailed) as failure:
                shared.dispatch(job("meanwhile"))
            over()
            server.start()
            until(lambda: "is read again" in caplog.text, "the worker is back")
            shared.dispatch(job("after"))
            names = {taker.next()[0]}

    assert names <= {"after", "before"}  # the first one's row was left: it is anybody's to look at again
    assert PASSWORD not in caplog.text + str(failure.value)
    assert [record.getMessage().partition(":")[0] for record in caplog.records if record.name == "lading.jobs"] == [
        "the queue of jobs cannot be read, and is tried again until it can",
        "the queue of jobs is read again",
    ]


def test_it_stops_while_the_database_is_away() -> None:
    with postgres_server() as server:
        url = server.empty()
        with handing_over(url) as shared, working(url) as taker:
            shared.dispatch(job("a"))
            taker.next()
            server.stop()
        server.start()


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (lambda url: url.replace(PASSWORD, "wrong"), "unavailable"),
        (lambda url: url + "_none", "unavailable"),
        (lambda url: url.replace(url.split(":")[3].split("/")[0], str(free_port())), "unavailable"),
        (lambda _url: f"postgresql://lading:{PASSWORD}@host:port/x", "unavailable"),
        (lambda _url: f"postgresql://lading:{PASSWORD}@[half", "storage"),
        (lambda url: f"{url}?no_such_option={PASSWORD}", "storage"),
    ],
    ids=["password", "database", "port", "letters", "brackets", "option"],
)
def test_what_cannot_be_reached_is_said_so_without_the_password(
    url: str, bad: Callable[[str], str], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(QueueFailed) as failure, handing_over(bad(url)):
        pass

    assert PASSWORD not in str(failure.value) + caplog.text
    assert "wrong" not in str(failure.value) + caplog.text
    assert failure.value.hint
    assert failure.value.code == code


def test_what_the_url_says_counts_but_for_the_schema(url: str) -> None:
    """Else somebody's own search path would bring our tables and the queue's together."""
    said = f"{url}?options=-c%20statement_timeout%3D7s%20-c%20search_path%3Delsewhere&application_name=theirs"
    settings = "SELECT current_setting('statement_timeout'), current_setting('search_path'), current_setting(%s)"

    with psycopg.connect(connection(said)) as database:
        found = database.execute(settings, ["application_name"]).fetchone()
    with handing_over(said):
        pass

    assert found == ("7s", "queue", "theirs")
    assert ("procrastinate_jobs",) in rows(url, TABLES.format("queue"))


def test_a_worker_is_stopped_at_every_moment_of_its_start(url: str) -> None:
    """One cancellation may be lost while connections are opened; seen in one start of ten."""
    with handing_over(url):
        for moment in range(20):
            worker = QueueWorker(url, Taker().take, 4)
            worker.begin()
            threading.Event().wait(moment / 100)  # a moment, not a wait for anything
            stopping = threading.Thread(target=worker.stop, daemon=True)
            stopping.start()
            stopping.join(BOUND_SECONDS)
            assert not stopping.is_alive()
