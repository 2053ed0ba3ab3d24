"""What is done with whatever is found at a PostgreSQL's URL, and what its faults look like."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lading.backends.database.failures import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseFailed,
    DatabaseForeign,
    DatabaseFull,
    DatabaseNewer,
    DatabaseNotUnicode,
    DatabaseUnreachable,
    DatabaseUnwritable,
    MigrationFailed,
)
from lading.backends.database.migrate import SCRIPTS
from lading.backends.database.postgres import open_postgres
from lading.backends.database.postgres_failures import translated_postgres
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.schema import VERSION
from lading.backends.database.schema_text import metadata
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.oci.digest import Digest
from lading.services.named_rows import NameTaken
from lading.services.repository_decisions import rename_repository
from lading.services.repository_edits import Edit, HoldBlob
from lading.services.repository_records import RepositoryView
from tests.contract.database.test_preparation import ADDS_A_COLUMN, FAILS_HALF_WAY, NEXT
from tests.fakes.repository_rows import held_in
from tests.peers.postgres_server import PASSWORD, RunningPostgres, postgres_server
from tests.peers.programs import free_port

IN_PLACE = ADDS_A_COLUMN.replace('recreate="always"', 'recreate="never"')
"""PostgreSQL changes a table where it is."""

pytestmark = pytest.mark.peer("postgres")


@pytest.fixture
def url(postgres: RunningPostgres) -> str:
    """An empty database."""
    return postgres.empty()


@pytest.fixture
def made(url: str) -> str:
    """A database of our version with a repository."""
    with closing(DatabaseRecords(open_postgres(url))) as records:
        records.change("a/b", lambda _view: [HoldBlob(Digest.of(b"x"), 1)], 1.0)
    return url


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def scripts(folder: Path, step: str) -> Path:
    """Our migrations and one more."""
    shutil.copytree(SCRIPTS, folder / "migrations")
    (folder / "migrations" / "versions" / f"{NEXT:04}_next.py").write_text(step)
    return folder / "migrations"


def test_a_new_database_is_what_the_tables_say(made: str) -> None:
    with closing(open_postgres(made)) as transactions, transactions.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert rows(made, "SELECT version_num FROM alembic_version") == [(f"{VERSION:04}",)]


def test_text_compares_by_code_point_whatever_the_database_thinks(url: str) -> None:
    names = ["a/b", "a-b", "ab", "B", "é", "z", "a.b"]
    with closing(DatabaseRecords(open_postgres(url))) as records:
        for name in names:
            records.change(name, lambda _view: [HoldBlob(Digest.of(b"x"), 1)], 1.0)

        assert list(records.repositories("", 99)) == sorted(names)
        assert list(records.repositories("a.b", 2)) == ["a/b", "ab"]
    english = [name for (name,) in rows(url, 'SELECT name FROM repository ORDER BY name COLLATE "en-x-icu"')]
    assert english != sorted(names)


def test_opening_again_changes_nothing(made: str) -> None:
    open_postgres(made).close()

    assert rows(made, "SELECT name FROM repository") == [("a/b",)]


def test_an_older_database_is_migrated_with_its_rows(made: str, tmp_path: Path) -> None:
    open_postgres(made, NEXT, scripts(tmp_path, IN_PLACE)).close()

    assert rows(made, "SELECT name, note FROM repository") == [("a/b", None)]
    assert rows(made, "SELECT version_num FROM alembic_version") == [(f"{NEXT:04}",)]


ROWS = f"""
INSERT INTO lease VALUES ('sha256:{0:064x}', 9e12);
INSERT INTO repository VALUES (7, 'team/app');
INSERT INTO held_manifest VALUES (7, 'sha256:{0:064x}', 'm', 5, NULL, NULL, NULL);
INSERT INTO tag VALUES (7, 'v1', 'sha256:{0:064x}');
"""


@pytest.mark.parametrize("version", [2])
def test_a_database_of_an_earlier_release_is_brought_to_ours(url: str, version: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(Path(__file__).with_name(f"version_{version}_postgres.sql").read_bytes())
        connection.execute(ROWS.encode())

    with closing(open_postgres(url)) as transactions, transactions.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert rows(url, "SELECT digest, holder, until FROM lease") == [(f"sha256:{0:064x}", "told", 9e12)]
    assert rows(url, "SELECT visibility, rules FROM repository") == [("private", None)]
    assert rows(url, "SELECT count(*) FROM tag WHERE pointed > 1e9 AND created = pointed") == [(1,)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(made: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationFailed) as failure:
        open_postgres(made, NEXT, scripts(tmp_path, FAILS_HALF_WAY))

    assert (failure.value.found, failure.value.wanted) == (VERSION, NEXT)
    assert PASSWORD not in str(failure.value)
    assert rows(made, "SELECT id, name FROM repository") == [(1, "a/b")]
    open_postgres(made).close()


def test_a_newer_database_is_refused(made: str) -> None:
    set_version(made, "0099")

    with pytest.raises(DatabaseNewer) as refusal:
        open_postgres(made)

    assert (refusal.value.found, refusal.value.known) == (99, VERSION)
    assert PASSWORD not in str(refusal.value)
    assert "@127.0.0.1" in str(refusal.value)


def test_a_database_that_was_migrated_under_us_is_not_written(made: str) -> None:
    with closing(open_service_database(made, time.time)) as database:
        database.settings.put_setting("a", 1)
        set_version(made, "0099")

        with pytest.raises(DatabaseNewer):
            database.settings.put_setting("a", 2)
        assert database.settings.setting("a") == 1


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE bookmarks (url TEXT)",
        "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('1975ea83b712')",
        "CREATE TABLE alembic_version (version_num TEXT)",
        "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0002')",
    ],
)
def test_another_programs_database_is_refused(postgres: RunningPostgres, url: str, statements: str) -> None:
    postgres.run(statements, url.rpartition("/")[2])

    with pytest.raises(DatabaseForeign):
        open_postgres(url)


def test_a_database_without_unicode_is_refused(postgres: RunningPostgres) -> None:
    with pytest.raises(DatabaseNotUnicode) as refusal:
        open_postgres(postgres.empty("LATIN1"))

    assert refusal.value.encoding == "LATIN1"
    assert "UTF8" in str(refusal.value.hint)


TOGETHER = """
import sys
from lading.backends.database.postgres import open_postgres
sys.stdin.read(1)
open_postgres(sys.argv[1]).close()
print("ok")
"""


def test_processes_that_start_together_make_it_once(url: str) -> None:
    command = [sys.executable, "-c", TOGETHER, url]
    processes = [subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(4)]

    assert [process.communicate("g") for process in processes] == [("ok\n", "")] * 4
    assert rows(url, "SELECT count(*) FROM alembic_version") == [(1,)]


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
def test_what_cannot_be_reached_is_said_so_without_the_password(url: str, bad: object) -> None:
    assert callable(bad)
    with pytest.raises(DatabaseUnreachable) as failure:
        open_postgres(bad(url))

    assert PASSWORD not in str(failure.value)
    assert "wrong" not in str(failure.value)
    assert "\n" not in str(failure.value)
    assert failure.value.code == "storage"
    assert failure.value.hint


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


def test_whoever_waits_too_long_for_another_is_told_so(made: str) -> None:
    impatient = made + "?options=-c%20lock_timeout%3D100ms"
    with closing(open_service_database(impatient, time.time)) as database, psycopg.connect(made) as other:
        other.execute("LOCK TABLE setting")

        with pytest.raises(DatabaseBusy):
            database.settings.put_setting("a", 1)


def test_cut_connections_are_made_anew(postgres: RunningPostgres, database: ServiceDatabase, url: str) -> None:
    database.settings.put_setting("a", 1)
    name = url.rpartition("/")[2]
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    database.settings.put_setting("a", 2)

    assert database.settings.setting("a") == 2
    database.ready()


def test_a_database_that_went_away_is_said_so() -> None:
    with postgres_server() as server:
        database = open_service_database(server.empty(), time.time)
        database.settings.put_setting("a", 1)

    with closing(database):
        for ask in (database.ready, lambda: database.settings.put_setting("a", 2), database.catalogue.images.all):
            with pytest.raises(DatabaseUnreachable):
                ask()
        with pytest.raises(DatabaseUnreachable), database.wakes.listening(lambda _topic: None):
            pass
        database.wakes.tell("job/1")


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
        ("40001", DatabaseBusy),
        ("40P01", DatabaseBusy),
        ("53100", DatabaseFull),
        ("53300", DatabaseUnreachable),
        ("57P01", DatabaseUnreachable),
        ("08006", DatabaseUnreachable),
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


def set_version(url: str, version: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [version])
