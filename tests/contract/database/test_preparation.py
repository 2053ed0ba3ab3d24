"""What is done with whatever is found where the database should be."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from lading.backends.database.failures import (
    DatabaseCorrupt,
    DatabaseForeign,
    DatabaseNewer,
    DatabaseOnNetwork,
    DatabaseUnwritable,
    MigrationFailed,
)
from lading.backends.database.migrate import SCRIPTS, migrate
from lading.backends.database.prepare import opened, prepare
from lading.backends.database.schema import VERSION
from tests.fakes.children import Child

NEXT = VERSION + 1

ADDS_A_COLUMN = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT:04}", "{VERSION:04}"


def upgrade() -> None:
    with op.batch_alter_table("repository", recreate="always") as table:
        table.add_column(sa.Column("note", sa.Text))
"""

FAILS_HALF_WAY = ADDS_A_COLUMN + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'

LEAVES_AN_ORPHAN = ADDS_A_COLUMN + '    op.execute("DELETE FROM repository")\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lading.db"


@pytest.fixture
def older(path: Path) -> Path:
    """A database of our version, with a repository that holds a blob; the tests bring it to the next version."""
    with closing(opened(path)) as connection:
        connection.execute("INSERT INTO repository (id, name) VALUES (1, 'a/b')")
        connection.execute("INSERT INTO held_blob (repository, digest, size) VALUES (1, 'sha256:00', 5)")
    return path


def scripts(folder: Path, step: str) -> Path:
    """Our migrations and one more."""
    shutil.copytree(SCRIPTS, folder / "migrations%20")  # a name that a configuration file would trip over
    (folder / "migrations%20" / "versions" / f"{NEXT:04}_next.py").write_text(step)
    return folder / "migrations%20"


def content(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        yield from connection.iterdump()
        yield str(connection.execute("PRAGMA user_version").fetchone()[0])


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def test_a_new_database_costs_no_database_library(path: Path) -> None:
    program = """
import sys, time
from pathlib import Path, PurePosixPath
from lading.backends.database.catalogue import open_catalogue
catalogue = open_catalogue(Path(sys.argv[1]), time.time)
print(list(catalogue.images.all()))
catalogue.close()
print([name for name in ("sqlalchemy", "alembic") if name in sys.modules])
"""
    for _ in range(2):  # made, then opened
        told = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        assert told.stdout == "[]\n[]\n"


def test_preparing_again_changes_nothing(older: Path) -> None:
    before = list(content(older))
    prepare(older)

    assert list(content(older)) == before


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    with closing(opened(path)) as connection:
        assert connection.execute("SELECT count(*) FROM image").fetchone() == (0,)


def test_every_connection_is_set_as_measured(path: Path) -> None:
    with closing(opened(path)) as connection:
        asked = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in
                 ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}  # fmt: skip

    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_an_older_database_is_migrated_with_its_rows(older: Path, tmp_path: Path) -> None:
    migrate(older, VERSION, NEXT, scripts(tmp_path, ADDS_A_COLUMN))

    with closing(sqlite3.connect(older)) as connection:
        assert connection.execute("SELECT name, note FROM repository").fetchall() == [("a/b", None)]
        assert connection.execute("SELECT digest FROM held_blob").fetchall() == [("sha256:00",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(f"{NEXT:04}",)]


@pytest.mark.parametrize("step", [FAILS_HALF_WAY, LEAVES_AN_ORPHAN], ids=["fails", "leaves an orphan"])
def test_a_migration_that_fails_leaves_the_database_as_it_was(older: Path, tmp_path: Path, step: str) -> None:
    before = list(content(older))

    with pytest.raises(MigrationFailed) as failure:
        migrate(older, VERSION, NEXT, scripts(tmp_path, step))

    assert (failure.value.found, failure.value.wanted) == (VERSION, NEXT)
    assert "Nothing was changed" in str(failure.value.hint)
    assert list(content(older)) == before
    opened(older).close()


def test_a_missing_migration_is_said_so(older: Path) -> None:
    with pytest.raises(MigrationFailed):
        migrate(older, VERSION, 99)


def test_a_newer_database_is_refused_untouched(older: Path) -> None:
    set_version(older, 99)
    before = list(content(older))

    with pytest.raises(DatabaseNewer) as refusal:
        prepare(older)

    assert (refusal.value.found, refusal.value.known) == (99, VERSION)
    assert "99" in str(refusal.value)
    assert "newer Lading" in str(refusal.value.hint)
    assert list(content(older)) == before


def test_another_programs_database_is_refused_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()

    with pytest.raises(DatabaseForeign):
        prepare(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_gives_one_clear_error(path: Path) -> None:
    path.write_bytes(b"what is this" * 1000)

    with pytest.raises(DatabaseCorrupt) as failure:
        prepare(path)

    assert str(path) in str(failure.value)
    assert failure.value.code == "storage"
    assert failure.value.hint


def test_a_network_file_system_is_refused_before_anything_is_made(path: Path) -> None:
    with pytest.raises(DatabaseOnNetwork) as refusal:
        prepare(path, lambda: [(PurePosixPath("/"), "ext4"), (PurePosixPath(path.parent), "nfs4")])

    assert refusal.value.file_system == "nfs4"
    assert "nfs4" in str(refusal.value)
    assert "--data" in str(refusal.value.command)
    assert not path.exists()


def test_a_folder_in_the_place_of_the_file_is_said_so(path: Path) -> None:
    path.mkdir()

    with pytest.raises(DatabaseUnwritable):
        prepare(path)


def test_a_file_in_the_place_of_the_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(DatabaseUnwritable):
        prepare(tmp_path / "data" / "lading.db")


TOGETHER = """
import sys
from pathlib import Path
from lading.backends.database.prepare import opened
sys.stdin.read(1)
connection = opened(Path(sys.argv[1]))
print(connection.execute("SELECT count(*) FROM alembic_version").fetchone()[0], "alembic" in sys.modules)
connection.close()
"""


def opened_together(path: Path) -> list[tuple[str, str]]:
    """What four processes say that opened it at the same moment: output and errors."""
    command = [sys.executable, "-c", TOGETHER, str(path)]
    processes = [Child(command, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdin
        process.stdin.write("g")
        process.stdin.flush()
    return [process.communicate() for process in processes]


def test_processes_that_start_together_make_it_once(path: Path) -> None:
    assert opened_together(path) == [("1 False\n", "")] * 4


def test_processes_that_find_an_older_one_migrate_it_once(older: Path) -> None:
    before = list(content(older))
    set_version(older, -1)  # any number below ours is older, and none below the first was ever released

    told = opened_together(older)

    assert {error for _, error in told} == {""}
    assert {out for out, _ in told} <= {"1 True\n", "1 False\n"}
    assert "1 True\n" in {out for out, _ in told}
    assert list(content(older)) == before
