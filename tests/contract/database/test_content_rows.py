"""What the database adds up and remembers of content, on every database."""

from __future__ import annotations

from threading import Thread

from lading.backends.database.lease_rows import LEASE_SECONDS, LeaseRows
from lading.backends.database.service_database import ServiceDatabase
from lading.engine.records import Holder
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_MANIFEST
from lading.services.content.check import Found
from lading.services.content.storage_figures import RepositoryFigures, Sum
from lading.services.repositories.edits import Edit, HoldBlob, HoldManifest, PointTag
from lading.services.repositories.rows import HeldManifest
from tests.fakes.records import Clock

BASE, APP, LOOSE, ROOT = (Digest.of(name.encode()) for name in ("base", "app", "loose", "root"))


def put(database: ServiceDatabase, repository: str, *edits: Edit) -> None:
    database.repositories.change(repository, lambda _: edits, 1.0)


def image(digest: Digest, *children: Digest) -> HoldManifest:
    return HoldManifest(HeldManifest(Descriptor(OCI_MANIFEST, digest, 7), children))


def test_leases_of_work_that_runs_for_days_count_until_it_ends(database: ServiceDatabase) -> None:
    clock = Clock()
    leases = LeaseRows(database.catalogue._connections, clock)
    leases.hold([LOOSE])
    clock.advance(3600)
    began = clock()
    leases.keep_for_work(lambda: began)
    leases.hold([BASE])
    clock.advance(3 * LEASE_SECONDS)
    leases.hold([APP])  # which forgets those that are over

    assert set(leases.held()) == {BASE, APP}
    assert set(leases.among([BASE, LOOSE])) == {BASE}
    began = float("inf")
    assert set(leases.held()) == {APP}


def test_a_lease_that_was_given_lately_needs_no_writing(database: ServiceDatabase) -> None:
    clock = Clock()
    leases = LeaseRows(database.catalogue._connections, clock)
    assert leases.renewed([])
    assert not leases.renewed([BASE])
    leases.hold([BASE])
    assert leases.renewed([BASE])
    assert not leases.renewed([BASE, APP])
    clock.advance(601)
    assert not leases.renewed([BASE])


def test_a_work_s_lease_spares_nobody_else_the_writing(database: ServiceDatabase) -> None:
    """A registry's client that is told of a layer has its own lease, though a job took one a moment ago."""
    leases = LeaseRows(database.catalogue._connections, Clock())
    work, other = leases.work(), leases.work()
    work.hold([BASE])
    assert work.renewed([BASE])
    assert not other.renewed([BASE])
    assert not leases.renewed([BASE])


def test_works_that_lease_at_once_have_each_their_own(database: ServiceDatabase) -> None:
    leases = LeaseRows(database.catalogue._connections, Clock())
    digests = [Digest.of(str(number).encode()) for number in range(24)]
    threads = [Thread(target=leases.work().hold, args=[[digest, BASE]]) for digest in digests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(leases.held({Holder.WORK})) == {BASE, *digests}
    with database.catalogue._connections.reading() as connection:
        rows = connection.execute("SELECT count(*) FROM lease WHERE digest = ?", (str(BASE),)).fetchone()
    assert rows[0] == len(digests)


def test_an_empty_registry_takes_nothing(database: ServiceDatabase) -> None:
    assert database.figures.repositories() == []
    assert database.figures.reached() == Sum(0, 0)
    assert list(database.figures.reached_among([BASE])) == []


def test_what_is_shared_counts_for_each_and_is_unique_to_none(database: ServiceDatabase) -> None:
    put(database, "one", HoldBlob(BASE, 100), HoldBlob(APP, 10), image(ROOT, BASE, APP), PointTag("1", ROOT))
    put(database, "two", HoldBlob(BASE, 100), HoldBlob(LOOSE, 1000))

    assert database.figures.repositories() == [
        RepositoryFigures("one", 1, 1, 2, 117, 17),
        RepositoryFigures("two", 0, 0, 2, 1100, 1000),
    ]


def test_what_no_manifest_needs_is_not_reached(database: ServiceDatabase) -> None:
    put(database, "one", HoldBlob(BASE, 100), image(ROOT, BASE))
    put(database, "two", HoldBlob(BASE, 100), HoldBlob(LOOSE, 1000), image(ROOT, BASE))

    assert database.figures.reached() == Sum(2, 107)
    assert set(database.figures.reached_among([BASE, LOOSE, ROOT])) == {BASE, ROOT}


def test_what_a_check_found_is_remembered_until_it_is_forgotten(database: ServiceDatabase) -> None:
    database.checks.note({}, 1.0)
    database.checks.note({BASE: Found.OK, APP: Found.DAMAGED}, 100.0)
    database.checks.note({APP: Found.OK}, 200.0)
    many = [Digest.of(str(number).encode()) for number in range(1200)]

    assert database.checks.checked([BASE, APP, LOOSE, *many]) == {BASE: 100.0, APP: 200.0}
    database.checks.forget(150.0)
    assert database.checks.checked([BASE, APP]) == {APP: 200.0}
