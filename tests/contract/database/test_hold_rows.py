"""What processes tell each other of registries, on both databases. Each `ServiceDatabase` is a process of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from lading.backends.database.hold_tables import registry_hold, registry_share
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.services.registries.holds import Hold, RegistryHolds
from lading.services.registries.shared_holds import SharedHolds

HOST, OTHER = "r.example", "other.example"


@pytest.fixture
def beside(database: ServiceDatabase, place: Path | str) -> Iterator[ServiceDatabase]:
    with closing(open_service_database(place, time.time)) as opened:
        yield opened


def left(database: ServiceDatabase) -> dict[str, tuple[int, str]]:
    """Whole seconds, rounded up: some time passes between writing and reading, on SQLite's clock perhaps none."""
    return {hold.host: (math.ceil(round(hold.seconds, 3)), hold.reason) for hold in database.holds.holds()}


def holding(database: ServiceDatabase) -> RegistryHolds:
    """As a process begins."""
    return RegistryHolds(time.monotonic, SharedHolds(database.holds, lambda: None, time.monotonic))


def over(database: ServiceDatabase) -> None:
    """As if all that was written down had been long ago."""
    with database.holds._transactions.writing() as connection:
        for table in (registry_hold, registry_share):
            connection.execute(update(table).values(until=1))


def test_a_hold_is_read_by_all_with_what_is_left(database: ServiceDatabase, beside: ServiceDatabase) -> None:
    assert database.holds.holds() == []

    database.holds.put_hold(Hold(HOST, 1000, "the rate limit"))
    beside.holds.put_hold(Hold(OTHER, 500.5, "status 503"))

    assert left(database) == left(beside) == {HOST: (1000, "the rate limit"), OTHER: (501, "status 503")}


def test_the_one_that_ends_later_stands(database: ServiceDatabase, beside: ServiceDatabase) -> None:
    database.holds.put_hold(Hold(HOST, 1000, "the rate limit"))

    beside.holds.put_hold(Hold(HOST, 500, "status 503"))
    assert left(database) == {HOST: (1000, "the rate limit")}
    beside.holds.put_hold(Hold(HOST, 2000, "status 503"))
    assert left(database) == {HOST: (2000, "status 503")}


def test_what_is_over_is_not_read_and_goes_with_the_next(database: ServiceDatabase) -> None:
    database.holds.put_hold(Hold(HOST, 1000, "the rate limit"))
    over(database)
    assert left(database) == {}

    database.holds.put_hold(Hold(HOST, 5, "status 503"))

    assert left(database) == {HOST: (5, "status 503")}


def test_of_many_who_are_told_at_once_the_longest_stands(database: ServiceDatabase, beside: ServiceDatabase) -> None:
    holds = [Hold(HOST, 1000 + 10 * number, "the rate limit") for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda hold: (database, beside)[int(hold.seconds) % 20 // 10].holds.put_hold(hold), holds))

    assert left(database) == {HOST: (1150, "the rate limit")}


def test_a_process_that_begins_again_keeps_to_what_it_was_told(
    database: ServiceDatabase, beside: ServiceDatabase
) -> None:
    holding(database).hold(Hold(HOST, 1000, "the rate limit"))

    (kept,) = holding(beside).all()

    assert kept.host == HOST
    assert 0 < kept.seconds <= 1000


def test_who_moves_layers_where_is_known_to_all(database: ServiceDatabase, beside: ServiceDatabase) -> None:
    assert database.shares.move("b", [HOST, OTHER], 1000) == {HOST: ["b"], OTHER: ["b"]}
    assert beside.shares.move("a", [HOST], 1000) == {HOST: ["a", "b"]}
    assert database.shares.movers([HOST, OTHER]) == {HOST: ["a", "b"], OTHER: ["b"]}

    assert database.shares.move("b", [], 1000) == {}

    assert beside.shares.movers([HOST, OTHER]) == {HOST: ["a"]}


def test_who_was_not_heard_of_moves_nothing(database: ServiceDatabase) -> None:
    database.shares.move("dead", [HOST], 1000)
    over(database)

    assert database.shares.movers([HOST]) == {}
    assert database.shares.move("alive", [HOST], 1000) == {HOST: ["alive"]}
