"""Transactions from many threads, and what SQLite refuses, told in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import QueuePool, create_engine

from lading.backends.database.connection import LIMIT, Connections
from lading.backends.database.database_file import connect
from lading.backends.database.failures import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseCrowded,
    DatabaseFailed,
    DatabaseFull,
    DatabaseNewer,
    DatabaseUnwritable,
    translated,
)
from lading.backends.database.transactions import Transactions
from lading.errors import StorageFailed

INSERT = "INSERT INTO image VALUES (?, 'm', 'sha256:00', 1, 0.0)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lading.db"


@pytest.fixture
def connections(path: Path) -> Iterator[Connections]:
    with closing(Connections(path)) as opened:
        yield opened


def count(connections: Connections) -> int:
    with connections.reading() as connection:
        found: int = connection.execute("SELECT count(*) FROM image").fetchone()[0]
    return found


def setting(connections: Connections, pragma: str) -> None:
    """Set something on the one idle connection, which is the next to be lent."""
    with connections.reading() as connection:
        connection.execute(f"PRAGMA {pragma}")


def test_a_transaction_that_ends_well_is_kept(connections: Connections) -> None:
    with connections.writing() as connection:
        connection.execute(INSERT, ("r:1",))

    assert count(connections) == 1


def test_a_transaction_that_raises_leaves_nothing(connections: Connections) -> None:
    def interrupted() -> Iterator[tuple[str]]:
        yield ("r:1",)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), connections.writing() as connection:
        connection.executemany(INSERT, interrupted())

    assert count(connections) == 0


def test_a_reader_sees_one_moment(connections: Connections) -> None:
    with connections.reading() as reader:
        assert reader.execute("SELECT count(*) FROM image").fetchone() == (0,)
        with connections.writing() as writer:
            writer.execute(INSERT, ("r:1",))
        assert reader.execute("SELECT count(*) FROM image").fetchone() == (0,)

    assert count(connections) == 1


def test_many_threads_write_and_read_without_an_error(connections: Connections) -> None:
    together = Barrier(3 * LIMIT)
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        together.wait()
        try:
            for number in range(20):
                with connections.writing() as connection:
                    connection.execute(INSERT, (f"r:{thread}.{number}",))
                count(connections)
        except BaseException as error:  # noqa: BLE001  told by the assertion below
            failures.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(3 * LIMIT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert count(connections) == 3 * LIMIT * 20


def test_hints_do_not_wait_for_the_disk_and_names_do(connections: Connections) -> None:
    with connections.writing(durable=False) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    with connections.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_nothing_can_be_asked_after_close(connections: Connections) -> None:
    with connections.reading() as connection:
        connections.close()
    connections.close()

    with pytest.raises(ValueError, match="closed"), connections.reading():
        pass
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


def test_a_database_locked_for_too_long_is_said_so(path: Path) -> None:
    """Also to whoever writes the log: doors do not."""
    noted = list[DatabaseFailed]()
    with closing(Connections(path, noted=noted.append)) as connections:
        setting(connections, "busy_timeout = 1")
        with closing(connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusy), connections.writing():
                pass
            assert count(connections) == 0
            other.execute("ROLLBACK")

    assert [type(each) for each in noted] == [DatabaseBusy]


def test_a_server_whose_connections_are_all_in_use_is_said_so(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is no other process, and nothing is tried again after such a wait."""
    with closing(Connections(path)) as connections:
        count(connections)
    pool = create_engine(
        "sqlite://", creator=lambda: connect(path), poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01
    )
    attempts = list[int]()
    with closing(Transactions(pool, path)) as transactions:
        with transactions.reading():
            pass
        with transactions.reading(), pytest.raises(DatabaseCrowded) as failure:
            transactions.written(lambda _connection: attempts.append(1))

    assert not attempts
    assert str(failure.value) == f"every connection to the database {path} stayed in use"
    assert caplog.messages == [f"{failure.value}; whoever asked is told to try again"]


def test_a_full_disk_is_said_so_and_leaves_what_was_there(connections: Connections) -> None:
    with connections.writing() as connection:
        connection.execute(INSERT, ("kept",))
    setting(connections, "max_page_count = 1")

    with pytest.raises(DatabaseFull), connections.writing() as connection:
        connection.executemany(INSERT, [(f"{number}" * 900,) for number in range(100)])

    assert count(connections) == 1


@pytest.mark.parametrize(
    ("code", "leaf"), [(sqlite3.SQLITE_IOERR_SHMSIZE, DatabaseFull), (sqlite3.SQLITE_IOERR_READ, DatabaseFailed)]
)
def test_a_disk_so_full_that_nothing_can_be_read_is_said_so_too(
    code: int, leaf: type[DatabaseFailed], path: Path
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code

    assert type(translated(error, path)) is leaf


def test_a_database_that_may_not_be_written_is_said_so(connections: Connections) -> None:
    setting(connections, "query_only = 1")

    with pytest.raises(DatabaseUnwritable), connections.writing() as connection:
        connection.execute(INSERT, ("r:1",))


def test_a_damaged_page_is_said_so(connections: Connections, path: Path) -> None:
    count(connections)
    connections.close()
    pages = bytearray(path.read_bytes())
    pages[4096:] = b"\x55" * (len(pages) - 4096)
    path.write_bytes(pages)

    with closing(Connections(path)) as damaged, pytest.raises(DatabaseCorrupt) as failure:
        count(damaged)

    assert isinstance(failure.value, StorageFailed)
    assert isinstance(failure.value.__cause__, sqlite3.DatabaseError)


def test_a_file_that_vanished_is_not_made_again(path: Path) -> None:
    with closing(Connections(path)) as connections, connections.reading():
        path.unlink()
        with pytest.raises(DatabaseFailed), connections.reading():  # a second connection
            pass

    assert not path.exists()


def test_a_process_that_was_overtaken_by_a_migration_writes_nothing(connections: Connections, path: Path) -> None:
    count(connections)
    with closing(connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")

    with pytest.raises(DatabaseNewer), connections.writing() as connection:
        connection.execute(INSERT, ("r:1",))

    assert count(connections) == 0


def test_our_own_mistakes_are_not_the_databases(connections: Connections) -> None:
    with pytest.raises(sqlite3.IntegrityError), connections.writing() as connection:
        connection.executemany(INSERT, [("twice",), ("twice",)])
