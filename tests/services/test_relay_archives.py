"""Images that hosts hand out as archives, on their way to a registry: what is read of them, and how long it stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from lading.backends.content_store.packed_layer import packed_layer
from lading.backends.content_store.sieved_archive import sieved_archive
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest, parse_manifest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.content.stores import PackedLayer
from lading.services.environments.orders import Access, PushOrder
from lading.services.inventories.host_views import AtHost
from lading.services.platforms import PlatformMissing, Wanted
from lading.services.relays.archives import Archived
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Advanced
from tests.contract.environments.suite import told
from tests.fakes.docker_archives import docker_archive, read_to_end, reader
from tests.fakes.embedded import Embedded, embedded
from tests.fakes.environment_bench import CANCEL
from tests.fakes.layer_records import MemoryLayers
from tests.fakes.root_images import tar_of
from tests.fakes.work import Events

BASE, NAMES = tar_of({"base": os.urandom(2_000_000)}), ("app:1", "app:2")
ACCESS = Access("far", Endpoint("far.example"))
DAY = 24 * 60 * 60.0


@dataclass
class Bench:
    """Our own engine stands in for the host, another one is ours; `packed` are the bytes of what was compressed."""

    host: Embedded
    ours: Embedded
    scratch: Path
    now: list[float]
    layers: MemoryLayers = field(default_factory=MemoryLayers)
    packed: list[int] = field(default_factory=list)
    heard: Events = field(default_factory=Events)

    def pack(self, layer: Reader, cancel: Cancel) -> AbstractContextManager[PackedLayer]:
        content = read_to_end(layer)
        self.packed.append(len(content))
        return packed_layer(reader(content), cancel, scratch=self.scratch)

    def bring(self, image: str, wanted: Wanted | None = None) -> Manifest:
        opened = partial(sieved_archive, scratch=self.scratch, name="the archive")
        own = self.ours.places.local().own
        archived = Archived(opened, self.pack, lambda: own, self.layers, lambda: self.now[0])
        order = PushOrder(image, (Reference.parse("far.example/app:1"),), ACCESS, wanted)
        platform = wanted.platforms[0] if wanted else None
        with archived(AtHost(7, self.host.environment, image, platform), order, self.heard, CANCEL) as brought:
            made = parse_manifest(read_to_end(brought.store.open(brought.root)))
            assert isinstance(made, Manifest)
            assert all(own.present(each.digest) for each in made.children)
            return made

    def present(self, *descriptors: Descriptor) -> list[bool]:
        own = self.ours.places.local().own
        return [own.present(each.digest) for each in descriptors]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    now = [1_800_000_000.0]
    with ExitStack() as stack:
        host = stack.enter_context(embedded(tmp_path / "host"))
        ours = stack.enter_context(embedded(tmp_path / "ours", lambda: now[0]))
        for name in NAMES:
            archive = docker_archive([name], [BASE, tar_of({"own": name.encode()})], label=name)
            host.environment.load(reader(archive), told, CANCEL)
        yield Bench(host, ours, tmp_path / "scratch", now)


def test_a_layer_that_was_packed_once_is_neither_read_nor_packed_again(bench: Bench) -> None:
    first = bench.bring(NAMES[0])
    assert len(bench.packed) == 2

    second = bench.bring(NAMES[1])

    assert bench.packed[2:] == [len(tar_of({"own": NAMES[1].encode()}))]
    assert second.layers[0] == first.layers[0]
    assert bench.layers.known["environment/7"][Digest.of(BASE)].digest == first.layers[0].digest
    assert any(isinstance(event, Advanced) and event.current > len(BASE) for event in bench.heard)
    assert list(bench.scratch.iterdir()) == []


def test_what_came_stays_a_day_and_comes_to_the_same_after_that(bench: Bench) -> None:
    first = bench.bring(NAMES[0])
    bench.now[0] += DAY - 60
    bench.ours.upkeep.collect(False, (), CANCEL)
    assert all(bench.present(*first.children))

    bench.now[0] += 60 * 60
    bench.ours.upkeep.collect(False, (), CANCEL)
    assert not any(bench.present(*first.children))

    assert bench.bring(NAMES[0]) == first
    assert len(bench.packed) == 4


def test_a_platform_that_the_image_is_not_for_is_refused(bench: Bench) -> None:
    with pytest.raises(PlatformMissing):
        bench.bring(NAMES[0], Wanted(platforms=(Platform("linux", "s390x"),)))
    assert bench.packed == []
