"""What the catalogue promises beyond the contracts: accounts, ages, bounds, and how seldom it writes."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from threading import Thread

import pytest

from lading.backends.database import statements
from lading.backends.database.catalogue import Catalogue, open_catalogue
from lading.backends.database.hints import (
    LOCATION_SECONDS,
    LOCATIONS_OF_ONE,
    PENDING_SECONDS,
    PROFILE_SECONDS,
    UPLOAD_SECONDS,
)
from lading.backends.database.tables import profile
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.wire.endpoint import Profile
from tests.fakes.records import Clock

LAYER, ROOT = Digest.of(b"layer"), Descriptor("application/x", Digest.of(b"root"), 3)
HERE = Repository("a.example", "x")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lading.db"


@pytest.fixture
def catalogue(path: Path, clock: Clock) -> Iterator[Catalogue]:
    with closing(open_catalogue(path, clock)) as opened:
        yield opened


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What another program reads in the file at this moment."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_nothing_is_opened_before_the_first_question(catalogue: Catalogue, path: Path) -> None:
    catalogue.locations("me")
    catalogue.uploads("me")
    assert not path.parent.exists()

    catalogue.images.find("r:1")

    assert path.exists()


def test_folder_and_files_are_their_owners_alone(catalogue: Catalogue, path: Path) -> None:
    catalogue.images.point(["r:1"], ROOT, "any")
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in [path.parent, *path.parent.iterdir()]}

    assert modes == {
        "data": 0o700,
        "lading.db": 0o600,
        "lading.db-wal": 0o600,
        "lading.db-shm": 0o600,
        "lading.db.lock": 0o600,
    }


def test_what_was_written_is_there_for_the_next_process(path: Path, clock: Clock) -> None:
    with closing(open_catalogue(path, clock)) as first:
        first.images.point(["r:1"], ROOT, "any")
        first.locations("me").learn(LAYER, HERE)

    with closing(open_catalogue(path, clock)) as second:
        assert second.images.find("r:1")
        assert second.locations("me").of(LAYER, "a.example") == [HERE]


def test_no_hint_passes_from_one_login_to_another(catalogue: Catalogue) -> None:
    catalogue.locations("me").learn(LAYER, HERE)
    catalogue.uploads("me").begun(HERE, LAYER, "https://a.example/u/1")

    assert catalogue.locations("me").of(LAYER, "a.example") == [HERE]
    assert not catalogue.locations("you").of(LAYER, "a.example")
    assert catalogue.uploads("you").of(HERE, LAYER) is None


def test_a_lease_is_written_once_in_ten_minutes(catalogue: Catalogue, clock: Clock, path: Path) -> None:
    catalogue.leases.hold([LAYER])
    before = rows(path, "SELECT until FROM lease")
    clock.advance(599)
    catalogue.leases.hold([LAYER])
    assert rows(path, "SELECT until FROM lease") == before

    clock.advance(1)
    catalogue.leases.hold([LAYER])

    assert rows(path, "SELECT until FROM lease") == [(before[0][0] + 600,)]  # type: ignore[operator]


def test_many_who_hold_leases_at_once_all_get_them(catalogue: Catalogue, path: Path) -> None:
    digests = [Digest.of(str(number).encode()) for number in range(64)]
    threads = [Thread(target=catalogue.leases.hold, args=[[digest]]) for digest in digests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(catalogue.leases.held()) == set(digests)
    assert len(rows(path, "SELECT digest FROM lease")) == len(digests)


def test_leases_that_are_over_leave_no_rows(catalogue: Catalogue, clock: Clock, path: Path) -> None:
    catalogue.leases.hold([LAYER])
    clock.advance(2 * 24 * 60 * 60)
    catalogue.leases.hold([ROOT.digest])

    assert rows(path, "SELECT digest FROM lease") == [(str(ROOT.digest),)]


def test_threads_that_hold_the_same_blobs_all_find_them_leased(catalogue: Catalogue) -> None:
    digests = [Digest.of(str(number).encode()) for number in range(20)]
    missing: list[Digest] = []

    def hold() -> None:
        for digest in digests:
            catalogue.leases.hold([digest])
            missing.extend({digest} - set(catalogue.leases.held()))

    threads = [Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missing == []
    assert set(catalogue.leases.held()) == set(digests)


def test_locations_of_one_blob_are_bounded_to_the_latest(catalogue: Catalogue, clock: Clock, path: Path) -> None:
    places = [Repository("a.example", f"r{number}") for number in range(LOCATIONS_OF_ONE + 5)]
    for place in places:
        catalogue.locations("me").learn(LAYER, place)
        clock.advance(1)
    latest = places[: -LOCATIONS_OF_ONE - 1 : -1]
    assert catalogue.locations("me").of(LAYER, "a.example") == latest

    catalogue.locations("me").flush()

    assert catalogue.locations("me").of(LAYER, "a.example") == latest
    assert rows(path, "SELECT count(*) FROM location") == [(LOCATIONS_OF_ONE,)]


def test_a_location_is_too_old_after_a_month(catalogue: Catalogue, clock: Clock, path: Path) -> None:
    catalogue.locations("me").learn(LAYER, HERE)
    catalogue.locations("me").flush()
    clock.advance(LOCATION_SECONDS)
    assert not catalogue.locations("me").of(LAYER, "a.example")

    catalogue.locations("me").learn(ROOT.digest, HERE)
    catalogue.locations("me").flush()

    assert rows(path, "SELECT digest FROM location") == [(str(ROOT.digest),)]


def test_locations_reach_other_processes_within_seconds(catalogue: Catalogue, clock: Clock, path: Path) -> None:
    catalogue.locations("me").learn(LAYER, HERE)
    clock.advance(PENDING_SECONDS)
    catalogue.locations("me").learn(ROOT.digest, HERE)

    assert rows(path, "SELECT count(*) FROM location") == [(2,)]


def test_a_profile_is_learned_anew_after_a_month(catalogue: Catalogue, clock: Clock) -> None:
    catalogue.profiles.learn("a.example", Profile(patches=False))
    clock.advance(PROFILE_SECONDS)

    assert catalogue.profiles.of("a.example") == Profile()


def test_every_field_of_a_profile_has_its_column() -> None:
    known = {field.name for field in fields(Profile)}

    assert known == {column.name for column in profile.columns} - {"host", "learned"}


def test_an_upload_is_given_up_after_a_week(catalogue: Catalogue, clock: Clock, path: Path) -> None:
    catalogue.uploads("me").begun(HERE, LAYER, "https://a.example/u/1")
    clock.advance(UPLOAD_SECONDS)
    assert catalogue.uploads("me").of(HERE, LAYER) is None

    catalogue.uploads("me").begun(HERE, ROOT.digest, "https://a.example/u/2")

    assert rows(path, "SELECT url FROM upload") == [("https://a.example/u/2",)]


def test_hints_that_cannot_be_written_fail_nobody(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    catalogue = open_catalogue(path, clock)
    catalogue.locations("me").learn(LAYER, HERE)

    catalogue.close()


@pytest.mark.parametrize(
    "sql",
    [text for name, text in vars(statements).items() if name.isupper()],
    ids=lambda sql: " ".join(sql.split())[:40],
)
def test_no_statement_walks_a_whole_table_that_grows(catalogue: Catalogue, path: Path, sql: str) -> None:
    """Each finds its rows by an index; lists of everything walk in order of one."""
    catalogue.images.find("r:1")
    with closing(sqlite3.connect(path)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * (4 if "?4" in sql else sql.count("?"))).fetchall()

    assert [step for *_, step in plan if step.startswith("SCAN") and "USING" not in step] == []
