"""Three tellings of one schema: tables.py, schema.sql and the migrations."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from lading.backends.database import statements
from lading.backends.database.engine import open_engine
from lading.backends.database.migrate import SCRIPTS, migrate
from lading.backends.database.prepare import prepare
from lading.backends.database.schema import VERSION
from lading.backends.database.schema_text import metadata, schema_sql

SCHEMA = Path(statements.__file__).with_name("schema.sql")


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """A database as a first run makes it."""
    prepare(tmp_path / "packaged.db")
    return tmp_path / "packaged.db"


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    """A database that went through every migration from nothing."""
    path = tmp_path / "migrated.db"
    path.touch()
    migrate(path, 0)
    return path


def objects(path: Path) -> dict[tuple[str, str], str]:
    """Every table and index in it, as SQLite keeps their words; layout does not count."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return {(kind, name): re.sub(r"\s|\"", "", sql) for kind, name, sql in found}


def versions(path: Path) -> tuple[object, object]:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        (text,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return number, text


def test_schema_sql_is_what_the_tables_give() -> None:
    """Else: .venv/bin/python -m lading.backends.database.schema_text > src/lading/backends/database/schema.sql"""
    assert SCHEMA.read_text() == schema_sql()


def test_the_migrations_arrive_where_schema_sql_begins(packaged: Path, migrated: Path) -> None:
    assert objects(migrated) == objects(packaged)
    assert versions(migrated) == versions(packaged) == (VERSION, f"{VERSION:04}")


@pytest.mark.parametrize("made", ["packaged", "migrated"])
def test_nothing_is_left_to_migrate(made: str, request: pytest.FixtureRequest) -> None:
    engine = open_engine(request.getfixturevalue(made))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_version_is_the_last_scripts_number() -> None:
    numbers = sorted(int(script.name[:4]) for script in (SCRIPTS / "versions").glob("[0-9]*.py"))

    assert numbers == list(range(1, VERSION + 1))


@pytest.mark.parametrize("name", [name for name in vars(statements) if name.isupper()])
def test_every_statement_of_the_catalogue_fits_the_tables(name: str, tmp_path: Path) -> None:
    path = tmp_path / "tables.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    sql: str = getattr(statements, name)

    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"EXPLAIN {sql}", [None] * (4 if "?4" in sql else sql.count("?"))).fetchall()
