"""What is remembered of the rows stands until somebody commits, and not longer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.services.changes import MOST_REMEMBERED, Remembered, WokenChanges
from tests.fakes.people import SetClock, people


@dataclass
class Rows:
    """A row for each key, which are counted as they are read; `version` is what was committed last."""

    version: int = 0
    read: list[str] = field(default_factory=list)
    fails: bool = False

    at_once = True

    def stamp(self) -> Hashable:
        return self.version

    def woken(self, topic: str | None) -> None:
        """It counts itself."""

    def look(self, key: str) -> str:
        self.read.append(key)
        if self.fails:
            raise KeyError(key)
        return f"{key} at {self.version}"


def test_a_row_is_read_once_until_something_is_committed() -> None:
    rows = Rows()
    remembered = Remembered(rows, rows.look)
    assert [remembered.of("a"), remembered.of("b"), remembered.of("a")] == ["a at 0", "b at 0", "a at 0"]
    assert rows.read == ["a", "b"]

    rows.version += 1

    assert [remembered.of("a"), remembered.of("a")] == ["a at 1", "a at 1"]
    assert rows.read == ["a", "b", "a"]


def test_what_was_committed_while_it_was_read_is_read_again() -> None:
    rows = Rows()

    def look(key: str) -> str:
        found = rows.look(key)
        rows.version = max(rows.version, 1)
        return found

    remembered = Remembered(rows, look)

    assert [remembered.of("a"), remembered.of("a")] == ["a at 0", "a at 1"]


def test_what_was_read_late_does_not_replace_what_was_read_since() -> None:
    rows = Rows()

    def look(key: str) -> str:
        found = rows.look(key)
        if rows.version == 0:
            rows.version = 1
            assert remembered.of(key) == "a at 1"
        return found

    remembered = Remembered(rows, look)

    assert remembered.of("a") == "a at 0"
    assert remembered.of("a") == "a at 1"
    assert rows.read == ["a", "a"]


def test_a_failure_is_not_remembered() -> None:
    rows = Rows(fails=True)
    remembered = Remembered(rows, rows.look)
    with pytest.raises(KeyError):
        remembered.of("a")

    rows.fails = False

    assert remembered.of("a") == "a at 0"


def test_memory_is_bounded() -> None:
    rows = Rows()
    remembered = Remembered(rows, rows.look)
    for number in range(MOST_REMEMBERED + 1):
        remembered.of(str(number))

    remembered.of("0")

    assert rows.read[-1] == "0"
    assert len(rows.read) == MOST_REMEMBERED + 2


def test_what_is_heard_of_by_wake_ups_stands_for_five_seconds_at_most() -> None:
    clock = SetClock(100.0)
    changes = WokenChanges(clock)
    first = changes.stamp()
    assert changes.stamp() == first

    changes.woken("audit")
    second = changes.stamp()
    clock.now += WokenChanges.STANDS_SECONDS

    assert len({first, second, changes.stamp()}) == 3


def test_the_database_tells_of_commits_by_everybody(tmp_path: Path) -> None:
    with people(tmp_path) as here, people(tmp_path) as there:
        stamp = here.database.changes.stamp()
        assert here.database.changes.stamp() == stamp

        here.user("ada")
        own = here.database.changes.stamp()
        there.user("eve")

        assert len({stamp, own, here.database.changes.stamp()}) == 3
