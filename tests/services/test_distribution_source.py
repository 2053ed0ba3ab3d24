"""Images on their way through our registry: what hosts find there, and that nothing of it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import NoReturn, cast

import pytest

from lading.engine.cancel import Cancellation
from lading.engine.stores import Outcome, TagUnknown, untold
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import parse_manifest
from lading.oci.reference import Reference
from lading.services.distribution.forms import STAGING_START, Order
from lading.services.distribution.source import Engine, OwnRegistry, SourceHost, Sources
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.orders import Arrived, PushOrder
from lading.services.repositories.errors import ManifestUnknown
from lading.services.repositories.own_repository import OwnRepository
from lading.services.repositories.passing_tags import LEFT_SECONDS
from lading.wire.endpoint import Endpoint
from lading.wire.message import BytesContent, Cancel
from lading.wire.progress import Report
from tests.fakes.registry_world import BLOBS, IMAGES, INDEXES, World
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.work import Events

PATH, HOST = "lading-distributed/team/app", "registry.example:5443"
INDEX = INDEXES[0]
ROOT = INDEX.descriptor.digest
CANCEL = Cancellation()


class Place:
    """A registry in which an image with all its blobs is passing through."""

    def __init__(self) -> None:
        self.world = World(MemoryRecords(), Random(0))
        for raw in BLOBS:
            self.world.content.held[Digest.of(raw)] = raw
        registry = OwnRegistry(Endpoint(HOST), self.world.repositories, None, None)
        self.sources = Sources(registry, self.world.records, Engine(_none, _none), lambda: self.world.now)

    def put(self, *tags: str, path: str = PATH) -> None:
        for raw in BLOBS:
            self.world.repositories.hold_blob(path, Digest.of(raw), len(raw))
        for document in (*IMAGES, INDEX):
            self.world.put(path, document, document.descriptor.digest, tags if document is INDEX else ())

    def held(self, path: str = PATH) -> set[Digest]:
        return {row.digest for row in self.world.records.view(path).manifest_rows()}

    def tags(self, path: str = PATH) -> list[str]:
        return [tag.name for tag in self.world.records.view(path).all_tags()]


def _none() -> NoReturn:
    raise AssertionError("our own engine has nothing to do with it")


@pytest.fixture
def place() -> Place:
    return Place()


def order(digest: Digest | None = None) -> Order:
    return Order("app", None, (1,), PATH, None, scan=False, digest=digest, staging=f"{STAGING_START}1")


def test_an_image_of_the_registry_is_fetched_by_its_digest_and_stays(place: Place) -> None:
    place.put("1")
    with place.sources.ready(order(ROOT), None, Events(), CANCEL) as ready:
        assert ready.reference == Reference.parse(f"{HOST}/{PATH}@{ROOT}")
        assert (ready.root.digest, ready.passing) == (ROOT, False)
    assert (place.tags(), ROOT in place.held()) == (["1"], True)


def test_one_that_has_gone_since_is_said_to_be(place: Place) -> None:
    place.put("1")
    gone = place.sources.ready(order(Digest.of(b"gone")), None, Events(), CANCEL)
    with pytest.raises(ManifestUnknown), gone:
        pass


class _Robbed:
    """A Docker host whose tag another one takes, that is lent a login for the same repository."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def push(self, order: PushOrder, _report: Report, _cancel: Cancel) -> Sequence[Arrived]:
        (target,) = order.targets
        assert target.tag is not None
        self._place.put(target.tag)
        self._place.world.put(PATH, IMAGES[0], IMAGES[0].descriptor.digest, [target.tag])
        return [Arrived(target, "id", ROOT, INDEX.descriptor.size)]

    def remove(self, _image: str, _force: bool, _cancel: Cancel) -> None:
        """Its name there goes."""


def test_hosts_are_given_what_the_source_pushed_whoever_takes_its_tag(place: Place) -> None:
    host = SourceHost(cast("Environment", _Robbed(place)), "one", ConnectionType.DIRECT)
    asked = replace(order(), source=1, image="id")
    with place.sources.ready(asked, host, Events(), CANCEL) as ready:
        assert ready.root.digest == ROOT


def test_what_was_left_behind_goes_when_nobody_can_use_it_any_more(place: Place) -> None:
    place.put(f"{STAGING_START}left")
    place.put("1", path="team/app")
    place.put(f"{STAGING_START}other", path="lading-distributed-by-me/app")

    place.sources.forget_left()
    assert place.tags() == [f"{STAGING_START}left"]

    place.world.now += LEFT_SECONDS + 1
    place.sources.forget_left()
    assert place.tags() == []
    assert ROOT not in place.held()
    assert not place.held() & {child.digest for child in parse_manifest(INDEX.raw).children}
    assert (place.tags("team/app"), ROOT in place.held("team/app")) == (["1"], True)
    assert place.tags("lading-distributed-by-me/app") == [f"{STAGING_START}other"]


def test_an_image_that_another_tag_names_stays(place: Place) -> None:
    place.put(f"{STAGING_START}left", "kept")
    place.world.now += LEFT_SECONDS + 1

    place.sources.forget_left()

    assert (place.tags(), ROOT in place.held()) == (["kept"], True)


def test_a_repository_as_a_store_takes_rows_alone(place: Place) -> None:
    store = OwnRepository(place.world.repositories, PATH)
    raw = BLOBS[0]
    blob = Descriptor("application/octet-stream", Digest.of(raw), len(raw))

    assert not store.has(blob)
    assert store.push(blob, BytesContent(b""), untold, CANCEL) is Outcome.MOUNTED
    assert store.push(blob, BytesContent(b""), untold, CANCEL) is Outcome.EXISTS
    assert store.has(blob)

    place.put()
    content = BytesContent(INDEX.raw)
    assert store.push(INDEX.descriptor, content, untold, CANCEL) is Outcome.EXISTS
    assert store.tag(INDEX.descriptor, content, ["a", "b"], "any", CANCEL) == {"a": None, "b": None}
    assert list(store.tags()) == ["a", "b"]
    assert store.resolve("a").digest == ROOT
    store.untag("a")
    with pytest.raises(TagUnknown):
        store.resolve("a")
