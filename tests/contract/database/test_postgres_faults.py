"""A PostgreSQL that cannot be reached, goes away, or is used by others meanwhile, and what its faults look like."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing

import psycopg
import pytest

from lading.backends.database.failures import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseContended,
    DatabaseCorrupt,
    DatabaseFailed,
    DatabaseFull,
    DatabaseUnreachable,
    DatabaseUnwritable,
)
from lading.backends.database.postgres import open_postgres, reach
from lading.backends.database.postgres_failures import translated_postgres
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.errors import Unavailable
from lading.oci.digest import Digest
from lading.services.named_rows import NameTaken
from lading.services.repositories.decisions import rename_repository
from lading.services.repositories.edits import Edit, HoldBlob
from lading.services.repositories.records import RepositoryView
from tests.fakes.repository_rows import held_in
from tests.peers.postgres_server import PASSWORD, RunningPostgres, postgres_server
from tests.peers.programs import free_port
from tests.peers.service_process import until

pytestmark = pytest.mark.peer("postgres")


@pytest.mark.parametrize(
    "bad",
    [
        lambda url: url.replace(PASSWORD, "wrong"),
        lambda url: url + "_none",
        lambda url: url.replace(url.split(":")[3].split("/")[0], str(free_port())),
        lambda url: url.replace("//lading:", "//nobody:"),
        lambda _url: f"postgresql://lading:{PASSWORD}@[half",
        lambda _url: f"postgresql://lading:{PASSWORD}@host:port/x",
    ],
    ids=["password", "database", "port", "user", "brackets", "letters"],
)
def test_what_cannot_be_reached_is_said_so_without_the_password(url: str, bad: Callable[[str], str]) -> None:
    with pytest.raises(DatabaseUnreachable) as failure:
        open_postgres(bad(url))

    assert PASSWORD not in str(failure.value)
    assert "wrong" not in str(failure.value)
    assert "\n" not in str(failure.value)
    assert failure.value.hint


@pytest.mark.parametrize(
    "bad",
    [
        lambda url: url.replace(PASSWORD, "wrong"),
        lambda url: url + "_none",
        lambda url: url.replace("//lading:", "//nobody:"),
        lambda _url: f"postgresql://lading:{PASSWORD}@host:port/x",
    ],
    ids=["password", "database", "user", "letters"],
)
def test_a_server_that_lets_nobody_in_like_this_is_not_away(url: str, bad: Callable[[str], str]) -> None:
    """Another try would end like the first."""
    with pytest.raises(DatabaseUnreachable) as failure:
        open_postgres(bad(url))

    assert not isinstance(failure.value, Unavailable)
    assert failure.value.code == "storage"


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningPostgres]:
    """One that has very few connections."""
    with postgres_server() as server:
        for setting in ("max_connections = 8", "superuser_reserved_connections = 2"):
            server.run(f"ALTER SYSTEM SET {setting}")
        server.run(f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'")
        server.run(f"CREATE ROLE kept_out LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0")
        server.stop()
        server.start()
        yield server


@pytest.mark.parametrize(("taken", "user"), [(8, "lading"), (6, "plain"), (0, "kept_out")])
def test_a_server_with_no_connection_left_is_away(narrow: RunningPostgres, taken: int, user: str) -> None:
    """Too many clients; those that are left are kept for its owner; and none for this user."""
    url = narrow.url("postgres")
    with ExitStack() as stack:
        for _ in range(taken):
            stack.enter_context(closing(psycopg.connect(url)))
        with pytest.raises(DatabaseAway) as failure:
            open_postgres(url.replace("//lading:", f"//{user}:"))
        with pytest.raises(DatabaseAway):
            reach(url.replace("//lading:", f"//{user}:"))
        with pytest.raises(DatabaseUnreachable) as wrong:
            reach(narrow.url("none"))

    assert "connection" in failure.value.reason or "clients" in failure.value.reason
    assert PASSWORD not in str(failure.value)
    assert isinstance(wrong.value, Unavailable) is (taken == 8)  # it does not look at names before it has room


def test_a_server_is_reached_and_let_go_of(narrow: RunningPostgres) -> None:
    url = narrow.url("postgres")
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lading'"
    reach(url)
    with closing(psycopg.connect(url, autocommit=True)) as watcher:
        until(lambda: watcher.execute(ours).fetchone() == (0,), "nothing is left of it")


def test_a_server_that_is_not_there_is_away() -> None:
    with pytest.raises(DatabaseAway) as failure:
        open_postgres(f"postgresql://lading:{PASSWORD}@127.0.0.1:{free_port()}/lading")

    assert failure.value.code == "unavailable"
    assert "runs" in (failure.value.command or "")


@pytest.fixture
def database(url: str) -> Iterator[ServiceDatabase]:
    with closing(open_service_database(url, time.time)) as opened:
        yield opened


def test_a_password_in_the_query_is_not_shown(url: str) -> None:
    hidden = url.replace(f":{PASSWORD}", "") + f"?password={PASSWORD}"

    with closing(open_postgres(hidden)) as transactions:
        assert PASSWORD not in str(transactions.place)
        assert str(transactions.place).startswith("postgresql://lading@127.0.0.1:")


def test_a_user_who_may_not_write_is_told_so(postgres: RunningPostgres, made: str) -> None:
    name = made.rpartition("/")[2]
    reader = f"reader_{name}"
    postgres.run(f"CREATE ROLE {reader} LOGIN PASSWORD '{PASSWORD}'", name)
    postgres.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}", name)

    with closing(open_service_database(made.replace("//lading:", f"//{reader}:"), time.time)) as database:
        assert database.settings.setting("a") is None
        with pytest.raises(DatabaseUnwritable):
            database.settings.put_setting("a", 1)


def test_whoever_waits_too_long_for_another_is_told_so(made: str, caplog: pytest.LogCaptureFixture) -> None:
    """And the log, as no door does it."""
    impatient = made + "?options=-c%20lock_timeout%3D100ms"
    with closing(open_service_database(impatient, time.time)) as database, psycopg.connect(made) as other:
        other.execute("LOCK TABLE setting")

        with pytest.raises(DatabaseBusy):
            database.settings.put_setting("a", 1)

    assert {record.getMessage().partition(" postgresql")[0] for record in caplog.records} == {"the database"}
    assert all("stayed locked by another process; whoever" in each for each in caplog.messages)


def test_cut_connections_are_made_anew(postgres: RunningPostgres, database: ServiceDatabase, url: str) -> None:
    database.settings.put_setting("a", 1)
    name = url.rpartition("/")[2]
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    database.settings.put_setting("a", 2)

    assert database.settings.setting("a") == 2
    database.ready()


def test_a_database_that_went_away_is_said_so(caplog: pytest.LogCaptureFixture) -> None:
    """To each who asks, and once in the log."""
    with postgres_server() as server:
        database = open_service_database(server.empty(), time.time)
        database.settings.put_setting("a", 1)

    caplog.clear()
    with closing(database):
        for ask in (database.ready, lambda: database.settings.put_setting("a", 2), database.catalogue.images.all):
            with pytest.raises(DatabaseUnreachable):
                ask()
        with pytest.raises(DatabaseUnreachable), database.wakes.listening(lambda _topic: None):
            pass
        database.wakes.tell("job/1")
    told = [record for record in caplog.records if record.name == "lading.outages"]
    assert [record.getMessage().partition(" postgresql")[0] for record in told] == ["cannot reach the database"]
    assert PASSWORD not in caplog.text


def test_repositories_that_change_at_once_lose_nothing(url: str) -> None:
    """Also where the repository is made by both, and another process lets go of blobs meanwhile."""
    digests = [Digest.of(str(number).encode()) for number in range(40)]
    opened = [DatabaseRecords(open_postgres(url)) for _ in range(2)]

    def push(records: DatabaseRecords, mine: list[Digest]) -> None:
        for digest in mine:
            records.change("new", lambda _view, digest=digest: [HoldBlob(digest, 1)], 1.0)  # type: ignore[misc]
            records.release([Digest.of(b"unknown")])

    threads = [threading.Thread(target=push, args=(records, digests[n::2])) for n, records in enumerate(opened)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = held_in(opened[0].view("new"), digests)
    for records in opened:
        records.close()

    assert set(held) == set(digests)


def test_a_name_that_is_taken_while_a_repository_gets_it_is_taken(made: str) -> None:
    with (
        closing(DatabaseRecords(open_postgres(made))) as records,
        closing(DatabaseRecords(open_postgres(made))) as other,
    ):
        looked: list[RepositoryView] = []
        rename = rename_repository("a/b", "c/d", 2.0)

        def decide(view: RepositoryView) -> Sequence[Edit]:
            edits = rename(view)
            looked.append(view)
            other.change("c/d", lambda _view: [HoldBlob(Digest.of(b"x"), 1)], 2.0)
            return edits

        with pytest.raises(NameTaken):
            records.change("a/b", decide, 2.0)

        assert len(looked) == 1  # the second look saw it
        assert (records.knows("a/b"), records.knows("c/d")) == (True, True)


@pytest.mark.parametrize(
    ("state", "leaf"),
    [
        ("40001", DatabaseContended),
        ("40P01", DatabaseContended),
        ("55P03", DatabaseBusy),
        ("53100", DatabaseFull),
        ("53300", DatabaseAway),
        ("57P01", DatabaseAway),
        ("08006", DatabaseAway),
        ("28P01", DatabaseUnreachable),
        ("3D000", DatabaseUnreachable),
        ("25006", DatabaseUnwritable),
        ("XX001", DatabaseCorrupt),
        ("58030", DatabaseFailed),
        ("23505", None),
        ("42P01", None),
        ("22P02", None),
    ],
)
def test_every_fault_has_its_class(state: str, leaf: type[DatabaseFailed] | None) -> None:
    ours = translated_postgres(psycopg.errors.lookup(state)("it says\nDETAIL: more"), "postgresql://x/y")

    assert (None if ours is None else type(ours)) is leaf
    assert ours is None or ours.reason == "it says"
