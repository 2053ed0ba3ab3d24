"""All rows of a database as a file, and put back: on SQLite and PostgreSQL, and from one to the other."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from lading.backends.database.engine import open_engine
from lading.backends.database.prepare import prepare
from lading.backends.database.schema_text import metadata
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.backends.database.snapshots import (
    PASSING,
    DatabaseFilled,
    alone_in_file,
    put_into_postgres,
    with_names_of,
    without_passing,
)
from lading.services.identity.user_records import UserRow
from tests.peers.postgres_server import RunningPostgres

DIGEST = f"sha256:{0:064x}"
ROWS = f"""
INSERT INTO image VALUES ('docker.io/library/alpine:3', 'm', '{DIGEST}', 5, 1700000000.5);
INSERT INTO repository (id, name, rules) VALUES (7, 'team/äpp', '{{"b": [1, null], "a": "\\u2028"}}');
INSERT INTO held_manifest (repository, digest, media_type, size) VALUES (7, '{DIGEST}', 'm', 5);
INSERT INTO tag (repository, name, digest) VALUES (7, 'latest', '{DIGEST}');
INSERT INTO user VALUES (3, 'joe', NULL, 1, 1700000000.123456, NULL, NULL);
INSERT INTO session VALUES ('h', 3, 1.0, 2.0, 3.0, '127.0.0.1');
INSERT INTO setting VALUES ('colour', '"red"'), ('nothing', 'null');
INSERT INTO job VALUES ('j', 'push', '{{"image": "a"}}', 1, 'x', NULL, 3, 'joe', NULL, 'done', 1, 1.0, 2.0, 3,
    NULL, NULL, 4.0, 0, 1.25, NULL);
INSERT INTO job_line VALUES ('j', 1, 1, 1.5, '{{"status": "x"}}');
"""


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    engine = open_engine(path, 1)
    try:
        with engine.connect() as connection:
            found = {}
            for table in metadata.sorted_tables:
                each = connection.execute(select(table)).all()
                found[table.name] = sorted((tuple(row) for row in each), key=repr)
            return found
    finally:
        engine.dispose()


def filled(path: Path) -> Path:
    prepare(path)
    columns = len(list(metadata.tables["user"].columns))
    statements = ROWS.replace(
        "(3, 'joe', NULL, 1, 1700000000.123456, NULL, NULL)",
        f"(3, 'joe', NULL, 1, 1700000000.123456{', NULL' * (columns - 5)})",
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
        connection.execute("UPDATE sqlite_sequence SET seq = 9 WHERE name = 'user'")
        connection.commit()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer("postgres"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceDatabase]:
    """With these rows."""
    model = filled(tmp_path / "model.db")
    place: Path | str = model
    if request.param == "postgres":
        place = request.getfixturevalue("postgres").prepared()
        put_into_postgres(str(place), model)
    with closing(open_service_database(place, time.time)) as opened:
        yield opened


def test_a_snapshot_holds_every_row_as_it_is(database: ServiceDatabase, tmp_path: Path) -> None:
    database.snapshot(tmp_path / "still.db")
    alone_in_file(tmp_path / "still.db")

    assert rows_of(tmp_path / "still.db") == rows_of(tmp_path / "model.db")
    assert not (tmp_path / "still.db-wal").exists()


def test_numbers_go_on_where_they_were(database: ServiceDatabase, tmp_path: Path) -> None:
    database.snapshot(tmp_path / "still.db")
    with closing(open_service_database(tmp_path / "still.db", time.time)) as again:
        made = again.users.add_user(lambda number: UserRow(number, "ann"))

    assert made.id == 10


def test_a_snapshot_does_not_wait_for_who_writes(database: ServiceDatabase, tmp_path: Path) -> None:
    """Nor sees half of what it writes."""
    before = rows_of(tmp_path / "model.db")
    with database._transactions.writing() as connection:
        connection.exec_driver_sql("DELETE FROM setting")
        database.snapshot(tmp_path / "still.db")

    assert rows_of(tmp_path / "still.db") == before


def test_what_holds_for_a_running_server_alone_is_taken_out(tmp_path: Path) -> None:
    path = filled(tmp_path / "model.db")
    before = rows_of(path)
    without_passing(path)
    after = rows_of(path)

    assert before["session"]
    assert not any(after[table] for table in PASSING)
    assert {name: after[name] for name in after if name not in PASSING} == {
        name: before[name] for name in before if name not in PASSING
    }


def test_names_of_another_file_are_added_and_take_no_names_place(tmp_path: Path) -> None:
    here, beside = filled(tmp_path / "here.db"), filled(tmp_path / "beside.db")
    with closing(sqlite3.connect(beside)) as connection:
        connection.execute("UPDATE image SET size = 6")
        connection.execute("INSERT INTO image SELECT 'other:1', media_type, digest, size, moved FROM image")
        connection.commit()
    with_names_of(here, beside)

    assert {(row[0], row[3]) for row in rows_of(here)["image"]} == {("docker.io/library/alpine:3", 5), ("other:1", 6)}


@pytest.mark.peer("postgres")
def test_rows_are_put_into_an_empty_database_only(tmp_path: Path, postgres: RunningPostgres) -> None:
    url, model = postgres.empty(), filled(tmp_path / "model.db")
    put_into_postgres(url, model)

    with pytest.raises(DatabaseFilled) as refused:
        put_into_postgres(url, model)
    assert refused.value.table in metadata.tables
