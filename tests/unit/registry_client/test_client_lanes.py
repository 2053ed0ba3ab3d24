"""How many layers a client moves at a time: it takes room for each, and leaves it as soon as the layer has moved."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lading.backends.registry_client.client import RegistryClient
from lading.backends.registry_client.host import Manners
from lading.engine.stores import Outcome
from lading.errors import LadingError
from lading.oci.reference import Repository
from lading.services.registries.holds import RegistryHolds
from lading.services.registries.lanes import Everything, RegistryLanes
from lading.wire.message import BytesContent, Reader, Response
from tests.fakes.registry_client import HOST, Bench
from tests.fakes.tracks import RecordingTrack
from tests.unit.registry_client.exchanges import CONTENT, LAYER


class Limited(Bench):
    """With room for one layer each way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lanes = RegistryLanes(Everything(1))
        self.registry.repositories["a"].blobs[LAYER.digest] = CONTENT
        self.client = RegistryClient(
            self.transport,
            lambda _host: self.endpoint,
            lambda _repository: None,
            self.profiles,
            self.uploads,
            clock=self.clock,
            report_held=self.held.append,
            cancel=self.cancel,
            manners=Manners(RegistryHolds(self.clock), self.lanes),
        )

    @property
    def moving(self) -> bool:
        return bool(self.lanes.hosts)


@dataclass
class Seen:
    """Content that sees whether there is room taken while it is sent."""

    bench: Limited
    seen: list[bool]
    size: int = len(CONTENT)

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        self.seen.append(self.bench.moving)
        return BytesContent(CONTENT).open(offset, length)


def test_a_layer_has_its_room_until_it_is_read_to_its_end() -> None:
    bench, buffer = Limited(), memoryview(bytearray(len(CONTENT)))
    reader = bench.repository().open(LAYER)
    assert bench.lanes.hosts == {HOST}

    read = b""
    while bench.moving:
        read += buffer[: reader.readinto(buffer)]

    assert read == CONTENT
    reader.close()
    reader.close()
    assert bench.repository().open(LAYER, offset=len(CONTENT)).readinto(buffer) == 0
    assert not bench.moving


def test_a_layer_that_is_not_read_on_leaves_its_room() -> None:
    bench = Limited()

    bench.repository().open(LAYER).close()
    bench.transport.trouble("GET", Response(403))
    with pytest.raises(LadingError):
        bench.repository().open(LAYER)

    assert not bench.moving


def test_a_layer_that_is_sent_has_its_room_meanwhile() -> None:
    bench = Limited()
    seen: list[bool] = []

    target = bench.client.repository(Repository(HOST, "b"), writes=True)
    outcome = target.push(LAYER, Seen(bench, seen), RecordingTrack(), bench.cancel)

    assert outcome is Outcome.SENT
    assert seen == [True]
    assert not bench.moving
