"""Generations of a database: whole ones alone are used, and stay while somebody reads them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lading.backends.scanners.databases import Databases
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled

BOUND_SECONDS = 30.0


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    return Databases(tmp_path / "cache", "grype")


def renew(databases: Databases, built: float = 5.0) -> Path:
    with databases.updating(Cancellation(), nobody):
        fresh = databases.fresh()
        (fresh / "vulnerability.db").write_text("")
        return databases.install(fresh, built, "1").path


def nobody() -> None:
    """Nobody is told."""


def test_there_is_none_at_first(databases: Databases, tmp_path: Path) -> None:
    assert databases.newest() is None
    with databases.used() as generation:
        assert generation is None
    assert list(tmp_path.iterdir()) == []


def test_the_newest_is_used_and_the_others_go(databases: Databases) -> None:
    first, second = renew(databases), renew(databases, 6.0)

    with databases.used() as generation:
        assert generation is not None
        assert (generation.path, generation.built) == (second, 6.0)
    assert not first.exists()


def test_one_that_is_read_goes_with_a_later_update(databases: Databases) -> None:
    first = renew(databases)
    with databases.used():
        renew(databases)
        assert first.is_dir()

    renew(databases)

    assert not first.exists()


def test_what_is_not_whole_is_no_database(databases: Databases, tmp_path: Path) -> None:
    first = renew(databases)
    (tmp_path / "cache" / "grype" / "000007").mkdir()
    (tmp_path / "cache" / "grype" / "else").mkdir()

    newest = databases.newest()

    assert newest is not None
    assert newest.path == first
    assert renew(databases).name == "000008"


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"built": "soon"}', "\xff"])
def test_a_note_that_says_nothing_is_none(databases: Databases, note: str) -> None:
    (renew(databases) / "lading.json").write_text(note, "latin-1")

    assert databases.newest() is None


def test_an_update_that_breaks_leaves_nothing(databases: Databases, tmp_path: Path) -> None:
    first = renew(databases)

    def breaks() -> None:
        with databases.updating(Cancellation(), nobody):
            databases.fresh()
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        breaks()

    assert [path.name for path in (tmp_path / "cache" / "grype").iterdir()] == [first.name]


def test_who_waits_for_another_is_told_once_and_may_be_cancelled(databases: Databases, tmp_path: Path) -> None:
    cancel, told = Cancellation(), threading.Event()
    raised: list[BaseException] = []

    def waits() -> None:
        try:
            with Databases(tmp_path / "cache", "trivy").scanning(cancel, told.set):
                raise AssertionError("somebody else scans")
        except Cancelled as error:
            raised.append(error)

    with databases.scanning(Cancellation(), nobody):
        other = threading.Thread(target=waits)
        other.start()
        assert told.wait(BOUND_SECONDS)
        cancel.cancel()
        other.join(BOUND_SECONDS)

    assert len(raised) == 1


def test_reading_and_renewing_do_not_meet(databases: Databases) -> None:
    """Whoever uses one finds it whole, however many come meanwhile."""
    renew(databases)
    broken: list[Path] = []
    over = threading.Event()

    def reads() -> None:
        while not over.is_set():
            with databases.used() as generation:
                if generation is None or not (generation.path / "vulnerability.db").exists():
                    broken.append(Path() if generation is None else generation.path)

    readers = [threading.Thread(target=reads) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(40):
            renew(databases)
    finally:
        over.set()
        for reader in readers:
            reader.join()

    assert broken == []
