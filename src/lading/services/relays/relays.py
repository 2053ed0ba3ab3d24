"""Relay: what a Docker host cannot push by itself goes through us.

A host may not reach a registry, may not trust its certificate, or may not be shown the login: then the host's image is
brought into our own store, and our own engine sends it on, with its own way to the registry. Whether so, the registry's
row says, or who asks for the push.

    never    the host pushes
    auto     the host pushes; where it finds no way to the registry, or no protected connection, and we do, we push
    always   we push

    image ─┬─ pushed by the host to our registry ── staging  ─┬─> our own store ──> the registry
           └─ handed out as an archive ──────────── archives ─┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from lading.engine.arrival import Arrival, Destination
from lading.engine.copy import copy
from lading.engine.throttle import RateLimit
from lading.errors import LadingError, NetworkFailed
from lading.oci.descriptor import Descriptor
from lading.oci.platform import Platform
from lading.oci.reference import DEFAULT_TAG, Reference, Repository
from lading.services.content.stores import FullStore, Readable, Stores
from lading.services.distribution.progress import HostTelling
from lading.services.embedded.environment import Ways
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.orders import Arrived, PushOrder
from lading.services.inventories.host_views import AtHost
from lading.services.jobs.job import JsonObject, Telling
from lading.services.platforms import Wanted
from lading.services.registries.records import RelayChoice
from lading.services.reports import serialised
from lading.wire.docker_faults import RegistryTlsRefused, RegistryUnreachable
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report

HOST_LINE = "relay"
"""What bears the lines of an image on its way from the host to us."""


@dataclass(frozen=True, slots=True)
class Brought:
    """An image that is in our own store, and stays there while it is sent on. `note` says which platforms it is of."""

    store: Readable
    root: Descriptor
    note: str = ""


class Bring(Protocol):
    """Brings an image of a Docker host into our own store."""

    def __call__(
        self, host: AtHost, order: PushOrder, report: Report, cancel: Cancel
    ) -> AbstractContextManager[Brought]:
        """It is there whole while inside, in the platforms that the order wants. Raises what a push and an export of
        the host do, and StorageFailed."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push, and whether it went through us."""

    arrived: Sequence[Arrived]
    relayed: bool


class Relays:
    """For any number of threads."""

    def __init__(self, bring: Bring, ways: Ways, lanes: Callable[[], int], limit: RateLimit | None) -> None:
        """`lanes` says how many layers a transfer that begins now moves at a time; `limit` holds for all that moves."""
        self._bring, self._ways, self._lanes, self._limit = bring, ways, lanes, limit

    def push(
        self, environment: GuardedEnvironment, order: PushOrder, choice: RelayChoice, telling: Telling, cancel: Cancel
    ) -> Pushed:
        """Raises Denied, and what a push does."""
        if environment.connection_type is ConnectionType.EMBEDDED or order.dry_run or choice is RelayChoice.NEVER:
            return Pushed(environment.push(order, telling.event, cancel), relayed=False)
        if choice is RelayChoice.ALWAYS:
            telling.line(_line("Pushing through Lading, as the registry's settings or this push ask for"))
            return self._relayed(environment, order, telling, cancel)
        return self._if_needed(environment, order, telling, cancel)

    def _if_needed(self, environment: GuardedEnvironment, order: PushOrder, telling: Telling, cancel: Cancel) -> Pushed:
        try:
            arrived = environment.push(order, telling.event, cancel)
        except LadingError as error:
            if not _no_way(error):
                raise
            failed = error
        else:
            lost = next((each.error for each in arrived if _no_way(each.error)), None)
            if lost is None:
                return Pushed(arrived, relayed=False)
            failed = lost
        if not self._is_in_reach(order, cancel):
            raise failed
        telling.line(_line(f"Pushing through Lading: {failed.afar}"))
        return self._relayed(environment, order, telling, cancel)

    def _is_in_reach(self, order: PushOrder, cancel: Cancel) -> bool:
        """Whether we find a way to the registry, before an image moves for nothing; it may refuse us for all that."""
        target = order.targets[0]
        store = self._ways.stores(order.access).registry(target.repository, cancel)
        try:
            store.resolve(target.tag or DEFAULT_TAG)
        except NetworkFailed:
            return False
        except LadingError:
            return True
        return True

    def _relayed(self, environment: GuardedEnvironment, order: PushOrder, telling: Telling, cancel: Cancel) -> Pushed:
        def relay(host: Environment) -> Sequence[Arrived]:
            coming = HostTelling(HOST_LINE, telling, str(order.targets[0].or_latest))
            at_host = AtHost(environment.id, host, order.image, _only_platform(order.wanted))
            with self._bring(at_host, order, serialised(coming.event), cancel) as brought:
                coming.moved()
                return self._send(brought, order, telling.event, cancel)

        return Pushed(environment.pushed_by(order, relay, cancel), relayed=True)

    def _send(self, brought: Brought, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """Raises what a copy does for its source."""
        stores, told = self._ways.stores(order.access), serialised(report)
        targets = [target.or_latest for target in order.targets]
        destinations = _destinations(stores, targets, order, brought.root, cancel)
        if brought.note:
            for destination in destinations.values():
                told(Noted(destination.name, brought.note))
        with stores.telling(told):
            arrivals = copy(
                brought.store,
                brought.root,
                list(destinations.values()),
                referrers=None,
                locations=stores.locations,
                lanes=self._lanes(),
                report=told,
                cancel=cancel,
                limit=self._limit,
            )
        by_repository = dict(zip(destinations, arrivals, strict=True))
        return [_arrived(order.image, target, brought, by_repository[target.repository]) for target in targets]


def _destinations(
    stores: Stores, targets: Sequence[Reference], order: PushOrder, root: Descriptor, cancel: Cancel
) -> Mapping[Repository, Destination]:
    """Tags of one repository are one destination, so its blobs move once."""
    together: dict[Repository, list[Reference]] = {}
    for target in targets:
        together.setdefault(target.repository, []).append(target)
    return {
        repository: _destination(stores.registry(repository, cancel, writes=True), references, order, root)
        for repository, references in together.items()
    }


def _destination(store: FullStore, references: Sequence[Reference], order: PushOrder, root: Descriptor) -> Destination:
    repository, tags = references[0].repository, dict.fromkeys(each.tag or DEFAULT_TAG for each in references)
    name = f"{repository}:{references[0].tag or DEFAULT_TAG}" if len(references) == 1 else str(repository)
    sign = None if order.sign is None else partial(order.sign, references, root, store)
    return Destination(name, store, tuple(tags), order.condition, sign)


def _arrived(image: str, target: Reference, brought: Brought, arrival: Arrival) -> Arrived:
    error = arrival.error or arrival.tags.get(target.tag or DEFAULT_TAG)
    root = brought.root
    return Arrived(target, image, root.digest, root.size, brought.note, arrival.totals, error)


def _only_platform(wanted: Wanted | None) -> Platform | None:
    """None: what there is at the host, of which the order's own are chosen."""
    return wanted.platforms[0] if wanted is not None and len(wanted.platforms) == 1 else None


def _no_way(error: LadingError | None) -> bool:
    """Whether the host itself says that it cannot reach the registry, or finds no protected connection."""
    return isinstance(error, RegistryTlsRefused | RegistryUnreachable)


def _line(message: str) -> JsonObject:
    return {"status": "relaying", "message": message}
