"""Our own scanner: what the layers have, held against the advisories that were brought here. No list of packages leaves
the machine, and no program is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from lading.errors import StorageFailed
from lading.inventory.feeds import full_name
from lading.inventory.layer import ImageInventory
from lading.inventory.matches import Match
from lading.inventory.matching import AdvisoryLookup, Matched, match
from lading.inventory.package import OsRelease
from lading.inventory.package_urls import package_url
from lading.services.clocks import Clocks
from lading.services.findings.scanner import (
    Coverage,
    Finding,
    ImageView,
    Probe,
    ScanFailed,
    ScanProgress,
    ScanReport,
    ScanResult,
    ScanStage,
    ScanStatus,
)
from lading.services.inventories.inventories import SCANNER, Inventories
from lading.wire.message import Cancel

NO_ADVISORIES = "no advisories are here yet"

_SHARES = {
    ScanStage.CHECKING: (0, 5),
    ScanStage.ANALYZING: (25, 70),
    ScanStage.MATCHING: (70, 90),
    ScanStage.PARSING: (90, 99),
    ScanStage.COMPLETE: (100, 100),
}
"""From what percent of the whole to what each stage goes; bringing advisories up to date is none of a scan's."""


class OsvScanner:
    """Fulfils Scanner, for any number of threads; scans run beside each other."""

    name = SCANNER

    def __init__(
        self,
        inventories: Inventories,
        advisories: Callable[[], AbstractContextManager[AdvisoryLookup]],
        clocks: Clocks,
        version: str,
    ) -> None:
        """`advisories` gives what is known at the moment, for the time of one scan; it and what it gives may raise
        StorageFailed. `version` is the product's."""
        self._inventories, self._advisories, self._clocks, self._version = inventories, advisories, clocks, version

    def probe(self, cancel: Cancel) -> Probe:
        """It can work as soon as there are advisories of anything. Raises Cancelled."""
        cancel.check()
        try:
            with self._advisories() as lookup:
                feeds, revision = lookup.feeds(), lookup.revision()
        except StorageFailed as error:
            return Probe(False, self._version, reason=error.afar)
        if not feeds:
            return Probe(False, self._version, reason=NO_ADVISORIES)
        return Probe(True, _version(self._version, revision), _built(feeds))

    def scan(self, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        """Layers that were read before are not opened. Raises ScanFailed, Cancelled."""
        started, begun = self._clocks.wall(), self._clocks.steady()
        telling = _Telling(self.name, report)
        telling(ScanStage.CHECKING, "Looking at the advisories", 0, 1)
        probe = self.probe(cancel)
        if not probe.available:
            return ScanResult(
                self.name,
                probe.version,
                ScanStatus.SKIPPED,
                started,
                self._clocks.steady() - begun,
                error=f"Not assessed: {probe.reason}.",
            )
        inventory = self._inventory(view, telling, cancel)
        matched, feeds, revision = self._matched(inventory, started, telling, cancel)
        telling(ScanStage.PARSING, "Putting the findings together", 0, 1)
        findings = tuple(_finding(found, inventory.release) for found in matched.matches)
        telling(ScanStage.COMPLETE, f"Found {len(findings)} in {matched.matched} of {matched.packages} packages", 1, 1)
        status = _status(matched)
        return ScanResult(
            self.name,
            _version(self._version, revision),
            status,
            started,
            self._clocks.steady() - begun,
            findings=findings,
            coverage=_coverage(matched),
            built=_built(feeds),
            error=" ".join(f"{note.rstrip('.')}." for note in matched.notes) if status is ScanStatus.SKIPPED else "",
        )

    def _inventory(self, view: ImageView, telling: _Telling, cancel: Cancel) -> ImageInventory:
        telling(ScanStage.ANALYZING, "Analyzing image layers", 0, 1)

        def read(done: int, total: int) -> None:
            telling(ScanStage.ANALYZING, "Analyzing image layers", done, total)

        return self._inventories.image(view, read, cancel)

    def _matched(
        self, inventory: ImageInventory, now: float, telling: _Telling, cancel: Cancel
    ) -> tuple[Matched, Mapping[str, float | None], str]:
        def judged(done: int, total: int) -> None:
            cancel.check()
            telling(ScanStage.MATCHING, f"Matching {total} packages", done, total)

        try:
            with self._advisories() as lookup:
                return match(inventory, lookup, now, judged), lookup.feeds(), lookup.revision()
        except StorageFailed as error:
            raise ScanFailed(self.name, error.afar) from error


class _Telling:
    """Tells of each percent once, and never goes back."""

    def __init__(self, scanner: str, report: ScanReport) -> None:
        self._scanner, self._report = scanner, report
        self._stage, self._percent = ScanStage.CHECKING, -1

    def __call__(self, stage: ScanStage, message: str, done: int, total: int) -> None:
        """`done` of `total`, whatever is counted; 0 of 0 is all of it."""
        first, last = _SHARES[stage]
        percent = max(self._percent, first + (last - first) * min(done, total) // total if total else last)
        if (stage, percent) != (self._stage, self._percent):
            self._stage, self._percent = stage, percent
            self._report(ScanProgress(stage, message, percent, self._scanner))


def _version(product: str, revision: str) -> str:
    """The product's version, and a mark of the data: other records make other results, whatever their time."""
    return f"{product}+{revision}"


def _built(feeds: Mapping[str, float | None]) -> float | None:
    """The time of the newest feed; the coverage says that of each."""
    return max((built for built in feeds.values() if built is not None), default=None)


def _status(matched: Matched) -> ScanStatus:
    """Where nothing at all was held against data, nothing can be said."""
    if not matched.matched and not matched.matches:
        return ScanStatus.SKIPPED
    return ScanStatus.PARTIAL if matched.partial else ScanStatus.OK


def _coverage(matched: Matched) -> Coverage:
    return Coverage(
        distribution=matched.distribution,
        packages=matched.packages,
        matched=matched.matched,
        owned=matched.owned,
        not_evaluated=matched.not_evaluated,
        built=matched.built,
        notes=matched.notes,
    )


def _finding(found: Match, release: OsRelease | None) -> Finding:
    package = found.installed.package
    return Finding(
        id=found.id,
        severity=found.severity,
        package=full_name(package),
        version=package.version,
        fixed_version=found.fixed_version,
        description=found.description,
        aliases=found.aliases,
        type=package.type,
        purl=package_url(package, release),
        fix_state=found.fix_state,
        cvss=found.cvss,
        link=found.link,
        path=package.evidence,
        layer=found.installed.layer,
        published=found.published,
        scanners=(SCANNER,),
    )
