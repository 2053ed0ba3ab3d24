"""Layers being read: once each, asked ones first, stopped when nobody needs them; and no thread stays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from lading.backends.inventories.readings import Readings, Wanted
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.inventory.layer import LayerInventory
from lading.oci.digest import Digest
from lading.services.findings.scanner import ScanFailed
from lading.wire.message import BytesReader, Cancel, Reader


def nothing() -> Reader:
    return BytesReader(b"")


def layer(name: str, size: int = 10) -> Wanted:
    return Wanted(Digest.of(f"blob {name}".encode()), Digest.of(name.encode()), size, nothing)


class Played:
    """Reads by opening a gate, one for each layer; remembers in which order they were begun."""

    def __init__(self) -> None:
        self.begun: list[Wanted] = []
        self.gates: dict[Wanted, threading.Event] = {}
        self.failing: set[Wanted] = set()
        self._changed = threading.Condition()

    def __call__(self, wanted: Wanted, passed: Callable[[int], None], cancel: Cancel) -> LayerInventory:
        gate = self.gates.setdefault(wanted, threading.Event())
        with self._changed:
            self.begun.append(wanted)
            self._changed.notify_all()
        with cancel.closing(gate.set):
            gate.wait()
            cancel.check()
        if wanted in self.failing:
            raise ScanFailed("osv", "as planned")
        passed(wanted.size or 0)
        assert wanted.diff_id is not None
        return LayerInventory(wanted.diff_id, 0)

    def open(self, *wanted: Wanted) -> None:
        for each in wanted:
            self.gates.setdefault(each, threading.Event()).set()

    def await_begun(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= count, 10)


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def readings(played: Played) -> Iterator[Readings]:
    made = Readings(played, 1)
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "inventory"]


A, B, C = layer("a"), layer("b"), layer("c")


def test_all_are_read_and_told(readings: Readings, played: Played) -> None:
    played.open(A, B)
    told: list[tuple[int, int]] = []

    found = readings.all([A, B], lambda *figures: told.append(figures), Cancellation())

    assert [each.diff_id for each in found] == [A.diff_id, B.diff_id]
    assert played.begun == [A, B]
    assert told == sorted(told)
    assert told[-1] == (20, 20)


def test_nothing_to_read_is_told_as_that(readings: Readings) -> None:
    told: list[tuple[int, int]] = []

    assert readings.all([], lambda *figures: told.append(figures), Cancellation()) == []
    assert told == [(0, 0)]


class Asking:
    """Somebody who waits for layers on a thread."""

    def __init__(self, readings: Readings, wanted: Sequence[Wanted]) -> None:
        self.cancel = Cancellation()
        self.outcome: object = None
        self._joined = threading.Event()
        self._readings, self._wanted = readings, wanted
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        assert self._joined.wait(60)

    def _ask(self) -> None:
        try:
            self.outcome = self._readings.all(self._wanted, lambda *_: self._joined.set(), self.cancel)
        except (ScanFailed, Cancelled) as error:
            self.outcome = error

    def ended(self) -> object:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.outcome


def test_a_layer_that_is_asked_for_goes_before_those_ahead(readings: Readings, played: Played) -> None:
    for each in (A, B, C):
        readings.ahead(each)
    played.await_begun(1)
    asking = Asking(readings, [C])
    played.open(A, C)
    played.await_begun(2)

    assert asking.ended() == [LayerInventory(Digest.of(b"c"), 0)]
    played.open(B)
    played.await_begun(3)
    assert played.begun == [A, C, B]


def test_two_who_ask_for_one_layer_have_it_read_once(readings: Readings, played: Played) -> None:
    readings.ahead(A)
    played.await_begun(1)
    asking = [Asking(readings, [A]), Asking(readings, [A])]
    readings.ahead(A)
    played.open(A)

    assert [each.ended() for each in asking] == [[LayerInventory(Digest.of(b"a"), 0)]] * 2
    assert played.begun == [A]


def test_a_cancel_stops_what_nobody_else_needs(readings: Readings, played: Played) -> None:
    asking = Asking(readings, [A, B])
    played.await_begun(1)
    asking.cancel.cancel()

    assert isinstance(asking.ended(), Cancelled)
    played.open(C)
    readings.all([C], lambda *_: None, Cancellation())
    assert played.begun == [A, C]


def test_a_cancel_leaves_what_somebody_else_needs(readings: Readings, played: Played) -> None:
    first = Asking(readings, [A])
    played.await_begun(1)
    second = Asking(readings, [A])
    readings.ahead(B)
    first.cancel.cancel()

    assert isinstance(first.ended(), Cancelled)
    played.open(A, B)
    assert second.ended() == [LayerInventory(Digest.of(b"a"), 0)]


def test_one_failure_ends_the_others(readings: Readings, played: Played) -> None:
    played.failing = {A}
    played.open(A)
    asking = Asking(readings, [A, B, C])

    assert isinstance(asking.ended(), ScanFailed)


def test_a_failure_ahead_is_nobodys(readings: Readings, played: Played) -> None:
    played.failing = {A}
    played.open(A, B)
    readings.ahead(A)

    assert readings.all([B], lambda *_: None, Cancellation())


def test_closing_stops_what_is_read_and_what_waits(readings: Readings, played: Played) -> None:
    asking = Asking(readings, [A, B])
    played.await_begun(1)
    readings.close()

    assert isinstance(asking.ended(), Cancelled)
    with pytest.raises(Cancelled):
        readings.all([C], lambda *_: None, Cancellation())
