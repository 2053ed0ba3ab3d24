"""The file under the inventory cache: whatever happens to it, somebody who uses it goes on."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.inventories.cache_file import CacheFile

TABLES = ("CREATE TABLE word (text TEXT)",)


def write(file: CacheFile, text: str) -> None:
    file.write(lambda connection: connection.execute("INSERT INTO word VALUES (?)", [text]))


def words(file: CacheFile) -> list[str]:
    none: list[tuple[str]] = []
    rows: list[tuple[str]] = file.read(lambda it: it.execute("SELECT text FROM word").fetchall(), none)
    return [text for (text,) in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture
def file(path: Path) -> Iterator[CacheFile]:
    made = CacheFile(path, 1, TABLES)
    yield made
    made.close()


def test_it_is_made_when_first_used_and_for_its_owner_alone(file: CacheFile, path: Path) -> None:
    assert not path.exists()
    write(file, "one")

    assert words(file) == ["one"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_two_have_the_same(file: CacheFile, path: Path) -> None:
    other = CacheFile(path, 1, TABLES)
    write(file, "one")
    write(other, "two")
    other.close()

    assert words(file) == ["one", "two"]


def test_a_file_that_is_removed_is_made_again(file: CacheFile, path: Path) -> None:
    write(file, "one")
    path.unlink()
    write(file, "two")

    assert words(file) == ["two"]


@pytest.mark.parametrize(
    "garbage", [b"no database at all, but long enough to be looked at" * 100, b"SQLite format 3\0" * 99]
)
def test_a_damaged_file_is_replaced(file: CacheFile, path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)
    write(file, "one")

    assert words(file) == ["one"]


def test_a_file_that_is_damaged_while_it_is_open_is_replaced(file: CacheFile, path: Path) -> None:
    write(file, "one" * 10_000)
    with path.open("r+b") as opened:
        opened.write(os.urandom(path.stat().st_size))

    assert words(file) in ([], ["one" * 10_000])  # what SQLite had in memory may still stand
    write(file, "two")
    write(file, "three")
    assert words(file)[-1:] == ["three"]


def test_a_file_of_another_form_is_emptied(file: CacheFile, path: Path) -> None:
    write(file, "one")
    newer = CacheFile(path, 2, ("CREATE TABLE other (text TEXT)",))
    newer.write(lambda connection: connection.execute("INSERT INTO other VALUES ('newer')"))
    newer.close()

    assert words(file) == []


def test_half_of_a_change_is_none(file: CacheFile) -> None:
    write(file, "one")

    def failing(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM word")
        connection.execute("INSERT INTO nothing VALUES (1)")

    file.write(failing)

    assert words(file) == ["one"]


def test_what_cannot_be_used_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = CacheFile(tmp_path / "missing" / "cache.db", 1, TABLES)
    with caplog.at_level(logging.WARNING):
        write(file, "one")
        assert words(file) == []

    assert len(caplog.records) == 1
