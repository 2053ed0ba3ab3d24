"""How all processes of an installation behave at registries, wired: whom they leave alone, how much they move."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.backends.registry_client.host import Manners
from lading.services.registries import shared_holds, shares
from lading.services.registries.holds import RegistryHolds
from lading.services.registries.lanes import Everything, RegistryLanes
from lading.services.registries.shared_holds import SharedHolds
from lading.services.registries.shares import SharedLimit


@dataclass(frozen=True, slots=True)
class CommonManners:
    """`woken` is to be called with each wake-up of another process."""

    manners: Manners
    woken: Callable[[str | None], None]

    @property
    def holds(self) -> RegistryHolds:
        """Whom nobody asks anything for a while."""
        return self.manners.holds


def common_manners(stack: ExitStack, database: ServiceDatabase, host_lanes: int | None) -> CommonManners:
    """With so many layers at a time to each registry; None: without a limit. Closed with the stack."""
    told = SharedHolds(database.holds, lambda: database.wakes.tell(shared_holds.TOPIC), time.monotonic)
    held = RegistryHolds(time.monotonic, told)
    if not database.shared:  # a server alone has nobody to hear of
        lanes = None if host_lanes is None else RegistryLanes(Everything(host_lanes))
        return CommonManners(Manners(held, lanes), _nothing_new)
    if host_lanes is None:
        return CommonManners(Manners(held), told.woken)
    shared, lanes = _shared_lanes(stack, database, host_lanes)

    def woken(topic: str | None) -> None:
        told.woken(topic)
        shared.woken(topic)

    return CommonManners(Manners(held, lanes), woken)


def _shared_lanes(stack: ExitStack, database: ServiceDatabase, host_lanes: int) -> tuple[SharedLimit, RegistryLanes]:
    process = secrets.token_hex(8)
    shared = SharedLimit(
        host_lanes, process, database.shares, lambda: database.wakes.tell(shares.TOPIC), time.monotonic
    )
    lanes = RegistryLanes(shared)
    shared.begin(lambda: lanes.hosts, lanes.changed)
    stack.callback(shared.stop)
    return shared, lanes


def _nothing_new(topic: str | None) -> None:
    """Nobody else is there."""
