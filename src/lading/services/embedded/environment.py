"""Our own engine as an Environment: the verbs of the local command, over our own store, for one login at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from lading.engine.content import SourceContent
from lading.engine.records import ImageNames
from lading.engine.throttle import RateLimit
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import Collector, Shedder, Stores
from lading.services.descriptions import steps
from lading.services.embedded.archives import EmbeddedArchives
from lading.services.embedded.distribution import distribution
from lading.services.embedded.lookup import EmbeddedLookup, Found, Held
from lading.services.embedded.removal import EmbeddedRemoval
from lading.services.embedded.shelf import ContentListing, EmbeddedShelf, NoListing
from lading.services.embedded.views import EmbeddedView, told_step
from lading.services.environment_images import Details, Step, Summary
from lading.services.environments.environment import Engine
from lading.services.environments.orders import (
    Access,
    Arrived,
    Distribution,
    ImportOrder,
    Pruned,
    PruneOrder,
    PullOrder,
    PushOrder,
)
from lading.services.places import Named
from lading.services.registries.registries import Found as FoundLogin
from lading.services.transfers.pull_admission import Admission
from lading.services.transfers.transfers import PULL_LANES, PUSH_LANES, Call, Moved, Options, Transfers
from lading.services.trust.transfer_trust import Settled
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Report


class Ways(Protocol):
    """How places are opened for one piece of work; `main` fulfils it."""

    def local(self) -> Stores:
        """Our own store, and no registry."""

    def stores(self, access: Access) -> Stores:
        """Our own store, and the registry as this access reaches it."""

    def written(self, write: Callable[[Stores], None]) -> AbstractContextManager[Reader]:
        """What `write` puts into the archive `-`, read while it is written. Raises what `write` raises."""

    def reading(self, archive: Reader) -> Stores:
        """Our own store, and `archive` as the archive `-`."""


@dataclass(frozen=True, slots=True)
class OneLogin:
    """Fulfils services.transfers.origins.LoginLookup: an access names its login."""

    access: Access

    def credential(self, _repository: Repository) -> FoundLogin:
        return FoundLogin(self.access.credential, self.access.name)

    def next_login(self, _repository: Repository) -> str | None:
        return None


def _all_of_them(lanes: int) -> int:
    return lanes


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How content goes: what nothing keeps, and single platforms of what is kept."""

    collect: Collector
    shed: Shedder


class EmbeddedEnvironment:
    """Fulfils services.environments.environment.Environment. `native` is the platform pulled where nobody says; `limit`
    holds for all that moves."""

    def __init__(
        self,
        ways: Ways,
        names: Callable[[], ImageNames],
        upkeep: Upkeep,
        native: Platform,
        version: str,
        *,
        clock: Callable[[], float],
        limit: RateLimit | None = None,
        listing: ContentListing | None = None,
        lanes: Callable[[int], int] = _all_of_them,
        push_lanes: int = PUSH_LANES,
        pull_lanes: int = PULL_LANES,
    ) -> None:
        """`lanes` says how many of so many lanes a transfer whose bytes begin to move now gets; `clock` gives seconds
        since 1970. With `listing`, images that have not changed are not read again for each list."""
        self._ways, self._names, self._native, self._version, self._limit = ways, names, native, version, limit
        self._lanes, self._push_lanes, self._pull_lanes = lanes, push_lanes, pull_lanes
        self._upkeep, self._clock = upkeep, clock
        self._shelf = EmbeddedShelf(listing or NoListing(), self._view)

    def ping(self, cancel: Cancel) -> None:
        cancel.check()

    def engine(self, cancel: Cancel) -> Engine:
        cancel.check()
        return Engine("Lading", self._version, "", str(self._native))

    # ── what there is

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        cancel.check()
        return self._shelf.all(self._lookup.all(), cancel)

    def image(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Details:
        cancel.check()
        found = self._lookup.find(image)
        view = self._view(found.image)
        return view.details(view.variant(platform, found.part))

    def history(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Sequence[Step]:
        cancel.check()
        found = self._lookup.find(image)
        return [told_step(step) for step in steps(self._view(found.image).variant(platform, found.part))]

    def size(self, cancel: Cancel) -> int:
        sizes: dict[Digest, int] = {}
        for image in self._lookup.all():
            cancel.check()
            sizes.update(self._view(image).sizes())
        return sum(sizes.values())

    # ── names and removal

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        cancel.check()
        root, own = self._lookup.find(image).image.root, self._ways.local().own
        with own.work() as work:
            outcomes = work.tag(root, SourceContent(own, root), [str(reference.or_latest)], "any", cancel)
        for error in filter(None, outcomes.values()):
            raise error

    def remove(
        self,
        image: str,
        force: bool,
        cancel: Cancel,
        platforms: tuple[Platform, ...] = (),
        keep_parents: bool = False,  # noqa: ARG002  no image here has one
    ) -> Pruned:
        """Raises IdAmbiguous, ImageHasNames, ForceNeeded besides."""
        cancel.check()
        return self._removal.remove(image, force, platforms, cancel)

    def prune(self, order: PruneOrder, cancel: Cancel) -> Pruned:
        """Nobody runs an image here: not `dangling`, that is every one."""
        cancel.check()
        return self._removal.prune(order, cancel)

    # ── transfers

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        trust = Settled(order.verified)
        options = Options(order.wanted, lanes=lambda: self._lanes(self._pull_lanes), trust=trust)
        admission = None if order.admit is None else Admission(order.admit)
        try:
            call = Call(options, report, cancel)
            moved = self._transfers(order.access).pull(str(order.reference), call, admission)
            if moved.error is not None:
                raise moved.error
        finally:
            if admission is not None and admission.refused is not None:
                own = self._ways.local().own
                admission.give_up(own, self._is_named, self._upkeep.collect, self._upkeep.shed)
        arrived = _arrived(order.reference.or_latest, moved.root.digest, moved)
        same = order.reference.digest is not None and moved.totals.sent == 0
        return replace(arrived, current=arrived.current or same)

    def _is_named(self, root: Digest) -> bool:
        return root in self._names().among([root])

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        found = self._lookup.find(order.image)
        options = Options(
            order.wanted,
            lanes=lambda: self._lanes(self._push_lanes),
            condition=order.condition,
            dry_run=order.dry_run,
            trust=Settled(sign=order.sign),
        )
        targets = [target.or_latest for target in order.targets]
        moved = self._transfers(order.access).push(
            Named(_source(found)), [Named(str(target)) for target in targets], Call(options, report, cancel)
        )
        by_name = {name: each for each in moved for name in each.names}
        return [_arrived(target, found.image.root.digest, by_name[_bare(target)]) for target in targets]

    def distribution(self, reference: Reference, access: Access, cancel: Cancel) -> Distribution:
        named = reference.or_latest
        return distribution(self._ways.stores(access).registry(named.repository, cancel), named)

    def export(
        self, images: Sequence[str], cancel: Cancel, platform: Platform | None = None
    ) -> AbstractContextManager[Reader]:
        return self._archives.export(images, platform, cancel)

    def load(
        self, archive: Reader, report: Report, cancel: Cancel, platform: Platform | None = None
    ) -> Sequence[Arrived]:
        return self._archives.load(archive, platform, report, cancel)

    def import_(self, archive: Reader, order: ImportOrder, report: Report, cancel: Cancel) -> Arrived:
        return self._archives.import_(archive, order, report, cancel)

    def _transfers(self, access: Access) -> Transfers:
        return Transfers(self._ways.stores(access), self._names, lambda: OneLogin(access), self._native, self._limit)

    @property
    def _archives(self) -> EmbeddedArchives:
        return EmbeddedArchives(
            self._ways, self._lookup, self._native, lambda: self._lanes(self._pull_lanes), self._clock
        )

    @property
    def _removal(self) -> EmbeddedRemoval:
        own = self._ways.local().own
        return EmbeddedRemoval(self._lookup, own, self._view, self._upkeep.collect, self._upkeep.shed)

    @property
    def _lookup(self) -> EmbeddedLookup:
        return EmbeddedLookup(self._names(), self._ways.local().own)

    def _view(self, image: Held) -> EmbeddedView:
        return EmbeddedView(image, self._ways.local().own, self._native)


def _source(found: Found) -> str:
    """What `services.lookup` finds the same image by; its own name is where its signatures are looked for."""
    return str(found.name) if found.name is not None else found.image.rows[0].reference


def _arrived(target: Reference, identity: Digest, moved: Moved) -> Arrived:
    """Where some names of a target were refused, only those failed."""
    name = _bare(target)
    error = moved.refused.get(name) if moved.refused else moved.error
    return Arrived(
        target,
        str(identity),
        moved.root.digest,
        moved.root.size,
        moved.note,
        moved.totals,
        error,
        planned=moved.planned,
        current=moved.current,
    )


def _bare(target: Reference) -> str:
    """As a transfer calls what has arrived: without a digest."""
    return str(Reference(target.repository, target.tag))
