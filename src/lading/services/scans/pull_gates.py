"""A pull's scan and its gate, in the order that the policies ask for.

    a policy enforces     whole, without its name ─▶ scan ─▶ judged ─▶ its name, or nothing of it
    none does             whole ─▶ its name ─▶ scan ─▶ judged, and told

Our own engine asks at the last moment before the name is given: what counts is what enforces then. A Docker host names
what it pulls by itself, so there it is decided when the pull begins: a policy that is made meanwhile reports on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.access import Actor
from lading.services.environments.environment import ConnectionType
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.orders import Admit, Arrived, Arriving
from lading.services.findings.rows import ScanRow
from lading.services.findings.scanner import ImageView, ScannerName
from lading.services.gate_parts import Parts
from lading.services.gates.gates import Gates, verdicts_json
from lading.services.gates.policy import Action, Place
from lading.services.gates.refusals import GateRefused, Given
from lading.services.jobs.job import JsonObject, Telling
from lading.services.platforms import Wanted
from lading.services.scans.json import listed_json
from lading.services.scans.on_pull import Opened, Pulled
from lading.wire.message import Cancel
from lading.wire.progress import Report


@dataclass(frozen=True, slots=True)
class PullCall:
    """One pull: who wants what where, of which platforms, and whether it is to be scanned. `registry` is the configured
    one that serves it, whoever's login is used there."""

    actor: Actor
    environment: GuardedEnvironment
    reference: Reference
    registry: int | None
    wanted: Wanted | None
    scan: bool
    telling: Telling
    cancel: Cancel


class PullScans(Protocol):
    """The scan that a pull brings along; services.scans.on_pull fulfils it."""

    def scanner(self, environment: GuardedEnvironment, asked: bool) -> ScannerName:
        """What looks at what is pulled there; NONE where nothing does. Raises StorageFailed."""

    def watched(self, environment: GuardedEnvironment, scanner: ScannerName, report: Report) -> Report:
        """The same report, and layers are read as they come."""

    def pulled(self, environment: int, image: str, name: str, wanted: Wanted | None, cancel: Cancel) -> Pulled:
        """What has arrived, as the environment finds it."""

    def scan(
        self, actor: Actor, pulled: Pulled, scanner: ScannerName, telling: Telling, cancel: Cancel
    ) -> Sequence[ScanRow]:
        """With its events. Raises Cancelled, TimedOut, and no other error."""


class RootViews(Protocol):
    """Images of our own engine that may have no name yet; services.inventories.image_views fulfils it."""

    def of_root(
        self, root: Descriptor, name: str, platform: Platform | None = None, part: Digest | None = None
    ) -> ImageView:
        """The `part` of the image with this root. Raises Unscannable and its like."""


@dataclass(frozen=True, slots=True)
class PullGates:
    """For any number of threads."""

    gates: Gates
    scanning: PullScans
    views: RootViews

    def begin(self, call: PullCall) -> PullGate:
        """For one pull. Raises StorageFailed."""
        return PullGate(self, call, self.scanning.scanner(call.environment, call.scan))


@dataclass(slots=True)
class PullGate:
    """What one pull asks on its way, and what it learned."""

    ways: PullGates
    call: PullCall
    scanner: ScannerName
    _arriving: Arriving | None = None
    _given: Sequence[Given] | None = field(default=None, repr=False)
    _rows: Sequence[ScanRow] = field(default=(), repr=False)

    @property
    def report(self) -> Report:
        """Where the transfer tells of itself: layers are read as they come."""
        return self.ways.scanning.watched(self.call.environment, self.scanner, self.call.telling.event)

    @property
    def admit(self) -> Admit | None:
        """What the environment is to ask before it gives the name; None: nothing. Raises StorageFailed."""
        ours = self.call.environment.connection_type is ConnectionType.EMBEDDED
        return self._ask if ours or self._enforced else None

    def result(self, arrived: Arrived) -> JsonObject:
        """What is known of an image that has its name now, for the job's result. Raises StorageFailed, Cancelled."""
        if self._given is None:
            try:
                self._given = self._judge(arrived.id, self._parts)
            except GateRefused as error:  # a policy that did not enforce when the name was given
                self._given = error.given
        scans = {"scans": [listed_json(row) for row in self._rows]} if self._rows else {}
        return {**scans, **verdicts_json(self._given)}

    @property
    def _place(self) -> Place:
        return Place(self.call.environment.id, self.call.reference.repository, self.call.registry)

    @property
    def _enforced(self) -> bool:
        return self.ways.gates.enforces(Action.PULL, self._place)

    @property
    def _parts(self) -> Sequence[Descriptor]:
        return () if self._arriving is None else self._arriving.parts

    def _ask(self, arriving: Arriving) -> None:
        """Raises GateRefused, StorageFailed, Cancelled."""
        self._arriving = arriving
        if self._enforced:
            self._given = self._judge(arriving.id, arriving.parts)

    def _judge(self, image: str, parts: Sequence[Descriptor]) -> Sequence[Given]:
        call, name = self.call, self.call.reference.familiar
        pulled = Pulled(call.environment.id, name, self._views(image, parts))
        rows = self._rows = self.ways.scanning.scan(call.actor, pulled, self.scanner, call.telling, call.cancel)
        concerned: Parts = [(part.digest, str(part.platform or "")) for part in parts]
        tried = None if self.scanner is ScannerName.NONE else self.scanner
        return self.ways.gates.pull(call.actor, self._place, name, image, parts=concerned, rows=rows, tried=tried)

    def _views(self, image: str, parts: Sequence[Descriptor]) -> Sequence[Opened]:
        call = self.call
        if self._arriving is None or self._arriving.root is None:
            name = call.reference.familiar
            return self.ways.scanning.pulled(call.environment.id, image, name, call.wanted, call.cancel).views
        return [partial(self._view, self._arriving.root, part.digest) for part in parts]

    def _view(self, root: Descriptor, part: Digest) -> nullcontext[ImageView]:
        return nullcontext(self.ways.views.of_root(root, self.call.reference.familiar, part=part))
