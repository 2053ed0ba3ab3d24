"""What is done with whatever is found at a PostgreSQL's URL."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lading.backends.database.failures import (
    DatabaseForeign,
    DatabaseNewer,
    DatabaseNotUnicode,
    MigrationFailed,
)
from lading.backends.database.migrate import SCRIPTS
from lading.backends.database.postgres import open_postgres
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.schema import OLDEST, VERSION, Program
from lading.backends.database.schema_text import metadata
from lading.backends.database.service_database import open_service_database
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldBlob
from tests.contract.database.test_preparation import ADDS_A_COLUMN, FAILS_HALF_WAY, NEXT
from tests.fakes.children import Child
from tests.peers.postgres_server import PASSWORD, RunningPostgres

IN_PLACE = ADDS_A_COLUMN.replace('recreate="always"', 'recreate="never"')
"""PostgreSQL changes a table where it is."""

LATER = Program(NEXT, NEXT)
"""A program whose tables bear none before it."""

ADDING = Program(NEXT, VERSION)
"""A program whose tables bear ours."""

pytestmark = pytest.mark.peer("postgres")


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
    assert rows(made, "SELECT version_num, oldest_program FROM alembic_version") == [(f"{VERSION:04}", OLDEST)]


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
    open_postgres(made, LATER, scripts(tmp_path, IN_PLACE)).close()

    assert rows(made, "SELECT name, note FROM repository") == [("a/b", None)]
    assert rows(made, "SELECT version_num, oldest_program FROM alembic_version") == [(f"{NEXT:04}", NEXT)]


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
        open_postgres(made, LATER, scripts(tmp_path, FAILS_HALF_WAY))

    assert (failure.value.found, failure.value.wanted) == (VERSION, NEXT)
    assert PASSWORD not in str(failure.value)
    assert rows(made, "SELECT id, name FROM repository") == [(1, "a/b")]
    open_postgres(made).close()


def test_a_newer_database_is_refused(made: str) -> None:
    set_version(made, 99, oldest=VERSION + 1)

    with pytest.raises(DatabaseNewer) as refusal:
        open_postgres(made)

    assert (refusal.value.found, refusal.value.known) == (99, VERSION)
    assert PASSWORD not in str(refusal.value)
    assert "@127.0.0.1" in str(refusal.value)


def test_a_database_that_was_migrated_under_us_is_not_written(made: str) -> None:
    with closing(open_service_database(made, time.time)) as database:
        database.settings.put_setting("a", 1)
        set_version(made, 99, oldest=VERSION + 1)

        with pytest.raises(DatabaseNewer):
            database.settings.put_setting("a", 2)
        with pytest.raises(DatabaseNewer):
            database.ready()
        assert database.settings.setting("a") == 1


def test_an_older_program_goes_on_beside_a_newer_one_whose_tables_bear_it(made: str, tmp_path: Path) -> None:
    with closing(open_service_database(made, time.time)) as older:
        for number in range(10):  # so often that its connections keep prepared statements
            older.settings.put_setting("a", number)
        with closing(open_postgres(made, ADDING, scripts(tmp_path, IN_PLACE))) as newer:
            older.settings.put_setting("a", "older")
            with newer.writing() as connection:
                connection.exec_driver_sql("UPDATE repository SET note = 'newer'")

        older.ready()
        assert older.settings.setting("a") == "older"
    assert rows(made, "SELECT name, note FROM repository") == [("a/b", "newer")]


def test_an_older_program_starts_again_beside_a_newer_one_and_leaves_its_tables(made: str, tmp_path: Path) -> None:
    open_postgres(made, ADDING, scripts(tmp_path, IN_PLACE)).close()

    with closing(DatabaseRecords(open_postgres(made))) as records:
        records.change("c/d", lambda _view: [HoldBlob(Digest.of(b"y"), 1)], 1.0)

    assert rows(made, "SELECT name, note FROM repository ORDER BY name") == [("a/b", None), ("c/d", None)]
    assert rows(made, "SELECT version_num, oldest_program FROM alembic_version") == [(f"{NEXT:04}", VERSION)]


def test_an_older_program_is_refused_once_the_tables_bear_it_no_longer(made: str, tmp_path: Path) -> None:
    with closing(open_service_database(made, time.time)) as older:
        older.settings.put_setting("a", 1)
        open_postgres(made, LATER, scripts(tmp_path, IN_PLACE)).close()

        with pytest.raises(DatabaseNewer):
            older.settings.put_setting("a", 2)
    with pytest.raises(DatabaseNewer):
        open_postgres(made)


def test_an_older_program_backs_up_no_tables_that_it_does_not_know(made: str, tmp_path: Path) -> None:
    with closing(open_service_database(made, time.time)) as older:
        open_postgres(made, ADDING, scripts(tmp_path, IN_PLACE)).close()

        with pytest.raises(DatabaseNewer):
            older.snapshot(tmp_path / "rows.db")


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
    processes = [Child(command, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(4)]

    assert [process.communicate("g") for process in processes] == [("ok\n", "")] * 4
    assert rows(url, "SELECT count(*) FROM alembic_version") == [(1,)]


def set_version(url: str, version: int, oldest: int) -> None:
    with psycopg.connect(url) as connection:
        said = [f"{version:04}", oldest]
        connection.execute("UPDATE alembic_version SET version_num = %s, oldest_program = %s", said)
