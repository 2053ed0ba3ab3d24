"""The rows of the audit trail, on every database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from lading.backends.database import audit_rows
from lading.backends.database.service_database import ServiceDatabase
from lading.backends.database.service_tables import audit
from lading.services.audit.audit import Deed, Result
from lading.services.audit.export import Format, export
from lading.services.audit.records import AuditEntry, AuditFilter, AuditRecords
from lading.services.audit.seal import Sealer, verify
from tests.fakes.people import heads

NOW = 1_800_000_000.0
DEED = Deed("push", "image", "sha256:00", "alpine:3", 1, {"targetTag": "r/alpine:3", "tags": ["a"], "size": 2**40})
ENTRY = AuditEntry(NOW, "ada", 7, None, DEED, Result.STARTED, "192.0.2.1", "request-1")


@pytest.fixture
def trail(database: ServiceDatabase) -> AuditRecords:
    return database.audit


def test_a_record_comes_back_as_it_was(trail: AuditRecords) -> None:
    number = trail.append(ENTRY)
    row = trail.find(number)

    assert row is not None
    assert (row.id, row.entry, row.seal) == (number, ENTRY, None)
    assert list(row.entry.deed.details) == ["targetTag", "tags", "size"]
    assert trail.find(number + 1) is None
    assert trail.find(10**30) is None


def test_pages_go_from_the_newest(trail: AuditRecords) -> None:
    numbers = [trail.append(replace(ENTRY, created=NOW + number)) for number in range(5)]

    page = trail.page(AuditFilter(), 1, 2)

    assert ([row.id for row in page.rows], page.total) == ([numbers[3], numbers[2]], 5)
    assert not trail.page(AuditFilter(), 10**30, 2).rows


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(), [0, 1, 2]),
        (AuditFilter(actor="ada"), [0, 2]),
        (AuditFilter(user=7), [0, 2]),
        (AuditFilter(user=10**30), []),
        (AuditFilter(action="push", result=Result.DENIED), [1]),
        (AuditFilter(entity_type="registry"), [2]),
        (AuditFilter(entity_id="sha256:00"), [0, 1]),
        (AuditFilter(entity_name="hub"), [2]),
        (AuditFilter(environment=1), [0, 1]),
        (AuditFilter(environments=frozenset({1, 2})), [0, 1]),
        (AuditFilter(environments=frozenset()), []),
        (AuditFilter(since=NOW + 1), [1, 2]),
        (AuditFilter(until=NOW + 1), [0]),
        (AuditFilter(since=NOW + 1, until=NOW + 2), [1]),
        (AuditFilter(actor="a\0\ud800"), []),
        (AuditFilter(text="DA"), [0, 2]),
        (AuditFilter(text="alpine"), [0, 1]),
        (AuditFilter(text="%"), []),
        (AuditFilter(text="a\0\ud800"), []),
    ],
)
def test_a_filter_leaves_the_rest_out(trail: AuditRecords, wanted: AuditFilter, found: list[int]) -> None:
    numbers = [
        trail.append(ENTRY),
        trail.append(replace(ENTRY, actor="bob", user=8, created=NOW + 1, result=Result.DENIED)),
        trail.append(replace(ENTRY, created=NOW + 2, deed=Deed("add", "registry", "3", "hub"))),
    ]
    expected = [numbers[index] for index in found]

    page = trail.page(wanted, 0, 9)

    assert ([row.id for row in page.rows], page.total) == (expected[::-1], len(expected))
    assert [row.id for row in trail.each(wanted)] == expected
    assert [row.id for row in trail.after(0, 9, wanted)] == expected


def test_who_follows_goes_on_after_the_last_seen(trail: AuditRecords) -> None:
    first, second, third = (trail.append(ENTRY) for _ in range(3))

    assert [row.id for row in trail.after(first, 9)] == [second, third]
    assert [row.id for row in trail.after(0, 1)] == [first]
    assert not trail.after(third, 9)
    assert not trail.after(10**30, 9)


def test_export_reads_in_pieces_what_was_there_when_it_began(trail: AuditRecords) -> None:
    numbers = [trail.append(ENTRY) for _ in range(audit_rows.PIECE + 2)]
    rows = trail.each()

    read = [next(rows).id]
    trail.append(ENTRY)
    read += [row.id for row in rows]

    assert read == numbers


def test_a_seal_is_written_once_and_in_full(trail: AuditRecords) -> None:
    first, second, third = (trail.append(ENTRY) for _ in range(3))
    assert [row.id for row in trail.unsealed(2)] == [first, second]
    assert trail.last_sealed() is None

    assert trail.head() is None
    assert trail.seal([(first, "one"), (second, "two")], None, "head")
    assert not trail.seal([(third, "three"), (second, "again")], "head", "other")
    assert not trail.seal([(third, "three")], None, "other")
    assert trail.head() == "head"

    last = trail.last_sealed()
    assert last is not None
    assert (last.id, last.seal) == (second, "two")
    assert [(row.id, row.seal) for row in trail.unsealed(9)] == [(third, None)]
    assert trail.seal([(third, "three")], "head", "next")
    assert trail.head() == "next"


def test_rows_appear_in_the_order_of_their_numbers(trail: AuditRecords) -> None:
    """Who has read up to a number misses none below it, however many append at once."""
    reached: list[int] = []
    over = threading.Event()

    def append() -> None:
        for _ in range(30):
            trail.append(ENTRY)

    def follow() -> None:
        while True:
            last = over.is_set()
            reached.extend(row.id for row in trail.after(reached[-1] if reached else 0, 100))
            if last and not trail.after(reached[-1], 1):
                return

    writers = [threading.Thread(target=append) for _ in range(4)]
    reader = threading.Thread(target=follow)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()

    assert len(reached) == 120
    assert reached == sorted(reached)


def test_what_strangers_say_is_kept_as_far_as_it_can_be(trail: AuditRecords) -> None:
    odd = "a\0b\ud800c"
    deed = Deed(odd, odd, odd, odd, None, {odd: [odd], "number": float("nan")})

    row = trail.find(trail.append(AuditEntry(NOW, odd, None, None, deed, Result.DENIED, odd, odd)))

    assert row is not None
    assert row.entry.actor == "a\ufffdb\ufffdc"
    assert row.entry.deed.details["number"] is None


@contextmanager
def statements() -> Iterator[list[str]]:
    """What any database is told inside, but for the beginnings and ends of transactions and their turns."""
    told: list[str] = []

    def tell(*args: object) -> None:
        if "audit" in str(args[2]):
            told.append(str(args[2]))

    event.listen(Engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        event.remove(Engine, "before_cursor_execute", tell)


def behind_our_back(place: Path | str, statement: str) -> None:
    """What somebody does who can write to the database."""
    if isinstance(place, str):
        with psycopg.connect(place) as connection:
            connection.execute(statement.encode())
        return
    with closing(sqlite3.connect(place)) as file, file:
        file.execute(statement)


FORGERIES = {
    "text that is no number": ("environment", "CAST('one' AS TEXT)", None),
    "a result that there is none": ("result", "'nonsense'", "'nonsense'"),
    "details that are no JSON": ("details", "'{'", None),
    "details that are no object": ("details", "'[1]'", "'[1]'"),
    "a number that is none": ("details", """'{"n": 1e999}'""", """'{"n": 1e999}'"""),
    "details as deep as a well": ("details", f"'{'[' * 5000}{']' * 5000}'", f"'{'[' * 5000}{']' * 5000}'"),
    "half a character": ("details", """'{"n": "\\ud800"}'""", """'{"n": "\\ud800"}'"""),
    "a moment that is none": ("created", "9e999", "'infinity'"),
    "a moment after all years": ("created", "1e30", "1e30"),
    "text that is none": ("entity_name", "CAST(x'ff' AS TEXT)", None),
    "a seal that is none": ("seal", "CAST(x'ff' AS TEXT)", "'é'"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_row_that_somebody_spoilt_is_shown_as_such_and_keeps_none_back(
    database: ServiceDatabase, place: Path | str, forgery: str
) -> None:
    trail = database.audit
    first, second, third = (trail.append(ENTRY) for _ in range(3))
    Sealer(trail, heads(database)).seal_all()
    column, on_sqlite, on_postgres = FORGERIES[forgery]
    value = on_sqlite if isinstance(place, Path) else on_postgres
    if value is None:
        return  # PostgreSQL keeps no such thing
    behind_our_back(place, f"UPDATE audit SET {column} = {value} WHERE id = {second}")

    rows = list(trail.each())
    found = verify(rows)

    assert [row.id for row in trail.page(AuditFilter(), 0, 9).rows] == [third, second, first]
    assert [row.entry for row in rows if row.id != second] == [ENTRY, ENTRY]
    assert [row.unreadable for row in rows] == [False, value != "'é'", False]
    assert len("".join(export(rows, Format.JSON_LINES)).encode().splitlines()) == 3
    assert found.broken is not None
    assert found.broken.row == second


def test_what_is_spoilt_before_it_is_sealed_is_found_all_the_same(database: ServiceDatabase, place: Path | str) -> None:
    trail = database.audit
    number = trail.append(ENTRY)
    behind_our_back(place, "UPDATE audit SET result = 'nonsense'")
    assert not verify(trail.each()).sound

    Sealer(trail, heads(database)).seal_all()
    found = verify(trail.each())

    assert found.broken is not None
    assert found.broken.row == number
    assert found.tail == 0


@pytest.mark.parametrize("number", [0, -7, -(2**63)])
def test_a_row_put_in_below_the_first_is_exported_and_found(
    database: ServiceDatabase, place: Path | str, number: int
) -> None:
    trail = database.audit
    kept = trail.append(ENTRY)
    Sealer(trail, heads(database)).seal_all()
    columns = ", ".join(f'"{column.name}"' for column in audit.c if column.name != "id")
    behind_our_back(place, f"INSERT INTO audit (id, {columns}) SELECT {number}, {columns} FROM audit")

    found = verify(trail.each())

    assert [row.id for row in trail.each()] == [number, kept]
    assert found.broken is not None
    assert (found.broken.row, found.rows) == (number, 2)


def test_a_batch_of_seals_is_one_statement(trail: AuditRecords) -> None:
    numbers = [trail.append(ENTRY) for _ in range(20)]
    with statements() as told:
        assert trail.seal([(number, f"seal{number}") for number in numbers], None, "head")

    assert len(told) == 1
    assert [row.seal for row in trail.each()] == [f"seal{number}" for number in numbers]


def test_a_batch_with_a_row_that_is_sealed_or_not_there_seals_none(trail: AuditRecords) -> None:
    first, second, third = (trail.append(ENTRY) for _ in range(3))
    assert trail.seal([(first, "one")], None, "head")

    assert not trail.seal([(first, "other"), (second, "two")], "head", "other")
    assert not trail.seal([(second, "two"), (third, "three"), (third + 1, "four")], "head", "other")
    assert trail.head() == "head"
    assert [row.seal for row in trail.each()] == ["one", None, None]
