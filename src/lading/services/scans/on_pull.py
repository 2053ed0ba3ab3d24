"""The scan that a pull brings along: inside the pull's job, after everything has arrived, before its last line.

Layers of our own engine are read as soon as they are here, while the others still come. A scan that fails does not fail
the pull: it says so in its last event.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lading.engine.stores import Source
from lading.errors import Cancelled, LadingError, TimedOut
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_LAYER_GZIP
from lading.oci.platform import Platform
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.clocks import Clocks
from lading.services.environments.environment import ConnectionType
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.findings.rows import Occasion, ScanRow
from lading.services.findings.scanner import ImageView, ScannerName, ScanResult, ScanStatus
from lading.services.inventories.inventories import Inventories
from lading.services.inventories.stored_views import Unscannable
from lading.services.jobs.job import Telling
from lading.services.platforms import Wanted
from lading.services.scans.events import ScanEvents
from lading.services.scans.json import scanned_json, told_json
from lading.services.scans.scanner_choice import share
from lading.services.scans.scanner_settings import ScannerSettings
from lading.services.scans.scans import ScanOrder, Scans
from lading.services.scans.words import outcome_text
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Advanced, Event, Kind, Planned, Report, State

log = logging.getLogger("lading.scans")

Opened = Callable[[], AbstractContextManager[ImageView]]
"""Opens what is to be scanned."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """An image that a pull brings to an environment: as it is called, and its views, one for each platform."""

    environment: int
    name: str
    views: Sequence[Opened]


class ScanOnPull:
    """For any number of threads."""

    def __init__(
        self, scans: Scans, settings: ScannerSettings, own: Callable[[], Source], trail: Trail, clocks: Clocks
    ) -> None:
        """`own` is our own engine's content."""
        self._scans, self._settings, self._own, self._trail, self._clocks = scans, settings, own, trail, clocks

    def scanner(self, environment: GuardedEnvironment, asked: bool) -> ScannerName:
        """What looks at what is pulled there; NONE where nothing does. Raises StorageFailed."""
        return self._settings.chosen(environment.scanner) if asked else ScannerName.NONE

    def watched(self, environment: GuardedEnvironment, scanner: ScannerName, report: Report) -> Report:
        """The same, and layers are read by our own scanner's inventory as they come, where that will look at them."""
        ours = scanner in {ScannerName.OSV, ScannerName.AUTO}
        if not ours or environment.connection_type is not ConnectionType.EMBEDDED:
            return report
        return Ahead(report, self._scans.inventories, self._own())

    def pulled(self, environment: int, image: str, name: str, wanted: Wanted | None, cancel: Cancel) -> Pulled:
        """`image` is how the environment finds what has arrived: of the platforms that were asked for, or its own."""

        def opened(platform: Platform | None) -> Opened:
            return lambda: self._scans.opened(environment, image, platform, cancel, name=name)

        platforms: Sequence[Platform | None] = (wanted.platforms if wanted else ()) or (None,)
        return Pulled(environment, name, [opened(platform) for platform in platforms])

    def scan(
        self, actor: Actor, pulled: Pulled, scanner: ScannerName, telling: Telling, cancel: Cancel
    ) -> Sequence[ScanRow]:
        """With its events; nothing at all for NONE. What could be kept, failed scans among it. Raises Cancelled,
        TimedOut, and no other error."""
        if scanner is ScannerName.NONE:
            return ()
        events = ScanEvents(telling.line, self._clocks.steady)
        events.begin()
        order = ScanOrder(pulled.environment, scanner, Occasion.PULL)
        try:
            rows = self._rows(order, pulled, events, cancel)
        except (Cancelled, TimedOut):
            raise
        except Unscannable as error:
            result = self._scans.unbegun(scanner.value, error.afar, ScanStatus.SKIPPED)
        except LadingError as error:
            result = self._scans.unbegun(scanner.value, error.afar)
        except Exception:
            log.exception("the scan of %s", pulled.name)
            result = self._scans.unbegun(scanner.value, "Lading made a mistake")
        else:
            results = [row.result for row in rows]
            events.complete(results, told_json(rows))
            self._record(actor, pulled, scanner, results)
            return rows
        events.complete([result], [scanned_json("", pulled.name, result)])
        self._record(actor, pulled, scanner, [result])
        return ()

    def _rows(self, order: ScanOrder, pulled: Pulled, events: ScanEvents, cancel: Cancel) -> Sequence[ScanRow]:
        rows: list[ScanRow] = []
        for place, opened in enumerate(pulled.views):
            with opened() as view:
                report = share(events.progress, place, len(pulled.views))
                rows.extend(self._scans.scan(order, view, report, cancel))
        return rows

    def _record(self, actor: Actor, pulled: Pulled, scanner: ScannerName, results: Sequence[ScanResult]) -> None:
        """What cannot be recorded now has been scanned all the same, and the pull is recorded by its job."""
        details: dict[str, object] = {"scanner": scanner.value, "outcome": outcome_text(results)}
        deed = Deed("scan", "image", pulled.name, pulled.name, pulled.environment, details)
        sound = any(result.status is not ScanStatus.FAILED for result in results)
        try:
            self._trail.record(actor, deed, Result.DONE if sound else Result.FAILED)
        except LadingError:
            log.exception("the scan of %s is not on record", pulled.name)


class Ahead:
    """Fulfils Report: passes on what a transfer tells, and has each layer read that it tells the end of."""

    def __init__(self, report: Report, inventories: Inventories, own: Source) -> None:
        self._report, self._inventories, self._own = report, inventories, own
        self._sizes: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        self._report(event)
        match event:
            case Planned(_, pieces):
                layers = (piece for piece in pieces if piece.kind is Kind.LAYER and piece.size is not None)
                self._sizes |= {piece.id: piece.size for piece in layers if piece.size is not None}
            case Advanced(state=State.DONE) if event.id in self._sizes:
                self._read(event.id, self._sizes.pop(event.id))

    def _read(self, id: str, size: int) -> None:  # noqa: A002  the event's own word
        layer = Descriptor(OCI_LAYER_GZIP, Digest.parse(id), size)

        def opened() -> Reader:
            return self._own.open(layer)

        self._inventories.ahead(layer, None, opened)
