"""Images that hosts push to us on their way to another registry: what stays of them, and what where they cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_LAYER_GZIP
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environment_images import Details, Summary
from lading.services.environments.orders import Access, Arrived, Pruned, PushOrder
from lading.services.inventories.host_views import AtHost
from lading.services.relays.relays import Brought
from lading.services.relays.staging import AGAIN_SECONDS, RELAYS, TAG_START, Staged, StagingRegistry
from lading.services.repositories.passing_tags import LEFT_SECONDS, PassingTags
from lading.wire.docker_faults import DaemonFailed, RegistryUnreachable
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.progress import Report
from tests.fakes.images import put_image
from tests.fakes.layer_records import MemoryLayers
from tests.fakes.places import MemoryOwn
from tests.fakes.registry_world import Document, World
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.work import Events

HOST, PATH, CANCEL = "registry.example:5443", f"{RELAYS}/7", Cancellation()
LAYERS, DIFF_IDS = (b"packed one", b"packed two"), (Digest.of(b"one"), Digest.of(b"two"))
ORDER = PushOrder("an id", (Reference.parse("far.example/app:1"),), Access("far", Endpoint("far.example")))


@dataclass
class Place:
    """A registry of ours, and a host that pushes there; `fault` is what its push comes to."""

    fault: LadingError | None = None
    names: tuple[str, ...] = ("app:1",)
    now: float = 1000.0
    archives: int = 0
    pushed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world, self.own, self.layers = World(MemoryRecords(), Random(0)), MemoryOwn(), MemoryLayers()
        self.root = put_image(self.own, LAYERS, diff_ids=DIFF_IDS)
        repositories = self.world.repositories
        tags = PassingTags(repositories, self.world.records, RELAYS, TAG_START, lambda: self.world.now)
        registry = StagingRegistry(Endpoint(HOST), repositories, None, tags, lambda: self.own)
        self.tags_of_relays = tags
        self.staged = Staged(
            registry,
            self.layers,
            self.otherwise,
            clock=lambda: self.world.now,
            monotonic=lambda: self.now,
        )

    @contextmanager
    def otherwise(self, host: AtHost, order: PushOrder, report: Report, cancel: Cancel) -> Iterator[Brought]:
        self.archives += 1
        yield Brought(self.own, self.root, "an archive")

    # ── the host

    def image(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Details:
        summary = Summary("an id", self.names, (), None, 1)
        return Details(summary, "linux/amd64", (), {})

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        (target,) = order.targets
        self.pushed.append(str(target))
        assert target.repository.path == PATH
        if not isinstance(self.fault, RegistryUnreachable):
            self.take_in(target.tag or "")
        if self.fault is not None:
            return [Arrived(target, "an id", None, None, error=self.fault)]
        return [Arrived(target, "an id", self.root.digest, self.root.size)]

    def take_in(self, tag: str) -> None:
        for digest, raw in self.own.blobs.items():
            if digest != self.root.digest:
                self.world.content.held[digest] = raw
                self.world.repositories.hold_blob(PATH, digest, len(raw))
        document = Document(self.own.blobs[self.root.digest], self.root.media_type)
        self.world.put(PATH, document, self.root.digest, [tag])

    def remove(self, image: str, force: bool, cancel: Cancel) -> Pruned:
        self.removed.append(image)
        return Pruned((), (), 0)

    # ── what is seen

    def bring(self) -> Brought:
        host = AtHost(7, self, "an id", None)  # type: ignore[arg-type]  # no more is asked of an environment
        with self.staged(host, ORDER, Events(), CANCEL) as brought:
            assert self.tags() == []
            return brought

    def tags(self) -> list[str]:
        return [tag.name for tag in self.world.records.view(PATH).all_tags()]


@pytest.fixture
def place() -> Place:
    return Place()


def test_what_a_host_pushed_is_read_from_our_store_and_its_tag_is_gone(place: Place) -> None:
    brought = place.bring()

    assert (brought.root.digest, place.archives) == (place.root.digest, 0)
    assert place.own.kept == [place.root.digest]
    assert place.pushed == place.removed
    assert place.layers.known == {
        "environment/7": {
            diff_id: Descriptor(OCI_LAYER_GZIP, Digest.of(layer), len(layer))
            for diff_id, layer in zip(DIFF_IDS, LAYERS, strict=True)
        }
    }


def test_a_host_that_cannot_reach_us_is_not_asked_again_for_a_while(place: Place) -> None:
    place.fault = RegistryUnreachable("dial tcp: no")

    assert place.bring().note == "an archive"
    assert (place.bring().note, len(place.pushed)) == ("an archive", 1)

    place.now, place.fault = place.now + AGAIN_SECONDS, None
    assert (place.bring().note, len(place.pushed)) == ("", 2)


def test_a_push_that_fails_otherwise_is_tried_again_the_next_time(place: Place) -> None:
    place.fault = DaemonFailed("it broke")

    assert (place.bring().note, place.tags()) == ("an archive", [])

    place.fault = None
    assert (place.bring().note, len(place.pushed)) == ("", 2)


def test_an_image_without_a_name_comes_as_an_archive(place: Place) -> None:
    place.names = ()

    assert (place.bring().note, place.pushed) == ("an archive", [])


def test_a_cancel_ends_it_and_leaves_nothing(place: Place) -> None:
    place.fault = Cancelled()

    with pytest.raises(Cancelled):
        place.bring()
    assert (place.archives, place.tags()) == (0, [])


def test_what_a_killed_process_left_is_forgotten(place: Place) -> None:
    place.take_in(f"{TAG_START}left")
    place.world.now += LEFT_SECONDS + 1

    place.tags_of_relays.forget_left()

    assert place.tags() == []
