"""Which blobs are read again when: all within the time allowed, evenly, the longest unread first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.oci.digest import Digest
from lading.services.content.check import ROUND_SECONDS, Checked, ContentCheck, Found, Kept
from lading.wire.message import Cancel
from tests.fakes.records import Clock

DAY = 24 * 60 * 60.0
EVERY = 30 * DAY


@dataclass
class Content:
    """Blobs by digest; some are broken."""

    blobs: dict[Digest, Kept] = field(default_factory=dict)
    broken: set[Digest] = field(default_factory=set)
    aside: list[Digest] = field(default_factory=list)
    read: list[Digest] = field(default_factory=list)
    busy: bool = False

    def put(self, name: str, size: int, written: float) -> Digest:
        digest = Digest.of(name.encode())
        self.blobs[digest] = Kept(digest, size, written)
        return digest

    def kept(self) -> Iterable[Kept]:
        return list(self.blobs.values())

    @contextmanager
    def turn(self) -> Iterator[bool]:
        yield not self.busy

    def sound(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool | None:
        if digest not in self.blobs:
            return None
        self.read.append(digest)
        passed(self.blobs[digest].size)
        return digest not in self.broken

    def set_aside(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool:
        del self.blobs[digest]
        self.aside.append(digest)
        return True

    def damaged(self) -> Sequence[Digest]:
        return self.aside

    def holds(self, digest: Digest) -> bool:
        return digest in self.blobs


@dataclass
class Rows:
    rows: dict[Digest, tuple[float, Found]] = field(default_factory=dict)

    def checked(self, digests: Collection[Digest]) -> Mapping[Digest, float]:
        return {digest: self.rows[digest][0] for digest in digests if digest in self.rows}

    def note(self, found: Mapping[Digest, Found], at: float) -> None:
        self.rows |= {digest: (at, each) for digest, each in found.items()}

    def forget(self, before: float) -> None:
        self.rows = {digest: row for digest, row in self.rows.items() if row[0] >= before}


@dataclass
class House:
    content: Content = field(default_factory=Content)
    rows: Rows = field(default_factory=Rows)
    clock: Clock = field(default_factory=Clock)
    needed: list[Digest] = field(default_factory=list)

    @property
    def check(self) -> ContentCheck:
        return ContentCheck(self.content, self.rows, lambda: self.needed, every=EVERY, clock=self.clock)

    def round(self) -> Checked:
        return self.check.round(lambda _: None, Cancellation())

    def pass_time(self, seconds: float) -> None:
        """With a round each hour."""
        for _ in range(int(seconds // ROUND_SECONDS)):
            self.clock.advance(ROUND_SECONDS)
            self.round()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 60)), min_size=1, max_size=30))
def test_everything_is_read_within_the_time_allowed(blobs: list[tuple[int, float]]) -> None:
    """Whatever sizes there are, and whenever they came."""
    house = House()
    digests = {
        house.content.put(str(number), size, house.clock() - days * DAY) for number, (size, days) in enumerate(blobs)
    }
    house.pass_time(EVERY)

    assert set(house.content.read) == digests


def test_it_is_spread_evenly() -> None:
    """What came on one day is not read on one day."""
    house = House()
    many = 900
    for number in range(many):
        house.content.put(str(number), 100, house.clock())
    house.pass_time(EVERY)
    before = len(house.content.read)
    house.pass_time(DAY)

    assert many <= before < 2 * many
    assert many / 30 < len(house.content.read) - before < 2 * many / 30


def test_rounds_that_were_missed_are_made_up_for() -> None:
    house = House()
    for number in range(100):
        house.content.put(str(number), 100, house.clock())
    house.clock.advance(EVERY)
    house.round()

    assert len(house.content.read) == 100


def test_what_was_written_or_read_lately_is_left_alone() -> None:
    house = House()
    house.content.put("new", 10, house.clock())
    old = house.content.put("old", 10, house.clock() - 20 * DAY)

    assert house.round() == Checked(1, 10, ())
    assert house.round() == Checked(0, 0, ())
    assert house.rows.rows == {old: (house.clock(), Found.OK)}


def test_damage_is_found_once_and_told(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    broken = house.content.put("broken", 10, 0.0)
    house.content.broken.add(broken)

    assert house.round() == Checked(1, 10, (broken,))
    assert house.rows.rows[broken][1] is Found.DAMAGED
    assert list(house.check.damaged()) == [broken]
    assert f"{broken} is not what its name says" in caplog.text
    assert house.round() == Checked(0, 0, ())


def test_damage_is_noted_before_anything_else_is_read() -> None:
    """A note is a commit: until then somebody may remember that it is here."""
    house = House()
    broken = house.content.put("broken", 10, 0.0)
    house.content.put("sound", 10, 1.0)
    house.content.broken.add(broken)
    noted: list[list[Digest]] = []
    house.check.all(lambda _: noted.append(list(house.rows.rows)), Cancellation())

    assert noted == [[], [broken]]


def test_somebody_elses_round_is_not_ours_too() -> None:
    house = House()
    house.content.put("old", 10, 0.0)
    house.content.busy = True

    assert house.round() == Checked(0, 0, ())
    assert house.content.read == []


def test_all_at_once_also_misses_what_is_named_and_not_here() -> None:
    house = House()
    here, gone = house.content.put("here", 10, house.clock()), Digest.of(b"gone")
    house.needed = [here, gone]

    assert house.check.all(lambda _: None, Cancellation()) == Checked(1, 10, (), (gone,))
    assert {digest: found for digest, (_, found) in house.rows.rows.items()} == {here: Found.OK, gone: Found.MISSING}


def test_rows_of_what_is_long_gone_are_forgotten() -> None:
    house = House()
    house.rows.note({Digest.of(b"gone"): Found.OK}, house.clock())
    house.clock.advance(2 * EVERY + 1)
    house.round()

    assert house.rows.rows == {}


def test_a_cancelled_check_keeps_what_it_found() -> None:
    house = House()
    for number in range(3):
        house.content.put(str(number), 10, 0.0)
    cancel = Cancellation()
    with pytest.raises(Cancelled):
        house.check.all(lambda _: cancel.cancel(), cancel)

    assert len(house.rows.rows) == 1
