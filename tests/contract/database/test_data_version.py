"""Whether anybody has committed: seen by all, whoever it was, and told of nobody who only read."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Hashable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from lading.backends.database.data_version import LOOK_SECONDS, DataVersion
from lading.backends.database.database_file import connect
from lading.backends.database.engine import open_engine
from lading.backends.database.failures import DatabaseFailed
from lading.backends.database.transactions import Transactions

INSERT = "INSERT INTO thing VALUES (1)"


class Clock:
    """Stands still between two questions, or goes on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 2 * LOOK_SECONDS

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database as ours are opened, with one table."""
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE thing (number INTEGER)")
    connection.close()
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def version(path: Path, clock: Clock) -> Iterator[DataVersion]:
    version = DataVersion(path, clock)
    yield version
    version.close()


def test_it_stands_while_nobody_commits(path: Path, version: DataVersion) -> None:
    before = version.stamp()
    reader = connect(path)
    reader.execute("SELECT * FROM thing").fetchall()
    reader.execute("BEGIN IMMEDIATE")
    reader.execute(INSERT)
    reader.execute("ROLLBACK")
    reader.close()

    assert version.stamp() == before


def test_every_commit_of_another_connection_is_seen(path: Path, version: DataVersion) -> None:
    writer = connect(path)
    seen = [version.stamp()]
    for _ in range(100):
        writer.execute(INSERT)
        seen.append(version.stamp())
    writer.close()

    assert all(after != before for before, after in pairwise(seen))


def test_a_commit_of_another_process_is_seen(path: Path, version: DataVersion) -> None:
    before = version.stamp()
    script = f"import sqlite3; c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute({INSERT!r})"
    subprocess.run([sys.executable, "-c", script], check=True)

    assert version.stamp() != before


def test_the_database_is_not_asked_again_at_once(path: Path, version: DataVersion, clock: Clock) -> None:
    before = version.stamp()
    clock.step = 0.0
    writer = connect(path)
    writer.execute(INSERT)
    writer.close()
    assert version.stamp() == before

    clock.now += LOOK_SECONDS

    assert version.stamp() != before


def test_nobody_waits_while_another_asks(
    path: Path, version: DataVersion, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, meanwhile = version.stamp(), list[Hashable]()
    writer = connect(path)
    writer.execute(INSERT)
    writer.close()
    ask = DataVersion._ask

    def slowly(asked: DataVersion) -> int:
        other = threading.Thread(target=lambda: meanwhile.append(asked.stamp()))
        other.start()
        other.join(60)
        return ask(asked)

    monkeypatch.setattr(DataVersion, "_ask", slowly)

    assert version.stamp() != before
    assert meanwhile == [before]


def test_what_this_process_commits_counts_at_once(version: DataVersion, clock: Clock) -> None:
    clock.step = 0.0
    seen = [version.stamp()]
    for _ in range(3):
        version.committed()
        seen.append(version.stamp())

    assert len(set(seen)) == 4


def test_what_another_process_of_ours_commits_counts_at_once(path: Path, version: DataVersion, clock: Clock) -> None:
    clock.step = 0.0
    script = "import sys, pathlib; from lading.backends.database.data_version import DataVersion"
    script += f"; DataVersion(pathlib.Path({str(path)!r})).committed()"
    seen = [version.stamp()]
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], check=True)
        seen.append(version.stamp())

    assert len(set(seen)) == 3


def test_the_mark_is_for_its_owner_alone(path: Path, version: DataVersion) -> None:
    version.committed()
    mark = path.with_name("a.db-commits").stat()

    assert (stat.S_IMODE(mark.st_mode), mark.st_size) == (0o600, 8)


def test_who_commits_after_the_end_writes_into_no_other_file(path: Path, tmp_path: Path) -> None:
    """The system gives the number of a closed file to the next one that is opened."""
    version = DataVersion(path)
    version.close()
    others = [(tmp_path / str(number)).open("w+b") for number in range(8)]
    version.committed()
    version.close()

    assert [other.read() for other in others] == [b""] * 8
    for other in others:
        other.close()


def test_a_full_disk_does_not_undo_what_is_committed(
    path: Path, version: DataVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = version.stamp()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lading.backends.database.commit_mark.os.pwrite", full)
    version.committed()

    assert version.stamp() != before
    assert "other processes hear of a commit 0.02 s late: No space left on device" in caplog.text


def test_where_the_mark_cannot_be_the_database_is_not_opened(path: Path) -> None:
    path.with_name("a.db-commits").mkdir()

    with pytest.raises(DatabaseFailed, match=r"a\.db failed: a\.db-commits beside it: Is a directory"):
        DataVersion(path)


def test_every_write_is_told_of_when_it_is_kept_and_no_other(path: Path) -> None:
    transactions, told = Transactions(open_engine(path), path), list[str]()
    transactions.committed = lambda: told.append("committed")
    insert = text(INSERT)

    with transactions.reading() as connection:
        connection.execute(text("SELECT * FROM thing"))
    with pytest.raises(ZeroDivisionError):
        transactions.written(lambda connection: (connection.execute(insert), 1 / 0))
    assert not told
    transactions.written(lambda connection: connection.execute(insert))

    assert told == ["committed"]
    transactions.close()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux shows its locks")
def test_other_connections_of_this_process_keep_their_locks(path: Path) -> None:
    keeper = connect(path)
    keeper.execute(INSERT)
    index = path.with_name("a.db-shm").stat().st_ino
    before = locks(index)
    assert before > 0

    version = DataVersion(path)
    version.stamp()

    assert locks(index) >= before
    version.close()
    assert locks(index) >= before
    keeper.close()


def locks(inode: int) -> int:
    """On the file of that number, by whomever."""
    return sum(f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_another_program_may_open_the_database_in_the_middle_of_a_write(path: Path, version: DataVersion) -> None:
    """It takes itself for the first, empties the index under us, and we die of it, where our locks were lost."""
    writer = connect(path)
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany(INSERT.replace("1", "?"), [(number,) for number in range(5000)])
    index = path.with_name("a.db-shm")
    size = index.stat().st_size
    count = "SELECT count(*) FROM thing"
    script = f"import sqlite3; print(sqlite3.connect({str(path)!r}).execute({count!r}).fetchone()[0])"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout

    assert told.strip() == "0"
    assert index.stat().st_size == size
    writer.execute("COMMIT")
    writer.close()
    version.stamp()
