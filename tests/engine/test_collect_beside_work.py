"""Work that brings images while others are removed: whenever it sets its names and ends, nothing of it is lost, and
what nobody needs any more goes at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import pytest

from lading.backends.content_store.garbage import CollectableFolder
from lading.engine.cancel import Cancellation
from lading.engine.collect import collect
from lading.engine.records import Image
from lading.engine.stores import TagMoved
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest
from lading.wire.message import BytesContent
from tests.fakes.house import NEVER, House, Meanwhile, digests
from tests.fakes.records import MemoryImageNames

MOMENTS = ("names are read", "leases are not read yet", "all is marked")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "content")
    yield house
    house.listing.close()
    house.folder.close()


def removing(house: House, moment: str, act: Callable[[], object]) -> None:
    """Takes `localhost/x:1`, and collects what it reached; `act` happens once at a moment of that."""
    root = house.names.find("localhost/x:1")
    assert root is not None
    house.store.untag("localhost/x:1")
    once = Once(act)
    names = Watched(house.names, once if moment == "names are read" else Once(lambda: None))
    keeper = Meanwhile(once if moment == "leases are not read yet" else lambda: None)
    collect(
        CollectableFolder(house.folder),
        names,
        house.leases,
        [keeper],
        given_up=[root.root.digest],
        left_before=NEVER,
        dry_run=False,
        cancel=Cancellation(),
        found=lambda _: once() if moment == "all is marked" else None,
    )
    assert once.done


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_image_that_shares_a_layer_arrives_whole(house: House, moment: str) -> None:
    """Its layer was here, and nothing but its lease kept it: that must outlast the work."""
    with house.working():
        house.image(b"base", b"old", name="localhost/x:1")
    brought: list[Manifest] = []

    def bring() -> None:
        with house.working():
            brought.append(house.image(b"base", b"new", name="localhost/y:1"))

    removing(house, moment, bring)

    assert house.held == digests(*brought)


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_same_image_pulled_again_stays_whole(house: House, moment: str) -> None:
    with house.working():
        image = house.image(b"base", b"app", name="localhost/x:1")

    def pull() -> None:
        with house.working():
            house.image(b"base", b"app", name="localhost/x:1")

    removing(house, moment, pull)

    assert house.held == digests(image)


@pytest.mark.parametrize("moment", MOMENTS)
def test_work_that_goes_on_keeps_what_it_was_told_is_here(house: House, moment: str) -> None:
    with house.working():
        house.image(b"base", b"old", name="localhost/x:1")
    with house.store.work() as work:
        removing(house, moment, lambda: work.has(Descriptor("x", Digest.of(b"base"), 4)))
        assert house.held == {Digest.of(b"base")}
    house.collect()
    assert house.held == {Digest.of(b"base")}  # for the next try


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_client_that_asks_meanwhile_keeps_what_it_was_told_is_here(house: House, moment: str) -> None:
    with house.working():
        house.image(b"base", b"old", name="localhost/x:1")
    removing(house, moment, lambda: house.folder.keep([Digest.of(b"base")]))

    assert house.held == {Digest.of(b"base")}


@pytest.mark.parametrize("moment", MOMENTS)
def test_work_that_names_one_image_and_fails_with_the_next_loses_neither(house: House, moment: str) -> None:
    with house.working():
        house.image(b"base", b"old", name="localhost/x:1")
    brought: list[Manifest] = []

    def bring() -> None:
        with house.working():
            brought.append(house.image(b"base", b"new", name="localhost/y:1"))
            house.push(b"old")

    removing(house, moment, bring)

    assert house.held == digests(*brought) | {Digest.of(b"old")}


def test_what_is_read_stays_until_it_is_read(house: House) -> None:
    with house.working():
        image = house.image(b"base", name="localhost/x:1")
    with house.store.keeping([image.descriptor().digest]):
        house.store.untag("localhost/x:1")
        house.collect(given_up=[image.descriptor().digest])
        assert house.held == digests(image)
    house.collect()

    assert house.held == set()


def test_a_refused_name_ends_no_lease(house: House) -> None:
    with house.working():
        image = house.image(b"base")
        content = BytesContent(image.raw)
        refused = house.store.tag(image.descriptor(), content, ["localhost/x:1"], Digest.of(b"x"), Cancellation())
    house.collect()

    assert isinstance(refused["localhost/x:1"], TagMoved)
    assert house.held == digests(image)


class Once:
    """Does something the first time."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act, self.done = act, False

    def __call__(self) -> None:
        if not self.done:
            self.done = True
            self._act()


class Watched(MemoryImageNames):
    """Names; something happens just after all of them were read."""

    def __init__(self, names: MemoryImageNames, act: Once) -> None:
        super().__init__()
        self._names, self._act = names, act

    def all(self) -> Iterable[Image]:
        found = list(self._names.all())
        self._act()
        return found

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        return self._names.among(digests)
