"""Pulling: what comes, under which name and login, and what is asked of the registry."""

from __future__ import annotations

import pytest

from lading.engine.stores import TagUnknown
from lading.errors import AccessDenied
from lading.oci.platform import Platform
from lading.services.platforms import EVERY, PlatformMissing, Wanted
from lading.services.transfers.transfers import Options
from lading.wire.retry import Quota
from tests.fakes.images import ARM64, put_image
from tests.fakes.memory import Fail
from tests.services.transferring import LOGIN, REF, House, several


def test_a_pull_brings_an_image_under_its_whole_name() -> None:
    house = House()
    root = put_image(house.web, tag="1")

    moved = house.pull()

    assert house.places.own.names[REF].digest == root.digest
    assert moved.pinned == (f"{REF}@{root.digest}",)
    assert house.events.tagged == [(REF, REF)]


def test_a_pull_keeps_the_index_and_fetches_this_machines_platform_with_its_attestations() -> None:
    house = House()
    index, (amd64, arm64, s390x, provenance) = several(None, house)

    moved = house.pull()

    assert house.places.own.blobs[index.descriptor().digest] == index.raw
    assert house.holds(amd64, provenance)
    assert not house.holds(arm64)
    assert not house.holds(s390x)
    assert moved.note == "1 of 3 platforms (linux/amd64)"
    assert house.events.notes == [LOGIN, "1 of 3 platforms (linux/amd64)"]


def test_what_was_pulled_is_mounted_by_a_push_beside_it() -> None:
    house = House()
    root = put_image(house.web, tag="1")
    house.pull()

    pushed = house.push(REF, "registry.test/acme/other:1")[0]

    assert pushed.root.digest == root.digest
    assert (pushed.totals.sent, pushed.totals.mounted > 0) == (root.size, True)


def test_a_pull_of_all_platforms_fetches_all() -> None:
    house = House()
    _, digests = several(None, house)

    assert house.pull(options=Options(EVERY)).note == "3 of 3 platforms"
    assert house.holds(*digests)


def test_a_pull_that_is_up_to_date_asks_the_registry_once() -> None:
    house = House()
    several(None, house)
    house.pull()
    house.web.asked.clear()
    house.web.opened.clear()

    moved = house.pull()

    assert moved.current
    assert house.web.asked == ["resolve 1"]
    assert house.web.opened == []


def test_a_pull_of_another_platform_of_the_same_image_fetches_that_one_too() -> None:
    house = House()
    _, (amd64, arm64, *_) = several(None, house)
    house.pull()

    moved = house.pull(options=Options(Wanted(platforms=(ARM64,))))

    assert not moved.current
    assert house.holds(amd64, arm64)


def test_a_pull_by_digest_bypasses_tags() -> None:
    house = House()
    root = put_image(house.web)

    moved = house.pull(f"registry.test/acme/web@{root.digest}")

    assert moved.pinned == (f"registry.test/acme/web@{root.digest}",)
    assert house.places.own.names[f"registry.test/acme/web@{root.digest}"].digest == root.digest


def test_a_pull_of_a_platform_that_there_is_not_is_refused() -> None:
    house = House()
    several(None, house)
    put_image(house.web, tag="one")
    wanted = Options(Wanted(platforms=(Platform("windows", "amd64"),)))

    for text in (REF, "registry.test/acme/web:one"):
        with pytest.raises(PlatformMissing):
            house.pull(text, wanted)
    assert house.places.own.names == {}


def test_a_pull_of_an_unknown_tag_is_not_found() -> None:
    with pytest.raises(TagUnknown):
        House().pull()


def test_the_login_used_is_told() -> None:
    house = House()
    put_image(house.web, tag="1")

    house.pull()

    assert house.events.notes == [LOGIN]


def test_a_login_that_is_refused_is_told_together_with_the_next_which_is_not_tried() -> None:
    house = House()
    root = put_image(house.places.own, tag=REF)
    house.web.reading[root.digest].append(Fail(AccessDenied("denied")))
    house.web.refusing["1"] = AccessDenied("denied")

    (moved,) = house.push(REF)

    assert moved.error is not None
    assert moved.error.why == "another login stands in config.json; it was not tried"


def test_what_is_left_of_a_registrys_allowance_is_told() -> None:
    house = House()
    put_image(house.web, tag="1")
    house.places.quotas["registry.test"] = Quota(37, 100, 21600)

    house.pull()

    assert house.events.notes[-1] == "37 of 100 requests left in 6 h"
