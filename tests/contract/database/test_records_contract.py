"""The contracts of what the engine and the client remember, run in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.database.catalogue import Catalogue, open_catalogue
from lading.backends.database.service_database import open_service_database
from lading.engine.records import Holder, ImageNames, Leases
from lading.engine.stores import Locations, TagMoved
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.reference import Repository
from lading.wire.endpoint import Profile, Profiles, Uploads
from tests.fakes.records import (
    Clock,
    MemoryImageNames,
    MemoryLeases,
    MemoryLocations,
    MemoryProfiles,
    MemoryUploads,
)
from tests.peers.postgres_server import RunningPostgres

INDEX = "application/vnd.oci.image.index.v1+json"
ROOT, OTHER = Descriptor(INDEX, Digest.of(b"root"), 1234), Descriptor(INDEX, Digest.of(b"other", Algorithm.SHA512), 5)
LAYER = Digest.of(b"layer")
HERE, THERE, ELSEWHERE = Repository("a.example", "x"), Repository("a.example", "y/z"), Repository("b.example:5000", "x")

DAY = 24 * 60 * 60


@dataclass
class Remembered:
    """Every record of one implementation, over one clock."""

    clock: Clock
    images: ImageNames
    leases: Leases
    locations: Locations
    profiles: Profiles
    uploads: Uploads


def memory(_folder: Path) -> Iterator[Remembered]:
    clock = Clock()
    yield Remembered(
        clock, MemoryImageNames(clock), MemoryLeases(clock), MemoryLocations(), MemoryProfiles(), MemoryUploads()
    )


def sqlite(folder: Path) -> Iterator[Remembered]:
    clock = Clock()
    yield from remembered(clock, open_catalogue(folder / "lading.db", clock))


def on_postgres(server: RunningPostgres) -> Iterator[Remembered]:
    clock = Clock()
    with closing(open_service_database(server.prepared(), clock)) as database:
        yield from remembered(clock, database.catalogue)


def remembered(clock: Clock, catalogue: Catalogue) -> Iterator[Remembered]:
    yield Remembered(
        clock,
        catalogue.images,
        catalogue.leases,
        catalogue.locations("me"),
        catalogue.profiles,
        catalogue.uploads("me"),
    )
    catalogue.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.peer("postgres"))])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remembered]:
    if request.param == "postgres":
        yield from on_postgres(request.getfixturevalue("postgres"))
    else:
        yield from {"memory": memory, "sqlite": sqlite}[request.param](tmp_path)


def test_a_reference_points_at_its_root_since_it_was_set(records: Remembered) -> None:
    records.images.point(["r/a:1"], ROOT, "any")
    image = records.images.find("r/a:1")

    assert image is not None
    assert (image.reference, image.root, image.moved) == ("r/a:1", ROOT, records.clock.now)
    assert records.images.find("r/a:2") is None


def test_a_reference_moves(records: Remembered) -> None:
    records.images.point(["r/a:1"], ROOT, "any")
    records.clock.advance(60)
    records.images.point(["r/a:1"], OTHER, "any")

    assert [(image.root, image.moved) for image in records.images.all()] == [(OTHER, records.clock.now)]


def test_images_come_in_order_of_reference(records: Remembered) -> None:
    records.images.point(["r/b:1", "r/a:2", "r/A:1"], ROOT, "any")

    assert [image.reference for image in records.images.all()] == ["r/A:1", "r/a:2", "r/b:1"]


def test_roots_are_found_by_their_digests(records: Remembered) -> None:
    records.images.point(["r/a:1", "r/a:2"], ROOT, "any")
    records.images.point(["r/b:1"], OTHER, "any")
    records.images.forget("r/b:1")

    assert set(records.images.among([ROOT.digest, OTHER.digest, LAYER])) == {ROOT.digest}
    assert not records.images.among([])


@pytest.mark.parametrize(
    ("held", "condition", "moves"),
    [
        (None, "any", True),
        (None, "absent", True),
        (None, OTHER.digest, False),
        (ROOT, "absent", True),  # right already: a repeated push succeeds
        (OTHER, "any", True),
        (OTHER, "absent", False),
        (OTHER, OTHER.digest, True),
        (OTHER, LAYER, False),
    ],
)
def test_a_reference_moves_only_from_what_it_was_required_to_hold(
    records: Remembered, held: Descriptor | None, condition: object, moves: bool
) -> None:
    if held:
        records.images.point(["r:1"], held, "any")

    if moves:
        records.images.point(["r:1"], ROOT, condition)  # type: ignore[arg-type]  # the table mixes digests and words
    else:
        with pytest.raises(TagMoved) as refusal:
            records.images.point(["r:1"], ROOT, condition)  # type: ignore[arg-type]
        assert refusal.value.holds == (held.digest if held else None)

    image = records.images.find("r:1")
    assert (image and image.root) == (ROOT if moves else held)


def test_all_references_move_or_none(records: Remembered) -> None:
    records.images.point(["r:2"], OTHER, "any")

    with pytest.raises(TagMoved):
        records.images.point(["r:1", "r:2"], ROOT, "absent")

    assert [image.reference for image in records.images.all()] == ["r:2"]


def test_forgetting_says_whether_it_was_there(records: Remembered) -> None:
    records.images.point(["r:1"], ROOT, "any")

    assert records.images.forget("r:1")
    assert not records.images.forget("r:1")
    assert not list(records.images.all())


def test_names_are_forgotten_together_as_they_were_read(records: Remembered) -> None:
    records.images.point(["r:1", "r:2", "r:3"], ROOT, "any")
    records.images.point(["s:1"], OTHER, "any")
    read = list(records.images.all())
    records.images.point(["r:2"], OTHER, "any")
    records.images.forget("r:3")

    gone = records.images.forget_as([image for image in read if image.root == ROOT])

    assert [image.reference for image in gone] == ["r:1"]
    assert [(image.reference, image.root) for image in records.images.all()] == [("r:2", OTHER), ("s:1", OTHER)]
    assert not records.images.forget_as([])


def test_a_lease_is_held_for_a_day(records: Remembered) -> None:
    records.leases.hold([LAYER, OTHER.digest])
    records.clock.advance(DAY - 1)
    assert set(records.leases.held()) == {LAYER, OTHER.digest}

    records.clock.advance(3600)

    assert not set(records.leases.held())


@pytest.mark.parametrize("pause", [1, 599, 601, DAY + 3600])
def test_a_lease_held_again_lasts_a_day_from_then(records: Remembered, pause: float) -> None:
    records.leases.hold([LAYER])
    records.clock.advance(pause)
    records.leases.hold([LAYER])

    records.clock.advance(DAY - 1)

    assert set(records.leases.held()) == {LAYER}


def test_holding_nothing_is_harmless(records: Remembered) -> None:
    records.leases.hold([])

    assert not set(records.leases.held())


def test_each_holder_has_a_lease_of_its_own(records: Remembered) -> None:
    """Also right after another one was given: what was written for one spares nobody else's writing."""
    one, other = records.leases.work(), records.leases.work()
    one.hold([LAYER, ROOT.digest])
    other.hold([LAYER])
    records.leases.hold([LAYER])
    assert set(records.leases.held({Holder.WORK})) == {LAYER, ROOT.digest}
    assert set(records.leases.held({Holder.TOLD})) == {LAYER}

    one.end(Holder.ENDED)
    records.leases.forget_ended()
    assert set(records.leases.held()) == {LAYER}
    other.end(Holder.LEFT)
    assert set(records.leases.among([LAYER], {Holder.LEFT})) == {LAYER}
    records.leases.forget([LAYER, ROOT.digest], {Holder.LEFT, Holder.WORK})

    assert set(records.leases.held()) == set(records.leases.among([LAYER], {Holder.TOLD})) == {LAYER}
    assert not set(records.leases.held(frozenset(Holder) - {Holder.TOLD}))


def test_what_ended_is_held_until_a_collection_forgets_it(records: Remembered) -> None:
    work = records.leases.work()
    work.hold([LAYER])
    work.end(Holder.ENDED)
    work.end(Holder.LEFT)
    assert set(records.leases.held()) == set(records.leases.held({Holder.ENDED})) == {LAYER}

    records.leases.forget_ended()
    assert not set(records.leases.held())


def test_a_work_that_goes_on_holds_anew(records: Remembered) -> None:
    work = records.leases.work()
    work.hold([LAYER])
    work.end(Holder.ENDED)
    assert not work.renewed([LAYER])
    work.hold([LAYER])
    records.leases.forget_ended()

    assert set(records.leases.held({Holder.WORK})) == {LAYER}


@pytest.mark.parametrize("holder", [Holder.ENDED, Holder.LEFT])
def test_of_two_works_that_end_the_later_lease_counts(records: Remembered, holder: Holder) -> None:
    earlier, later = records.leases.work(), records.leases.work()
    earlier.hold([LAYER, ROOT.digest])
    records.clock.advance(3600)
    later.hold([LAYER])
    later.end(holder)
    earlier.end(holder)

    records.clock.advance(DAY - 1)
    assert set(records.leases.held()) == {LAYER}


@pytest.mark.parametrize("end", [None, Holder.LEFT, Holder.ENDED])
def test_no_lease_of_work_outlasts_a_day(records: Remembered, end: Holder | None) -> None:
    """Its process may have died."""
    work = records.leases.work()
    work.hold([LAYER])
    if end is not None:
        work.end(end)
    records.clock.advance(DAY - 1)
    assert set(records.leases.held()) == {LAYER}

    records.clock.advance(3600)
    assert not set(records.leases.held())


def test_only_whose_leases_are_named_are_forgotten(records: Remembered) -> None:
    left, running = records.leases.work(), records.leases.work()
    left.hold([LAYER, ROOT.digest])
    left.end(Holder.LEFT)
    running.hold([LAYER])
    records.leases.forget([LAYER, OTHER.digest], {Holder.LEFT})

    assert set(records.leases.held({Holder.LEFT})) == {ROOT.digest}
    assert set(records.leases.held({Holder.WORK})) == {LAYER}


def test_the_latest_location_is_the_best(records: Remembered) -> None:
    for place in (HERE, ELSEWHERE, THERE):
        records.locations.learn(LAYER, place)
        records.clock.advance(1)
    assert list(records.locations.of(LAYER, "a.example")) == [THERE, HERE]

    records.locations.learn(LAYER, HERE)

    assert list(records.locations.of(LAYER, "a.example")) == [HERE, THERE]
    assert list(records.locations.of(LAYER, "b.example:5000")) == [ELSEWHERE]
    assert not list(records.locations.of(ROOT.digest, "a.example"))


def test_a_host_of_which_nothing_is_known_follows_the_specification(records: Remembered) -> None:
    assert records.profiles.of("a.example") == Profile()


def test_a_profile_is_kept_whole_and_replaced_whole(records: Remembered) -> None:
    shown = Profile("https", "https://auth.example/token", "registry", 1 << 33, False, False, False, False)
    records.profiles.learn("a.example", shown)
    assert records.profiles.of("a.example") == shown
    assert records.profiles.of("b.example") == Profile()

    records.profiles.learn("a.example", Profile(scheme="http"))

    assert records.profiles.of("a.example") == Profile(scheme="http")


def test_an_upload_is_remembered_where_it_goes_on_until_it_ends(records: Remembered) -> None:
    records.uploads.begun(HERE, LAYER, "https://a.example/u/1")
    records.uploads.begun(THERE, LAYER, "https://a.example/u/2")
    records.uploads.begun(HERE, LAYER, "https://a.example/u/1?state=2")
    assert records.uploads.of(HERE, LAYER) == "https://a.example/u/1?state=2"

    records.uploads.ended(HERE, LAYER)
    records.uploads.ended(HERE, LAYER)

    assert records.uploads.of(HERE, LAYER) is None
    assert records.uploads.of(THERE, LAYER) == "https://a.example/u/2"
