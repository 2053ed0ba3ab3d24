"""Turns of processes that share a PostgreSQL and no disk. Each `DatabaseTurns` here is a process of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import text

from lading.backends.database.engine import POOL
from lading.backends.database.failures import DatabaseFailed
from lading.backends.database.postgres import beside, open_postgres
from lading.backends.database.transactions import Transactions
from lading.backends.database.turn_rows import GATES, LOCK_SECONDS, DatabaseLock, DatabaseTurns
from tests.fakes.records import Clock
from tests.peers.postgres_server import RunningPostgres, postgres_server

pytestmark = pytest.mark.peer("postgres")

BOUND_SECONDS = 60
"""No test waits so long; two that wait for each other do."""

NEVER = 3600.0
"""Tests renew by themselves what is to be renewed."""


class Processes:
    """`begin` makes another one at the same database."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url, self._stack = url, stack

    def begin(self, clock: Callable[[], float] = time.monotonic, every: float = NEVER) -> DatabaseTurns:
        return self.with_rows(clock, every)[0]

    def with_rows(
        self, clock: Callable[[], float] = time.monotonic, every: float = NEVER
    ) -> tuple[DatabaseTurns, Transactions]:
        transactions = open_postgres(self.url)
        self._stack.callback(transactions.close)
        turns = DatabaseTurns(transactions, beside(transactions, GATES), clock, every=every)
        self._stack.callback(turns.close)
        return turns, transactions

    def rows(self) -> list[tuple[object, ...]]:
        """Of locks, by name."""
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT name, until > 0 FROM named_lock ORDER BY name").fetchall()

    def fall_silent(self) -> None:
        """As if no lock had been renewed for long."""
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE named_lock SET until = 0")


def stands(lock: DatabaseLock | None) -> bool:
    assert lock is not None
    return lock.stands


def let_go(lock: DatabaseLock | None) -> None:
    assert lock is not None
    lock.release()


@pytest.fixture
def processes(postgres: RunningPostgres) -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(postgres.prepared(), stack)


def test_a_lock_is_for_one_process_of_several(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()

    lock = first.claim("collecting")

    assert stands(lock)
    assert second.claim("collecting") is None
    assert first.claim("collecting") is None
    assert second.claim("checking") is not None


def test_of_many_who_want_it_at_once_one_has_it(processes: Processes) -> None:
    several = [processes.begin() for _ in range(4)]
    together = threading.Barrier(len(several))

    def claim(turns: DatabaseTurns) -> bool:
        together.wait(BOUND_SECONDS)
        return turns.claim("collecting") is not None

    with ThreadPoolExecutor(len(several)) as threads:
        for _ in range(5):
            assert list(threads.map(claim, several)).count(True) == 1
            processes.fall_silent()


def test_a_lock_that_is_let_go_of_is_the_next_ones(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()
    lock = first.claim("collecting")

    let_go(lock)
    let_go(lock)

    assert not stands(lock)
    assert processes.rows() == []
    assert second.claim("collecting") is not None


def test_a_lock_stands_as_long_as_it_is_renewed(processes: Processes) -> None:
    clock = Clock()
    first, second = processes.begin(clock), processes.begin()
    lock = first.claim("collecting")

    for _ in range(3):
        clock.advance(LOCK_SECONDS * 0.9)
        assert stands(lock)
        first.renew()
    assert stands(lock)
    assert second.claim("collecting") is None
    clock.advance(LOCK_SECONDS)
    assert not stands(lock)


def test_a_process_that_was_silent_may_have_lost_its_lock_and_knows(processes: Processes) -> None:
    """It was frozen: its successor has the lock, and keeps it when the first one lets go of what it had."""
    clock = Clock()
    first, second = processes.begin(clock), processes.begin()
    frozen = first.claim("collecting")

    processes.fall_silent()
    clock.advance(LOCK_SECONDS)
    assert not stands(frozen)
    taken = second.claim("collecting")
    first.renew()
    let_go(frozen)

    assert stands(taken)
    assert not stands(frozen)
    second.renew()
    assert stands(taken)
    assert processes.rows() == [("collecting", True)]


def test_one_that_was_lost_unnoticed_is_found_lost_when_it_is_renewed(processes: Processes) -> None:
    first, second = processes.begin(Clock()), processes.begin()
    lost, kept = first.claim("collecting"), first.claim("checking")

    with psycopg.connect(processes.url) as connection:
        connection.execute("UPDATE named_lock SET until = 0 WHERE name = 'collecting'")
    assert second.claim("collecting") is not None
    first.renew()

    assert (stands(lost), stands(kept)) == (False, True)


def test_silent_but_not_replaced_it_is_renewed(processes: Processes) -> None:
    clock = Clock()
    turns = processes.begin(clock)
    lock = turns.claim("collecting")

    processes.fall_silent()
    clock.advance(LOCK_SECONDS)
    assert not stands(lock)
    turns.renew()

    assert stands(lock)
    assert processes.begin().claim("collecting") is None


def test_it_is_renewed_by_itself_while_it_is_held(processes: Processes) -> None:
    lock = processes.begin(every=0.01).claim("collecting")

    processes.fall_silent()
    deadline = time.monotonic() + BOUND_SECONDS
    while processes.rows() != [("collecting", True)]:
        assert time.monotonic() < deadline, "nobody renews it"

    assert stands(lock)


def test_a_process_that_ends_lets_go_of_all_it_has(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()
    claims = [first.claim(name) for name in ("collecting", "checking", "upload 1")]
    assert None not in claims

    first.close()
    first.close()

    assert processes.rows() == []
    assert second.claim("collecting") is not None


def test_a_process_is_told_that_the_database_is_away() -> None:
    with postgres_server() as server, ExitStack() as stack:
        clock = Clock()
        turns = Processes(server.empty(), stack).begin(clock)
        lock = turns.claim("collecting")
        assert turns.begin("upload", "begun")
        noted = claimed(turns, "upload")
        server.stop()
        with pytest.raises(DatabaseFailed):
            turns.claim("checking")
        with pytest.raises(DatabaseFailed):
            turns.renew()
        with pytest.raises(DatabaseFailed), turns.shared():
            pass
        with pytest.raises(DatabaseFailed):
            noted.end()
        assert stands(lock)
        clock.advance(LOCK_SECONDS)
        assert not stands(lock)
        let_go(lock)  # it is over a little later
        server.start()

        with turns.exclusive():
            assert turns.claim("checking") is not None
        assert turns.note("upload") == "begun"


def test_many_are_in_the_gate_together(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()

    with first.shared(), second.shared(), first.shared():
        pass


@pytest.mark.parametrize("inside", ["shared", "exclusive"])
@pytest.mark.parametrize("wanted", ["shared", "exclusive"])
def test_one_who_is_alone_in_the_gate_is_waited_for(processes: Processes, inside: str, wanted: str) -> None:
    """And where both only share it, nobody waits."""
    first, second = processes.begin(), processes.begin()
    steps: list[str] = []
    holds, there = threading.Event(), threading.Event()

    def other() -> None:
        with second.shared() if wanted == "shared" else second.exclusive():
            steps.append("second")
            there.set()

    with ThreadPoolExecutor(1) as threads:
        with first.shared() if inside == "shared" else first.exclusive():
            done = threads.submit(other)
            if inside == wanted == "shared":
                assert there.wait(BOUND_SECONDS)
            else:
                until_somebody_waits(processes)
            steps.append("first")
            holds.set()
        done.result(BOUND_SECONDS)

    expected = ["second", "first"] if inside == wanted == "shared" else ["first", "second"]
    assert steps == expected


def until_somebody_waits(processes: Processes) -> None:
    """Returns when a lock is asked for that another one has."""
    deadline = time.monotonic() + BOUND_SECONDS
    with psycopg.connect(processes.url, autocommit=True) as connection:
        while not connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'").fetchone():
            assert time.monotonic() < deadline, "nobody waits"
            connection.execute("SELECT pg_sleep(0.01)")


def test_many_in_the_gate_write_through_the_common_pool_at_once(processes: Processes) -> None:
    """As uploads do, which lease what they put there: more of them than either pool has connections, twice as many."""
    turns, rows = processes.with_rows()
    many = 2 * max(POOL, GATES)
    together = threading.Barrier(many)

    def upload(number: int) -> int:
        together.wait(BOUND_SECONDS)
        for _ in range(3):
            with turns.shared(), rows.writing() as connection:
                assert connection.execute(text("SELECT 1")).scalar_one() == 1
        return number

    with ThreadPoolExecutor(many + 1) as threads:
        uploads = [threads.submit(upload, number) for number in range(many)]
        with turns.exclusive():
            pass
        assert [each.result(BOUND_SECONDS) for each in uploads] == list(range(many))


def test_a_note_is_left_for_whoever_has_the_lock_next(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()

    assert first.begin("upload", "begun")
    assert not second.begin("upload", "begun again")
    lock = claimed(first, "upload")
    assert lock.note == "begun"
    assert second.claim("upload") is None
    assert lock.leave("further")

    assert second.note("upload") == "further"
    successor = claimed(second, "upload")
    assert successor.note == "further"
    successor.release()
    assert first.note("upload") == "further"
    claimed(first, "upload").end()
    assert (first.note("upload"), processes.rows()) == (None, [])


def test_who_was_silent_for_too_long_leaves_no_note(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()
    assert first.begin("upload", "begun")
    frozen = claimed(first, "upload")

    processes.fall_silent()
    assert frozen.ours() is False
    successor = claimed(second, "upload")
    assert successor.leave("right")
    assert not frozen.leave("wrong")
    frozen.end()

    assert second.note("upload") == "right"


def test_who_has_a_lock_that_is_dropped_finds_so(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()
    assert first.begin("upload", "begun")
    lock = claimed(first, "upload")

    assert lock.ours()
    assert second.drop("upload")
    assert not second.drop("upload")

    assert not lock.ours()
    assert not lock.leave("late")
    assert second.note("upload") is None


def test_a_note_that_nobody_has_is_not_swept_and_not_renewed(processes: Processes) -> None:
    first = processes.begin()
    assert first.begin("upload", "begun")
    assert claimed(first, "upload").leave("further")

    first.renew()
    processes.begin(every=0.01).claim("sweeps")  # by the thread that renews, as it begins
    first.renew()

    assert claimed(processes.begin(), "upload").note == "further"


def claimed(turns: DatabaseTurns, name: str) -> DatabaseLock:
    lock = turns.claim(name)
    assert lock is not None
    return lock
