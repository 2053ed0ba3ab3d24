"""Scans at the command line: an image wherever it is, held against what this machine knows.

Of what is looked at nothing is kept but what its layers hold, so that the next image on the same base is quick. Nobody
is asked whether it may: who can read the image can look into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lading.engine.records import ImageNames
from lading.inventory.layer import ImageInventory
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.content.stores import Stores
from lading.services.embedded.found_images import found_image
from lading.services.findings.scanner import ImageView, ScannerName, ScanReport, ScanResult
from lading.services.image_layouts import Layouts
from lading.services.inventories.inventories import Inventories, ReadReport
from lading.services.inventories.stored_views import stored_view
from lading.services.places import Named, Place
from lading.services.scans.cyclonedx import BillSubject, bill_of_materials, nobody_answers
from lading.services.scans.exports import ScanFormat, csv_text, json_text
from lading.services.scans.merging import merged
from lading.services.scans.sarif import sarif_json
from lading.services.scans.scanner_choice import ScannerChoice
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class Looked:
    """An image that was looked at: its id and what people call it, for which platform, the digest of that one's
    manifest, and of its config."""

    id: str
    name: str
    platform: Platform
    digest: Digest
    config: Digest

    @property
    def bill(self) -> BillSubject:
        """What a list of its parts is about."""
        return BillSubject(self.name, self.digest, str(self.platform))


@dataclass(frozen=True, slots=True)
class Scanned:
    """What all the scanners that were chosen say of it together."""

    image: Looked
    result: ScanResult

    @property
    def only_fixable(self) -> Scanned:
        """The same, with nothing but what a newer version mends."""
        fixable = tuple(each for each in self.result.findings if each.fixed_version is not None)
        return replace(self, result=replace(self.result, findings=fixable))


@dataclass(frozen=True, slots=True)
class Inventoried:
    """What is installed in it."""

    image: Looked
    inventory: ImageInventory


class LocalScans:
    """`native` is the platform that is meant where nobody says."""

    def __init__(
        self,
        stores: Stores,
        names: Callable[[], ImageNames],
        native: Platform,
        *,
        layouts: Layouts,
        choice: ScannerChoice,
        inventories: Inventories,
    ) -> None:
        self._stores, self._names, self._native, self._layouts = stores, names, native, layouts
        self._choice, self._inventories = choice, inventories

    def scan(
        self, place: Place, scanner: ScannerName, platform: Platform | None, report: ScanReport, cancel: Cancel
    ) -> Scanned:
        """A scanner that fails has a failed result. Raises ImageUnknown, PlatformMissing, Unscannable, and what opening
        the place raises."""
        with self._opened(place, platform, cancel) as view:
            results = self._choice.scan(scanner, view, report, cancel)
            return Scanned(_looked(view), results[0] if len(results) == 1 else merged(results))

    def inventory(self, place: Place, platform: Platform | None, report: ReadReport, cancel: Cancel) -> Inventoried:
        """Raises as `scan` does, and ScanFailed."""
        with self._opened(place, platform, cancel) as view:
            return Inventoried(_looked(view), self._inventories.image(view, report, cancel))

    def kept(self, config: Digest) -> ImageInventory | None:
        """What was found in an image, by its config, where somebody looked into it before."""
        return self._inventories.kept(config)

    def exported(self, scanned: Scanned, form: ScanFormat, now: float) -> str:
        """As other programs read it; JSON and OpenVEX excepted. `now` is seconds since 1970."""
        image, result = scanned.image, scanned.result
        match form:
            case ScanFormat.CSV:
                return csv_text(result.findings)
            case ScanFormat.SARIF:
                return json_text(sarif_json(image.name, image.digest, result, nobody_answers))
            case ScanFormat.CYCLONEDX:
                kept = self._inventories.kept(image.config)
                return json_text(bill_of_materials(image.bill, kept, now, result.findings))
            case _:
                raise AssertionError(form)

    @contextmanager
    def _opened(self, place: Place, platform: Platform | None, cancel: Cancel) -> Iterator[ImageView]:
        """From a registry only layers come that nobody has looked into before."""
        with found_image(place, self._stores, self._names(), cancel) as (description, source):
            proven = isinstance(place, Named)
            yield stored_view(description, source, self._layouts, self._native, platform, proven=proven)


def _looked(view: ImageView) -> Looked:
    return Looked(view.id, view.name, view.platform, view.manifest or view.config, view.config)
