"""The chain over the audit trail: sealed across restarts, and every change behind Lading's back found."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.database.service_database import open_service_database
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry, AuditRow
from lading.services.audit.seal import Sealer, canonical, chain, seal_of, verify
from lading.services.audit.trail import AuditTrail
from tests.fakes.people import NOW, SetClock, heads

ANN = Actor("ann", user=1)


def row(id: int, **changes: object) -> AuditRow:  # noqa: A002
    deed = Deed("push", "image", f"sha256:{id}", "app", 1, {"targetTag": "r/app:1", "n": 1.5, "é": None})
    entry = AuditEntry(NOW + id, "ann", 1, None, deed, Result.DONE, "192.0.2.1", "request")
    return AuditRow(id, replace(entry, **changes))  # type: ignore[arg-type]


def sealed(rows: Sequence[AuditRow]) -> list[AuditRow]:
    seals = dict(chain("", rows))
    return [replace(each, seal=seals[each.id]) for each in rows]


ROWS = sealed([row(number) for number in range(1, 8)])


def test_a_row_has_one_canonical_text() -> None:
    assert canonical(row(1)) == (
        b'{"action":"push","actor":"ann","address":"192.0.2.1","created":1800000001.0,"details":{"n":1.5,'
        b'"targetTag":"r/app:1","\\u00e9":null},"entityId":"sha256:1","entityName":"app","entityType":"image",'
        b'"environment":1,"id":1,"request":"request","result":"done","token":null,"user":1}'
    )


def test_a_whole_chain_is_sound() -> None:
    found = verify(ROWS)

    assert (found.sound, found.rows, found.head, found.tail, found.gaps) == (True, 7, (7, ROWS[-1].seal), 0, ())
    assert verify([]).sound


@given(st.integers(0, 6), st.sampled_from(["created", "actor", "user", "token", "result", "address", "request"]))
def test_a_changed_field_is_found(place: int, name: str) -> None:
    other = {
        "created": 1.0,
        "actor": "eve",
        "user": 9,
        "token": 9,
        "result": Result.FAILED,
        "address": "",
        "request": "",
    }
    rows = list(ROWS)
    rows[place] = replace(rows[place], entry=replace(rows[place].entry, **{name: other[name]}))  # type: ignore[arg-type]

    found = verify(rows)

    assert not found.sound
    assert found.broken is not None
    assert found.broken.row == place + 1


@given(st.integers(0, 5))
def test_a_removed_row_is_found(place: int) -> None:
    rows = [each for each in ROWS if each.id != place + 1]

    found = verify(rows)

    assert found.broken is not None
    assert (found.broken.row, found.gaps) == (place + 2, ((place, place + 2),))
    assert "removed" in found.broken.reason


@given(st.integers(0, 5))
def test_a_row_whose_seal_was_taken_away_is_found(place: int) -> None:
    rows = list(ROWS)
    rows[place] = replace(rows[place], seal=None)

    found = verify(rows)

    assert found.broken is not None
    assert found.broken.row == place + 1


def test_the_unsealed_tail_is_named() -> None:
    found = verify([*ROWS, row(8), row(9), row(10)])

    assert (found.sound, found.tail, found.tail_ids, found.head) == (True, 3, (8, 10), (7, ROWS[-1].seal))


def test_an_id_that_was_never_used_is_a_gap_and_breaks_nothing() -> None:
    found = verify(sealed([row(1), row(2), row(5)]))

    assert (found.sound, found.gaps) == (True, ((2, 5),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lading.db"


def test_the_sealer_goes_on_where_an_earlier_process_stopped(folder: Path) -> None:
    for _ in range(3):
        database = open_service_database(folder, SetClock())
        trail = AuditTrail(database.audit, SetClock())
        for number in range(5):
            trail.record(ANN, Deed("login", "user", str(number), "ann"), Result.DONE)
        Sealer(database.audit, heads(database)).seal_all()
        trail.record(ANN, Deed("logout", "user", "1", "ann"), Result.DONE)
        database.close()

    database = open_service_database(folder, SetClock())
    found = verify(database.audit.each())
    database.close()

    assert (found.sound, found.rows, found.tail, found.tail_ids) == (True, 18, 1, (18, 18))


def test_two_sealers_make_one_chain(folder: Path) -> None:
    database = open_service_database(folder, SetClock())
    trail = AuditTrail(database.audit, SetClock())
    sealers = [Sealer(database.audit, heads(database), gather=0.0) for _ in range(2)]
    for sealer in sealers:
        trail.subscribe(sealer.woken)
        sealer.begin()

    def record() -> None:
        for _ in range(20):
            trail.record(ANN, Deed("a", "b", "", ""), Result.DONE)

    threads = [threading.Thread(target=record) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sealer in sealers:
        sealer.stop()
    found = verify(database.audit.each())
    database.close()

    assert (found.sound, found.rows, found.tail) == (True, 60, 0)


def test_who_came_too_late_lets_the_other_go_first_until_that_one_is_gone(folder: Path) -> None:
    database = open_service_database(folder, SetClock())
    trail = AuditTrail(database.audit, SetClock())
    first, second = (Sealer(database.audit, heads(database), gather=0.5) for _ in range(2))

    def recorded(*looking: Sealer) -> tuple[float, float]:
        trail.record(ANN, Deed("a", "b", "", ""), Result.DONE)
        for sealer in looking:
            sealer.look(told=True)
        return first.gathers, second.gathers

    assert recorded(first, second) == (0.5, 3.0)
    assert recorded(first, second) == (0.5, 3.0)
    assert recorded(second) == (0.5, 0.5)
    assert recorded(second, first) == (3.0, 0.5)
    second.look(told=False)
    second.look(told=True)  # late, of what it has sealed itself
    assert second.gathers == 0.5
    database.close()


def test_what_is_recorded_before_the_stop_is_sealed(folder: Path) -> None:
    database = open_service_database(folder, SetClock())
    trail = AuditTrail(database.audit, SetClock())
    sealer = Sealer(database.audit, heads(database), gather=60.0)
    sealer.begin()
    trail.record(ANN, Deed("a", "b", "", "", details={"n": 10**20, "f": 0.1, "t": "é\0"}), Result.DONE)
    sealer.stop()
    rows = list(database.audit.each())
    database.close()

    assert [each.seal for each in rows] == [seal_of("", rows[0])]
