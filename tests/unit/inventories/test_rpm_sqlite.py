"""rpm's database in SQLite form: real rows come out, and nothing that a stranger put into the file runs."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.inventories.rpm_sqlite import header_blobs
from lading.inventory.rpm_invalid import RpmDatabaseInvalid

PACKAGES = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"


def database(*statements: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as made:
        for statement in statements:
            made.execute(statement)
        made.commit()
        return made.serialize()


def test_headers_come_in_the_order_of_installation() -> None:
    content = database(PACKAGES, "INSERT INTO Packages VALUES (7, x'02'), (3, x'01')")

    assert header_blobs(content) == [b"\1", b"\2"]


def test_a_database_in_wal_mode_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rpmdb.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute(PACKAGES)
        made.execute("INSERT INTO Packages VALUES (1, x'aa')")
        made.commit()

    assert header_blobs(path.read_bytes()) == [b"\xaa"]


@pytest.mark.peer("rpm")
def test_what_rpm_itself_made_is_read(tmp_path: Path) -> None:
    subprocess.run(["rpm", "--dbpath", str(tmp_path), "--initdb"], check=True, capture_output=True)

    assert header_blobs((tmp_path / "rpmdb.sqlite").read_bytes()) == []


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS hnum, x AS blob FROM n"


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE Other (a)"],
        [f"CREATE VIEW Packages AS {ENDLESS}"],
        ["CREATE VIRTUAL TABLE Packages USING fts5(hnum, blob)"],
        ["CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob)", "INSERT INTO Packages VALUES (1, 'text')"],
        [
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, n, blob AS (zeroblob(n)))",
            "INSERT INTO Packages VALUES (1, 6000), (2, 6000)",
        ],
        ["CREATE TABLE Packages (blob)"],
    ],
)
def test_a_database_that_is_not_rpms_is_refused(statements: list[str]) -> None:
    with pytest.raises(RpmDatabaseInvalid):
        header_blobs(database(*statements))


@given(st.binary(max_size=4096))
def test_garbage_is_refused(content: bytes) -> None:
    with pytest.raises(RpmDatabaseInvalid):
        header_blobs(content)


SOUND = database(PACKAGES, *(f"INSERT INTO Packages VALUES ({n}, zeroblob(900))" for n in range(1, 40)))


@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=40))
def test_a_damaged_database_gives_headers_or_is_refused(changes: list[tuple[int, int]]) -> None:
    content = bytearray(SOUND)
    for position, value in changes:
        content[position] = value
    with suppress(RpmDatabaseInvalid):
        assert sum(map(len, header_blobs(bytes(content)))) <= len(SOUND)
