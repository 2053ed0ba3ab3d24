"""Garbage collection over the real folder: what is kept, what goes, and what happens while others work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.engine.collect import Collected
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.wire.message import BytesReader, ConnectionLost
from tests.fakes.contents import PlannedContent
from tests.fakes.house import ALWAYS, House, Meanwhile, digests
from tests.fakes.tracks import RecordingTrack


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "content")
    yield house
    house.listing.close()
    house.folder.close()


def test_what_no_name_reaches_goes(house: House) -> None:
    kept, lost = house.image(b"base", b"app", name="localhost/kept:1"), house.image(b"base", b"other", b"more")
    before = house.held
    house.a_day_passes()
    collected = house.collect()

    assert house.held == digests(kept)
    gone = before - house.held
    assert gone == digests(lost) - digests(kept)
    assert collected == Collected(len(gone), len(b"other") + len(b"more") + len(b"{3}") + len(lost.raw))


def test_a_dry_run_tells_exactly_what_would_go(house: House) -> None:
    house.image(b"base", name="localhost/kept:1")
    house.image(b"base", b"other")
    house.a_day_passes()
    before = house.held
    told = house.collect(dry_run=True)

    assert house.held == before
    assert told == house.collect()
    assert house.collect(dry_run=True).removed == 0


def test_a_lease_keeps_content_and_what_it_needs(house: House) -> None:
    image = house.image(b"base", b"app")
    house.a_day_passes()
    house.folder.keep((image.descriptor().digest,))

    assert house.collect().removed == 0


def test_an_untagged_image_goes_only_when_its_lease_is_over(house: House) -> None:
    house.image(b"base", name="localhost/x:1")
    house.store.untag("localhost/x:1")
    assert house.collect().removed == 0

    house.a_day_passes()
    house.collect()
    assert house.held == set()


def test_all_platforms_of_an_index_are_kept(house: House) -> None:
    one, two = house.image(b"amd64"), house.image(b"arm64")
    index = Index.build([one.descriptor(), two.descriptor(), Descriptor(one.media_type, Digest.of(b"absent"), 3)])
    house.tag(index, "localhost/x:1")
    house.a_day_passes()

    house.collect()
    assert house.held == digests(one, two) | {index.descriptor().digest}


def test_signatures_stay_with_their_image_and_go_with_it(house: House) -> None:
    image = house.image(b"base", name="localhost/x:1")
    signature = house.image(b"signature", subject=image.descriptor())
    house.a_day_passes()
    house.collect()
    assert digests(signature) <= house.held

    house.store.untag("localhost/x:1")
    house.collect()
    assert house.held == set()
    assert list((house.folder.tree.root / "referrers").rglob("sha256-*")) == []


def test_what_repositories_reach_is_kept(house: House) -> None:
    image = house.image(b"base")
    house.repositories.held.add(image.descriptor().digest)
    house.a_day_passes()

    assert house.collect().removed == 0


def test_rows_go_before_bytes(house: House) -> None:
    image = house.image(b"base")
    house.a_day_passes()
    house.collect()

    assert set(house.repositories.asked) == digests(image)


class TestBesideOthers:
    """Somebody acts between the marking and the sweep, at the moment the sweep asks who still needs what."""

    def test_what_is_leased_after_marking_began_stays(self, house: House) -> None:
        image = house.image(b"base")
        house.a_day_passes()
        house.collect(keepers=[Meanwhile(lambda: house.folder.keep(digests(image)))])

        assert house.held == digests(image)

    def test_what_is_pushed_after_marking_began_stays(self, house: House) -> None:
        house.image(b"old")
        house.a_day_passes()

        def push() -> None:
            house.push(b"new")
            house.a_day_passes()

        house.collect(keepers=[Meanwhile(push)])

        assert house.held == {Digest.of(b"new")}

    def test_an_image_tagged_after_marking_began_stays_whole(self, house: House) -> None:
        image = house.image(b"base", b"app")
        house.a_day_passes()
        house.collect(keepers=[Meanwhile(lambda: house.tag(image, "localhost/x:1"))])

        assert house.held == digests(image)

    def test_a_cancelled_collection_stops(self, house: House) -> None:
        image = house.image(b"base")
        house.a_day_passes()
        cancel = Cancellation()
        with pytest.raises(Cancelled):
            house.collect(keepers=[Meanwhile(cancel.cancel)], cancel=cancel)

        assert house.held == digests(image)


class TestGivingUp:
    """`rmi`: what somebody removes on purpose goes at once, unless somebody else may be relying on it."""

    def test_what_only_the_given_up_reached_goes(self, house: House) -> None:
        with house.working():
            kept = house.image(b"base", name="localhost/kept:1")
            lost = house.image(b"base", b"app", name="localhost/x:1")
        house.store.untag("localhost/x:1")
        house.collect(given_up=[lost.descriptor().digest])

        assert house.held == digests(kept)

    def test_what_others_were_told_of_stays_though_nobody_uses_the_store_now(self, house: House) -> None:
        with house.working():
            lost = house.image(b"base", b"app", name="localhost/x:1")
        house.folder.keep([Digest.of(b"base")])
        house.store.untag("localhost/x:1")
        house.folder.close()
        house.collect(given_up=[lost.descriptor().digest])

        assert house.held == {Digest.of(b"base")}

    def test_a_failed_try_keeps_nothing_of_what_is_given_up_and_all_of_the_rest(self, house: House) -> None:
        with house.working():
            house.push(b"base")
            house.push(b"app")
        with house.working():
            lost = house.image(b"base", name="localhost/x:1")
        house.store.untag("localhost/x:1")
        house.collect(given_up=[lost.descriptor().digest])

        assert digests(lost).isdisjoint(house.held)
        assert Digest.of(b"app") in house.held

    def test_work_that_was_killed_keeps_nothing_once_nobody_uses_the_store(self, house: House) -> None:
        killed = house.folder.leases.work()
        with house.working():
            lost = house.image(b"base", name="localhost/x:1")
        killed.hold(digests(lost))
        house.store.untag("localhost/x:1")
        assert house.collect(given_up=[lost.descriptor().digest]).removed == 0

        house.folder.close()
        house.collect(given_up=[lost.descriptor().digest])
        assert house.held == set()

    def test_an_untagged_image_that_work_brought_goes_with_the_next_collection(self, house: House) -> None:
        with house.working():
            image = house.image(b"base", name="localhost/x:1")
        told = house.collect(dry_run=True)
        assert told.removed == 0
        assert not told.leased.pieces
        house.store.untag("localhost/x:1")

        assert house.collect(dry_run=True).removed == len(digests(image))
        assert house.collect().removed == len(digests(image))


class TestLeftovers:
    def break_off(self, house: House, raw: bytes) -> None:
        descriptor = Descriptor("x", Digest.of(raw), len(raw))
        with pytest.raises(ConnectionLost):
            house.store.push(descriptor, PlannedContent(raw, breaks=[10]), RecordingTrack(), Cancellation())

    def files(self, house: House) -> list[str]:
        root = house.folder.tree.root
        return [path.name for below in ("partial", "uploads") for path in (root / below).rglob("*") if path.is_file()]

    def test_young_ones_stay_to_be_gone_on_with(self, house: House) -> None:
        self.break_off(house, bytes(100))
        house.folder.uploads.create("session")

        assert house.collect().removed == 0
        assert len(self.files(house)) == 3

    def test_old_ones_go(self, house: House) -> None:
        self.break_off(house, bytes(100))
        house.folder.uploads.create("session")
        with house.folder.uploads.writing("session", Cancellation()) as upload:
            upload.append(BytesReader(b"12345"), Cancellation())
        told = house.collect(dry_run=True, left_before=ALWAYS)

        assert told.removed == 2
        assert told.size == sum(path.stat().st_size for path in unfinished(house))
        assert house.collect(left_before=ALWAYS) == told
        assert self.files(house) == []

    def test_running_ones_stay_however_old(self, house: House) -> None:
        house.folder.uploads.create("session")
        with house.folder.uploads.writing("session", Cancellation()):
            assert house.collect(left_before=ALWAYS).removed == 0


def unfinished(house: House) -> list[Path]:
    root = house.folder.tree.root
    return [path for below in ("partial", "uploads") for path in (root / below).rglob("*") if path.is_file()]


def test_nested_indexes_cost_no_more_than_their_bytes(house: House) -> None:
    """Sixty-four levels, each naming the one below twice: 2^64 paths (an index bomb)."""
    document: Manifest | Index = house.image(b"base")
    for _ in range(64):
        house.push(document.raw, document.media_type)
        document = Index.build([document.descriptor(), document.descriptor()])
    house.tag(document, "localhost/bomb:1")
    house.a_day_passes()

    assert house.collect().removed == 0


def test_a_blob_of_garbage_bytes_leads_nowhere(house: House) -> None:
    for raw in (b"{", b"{}", b"[]", os.urandom(100), b'{"schemaVersion":1}', b'{"schemaVersion":2,"config":{}}'):
        house.push(raw)

    assert house.collect().removed == 0
    house.a_day_passes()
    assert house.collect().removed == 6


def test_what_was_damaged_is_remembered_for_as_long_as_it_is_needed(house: House) -> None:
    house.image(b"base", b"app", name="localhost/x:1")
    damaged = Digest.of(b"app")
    house.folder.tree.blob(damaged).rename(house.folder.tree.damaged(damaged))
    house.a_day_passes()
    assert house.collect().removed == 0
    assert house.folder.tree.damaged(damaged).exists()

    house.store.untag("localhost/x:1")
    house.collect()
    assert house.held == set()
    assert not house.folder.tree.damaged(damaged).exists()


def test_what_a_killed_collection_was_removing_goes_with_the_next(house: House) -> None:
    lost = house.push(b"lost").digest
    house.folder.tree.blob(lost).rename(house.folder.tree.trashed(lost))

    assert house.collect(dry_run=True) == Collected(1, 4)
    assert house.collect() == Collected(1, 4)
    assert list(house.folder.tree.trash.iterdir()) == []
