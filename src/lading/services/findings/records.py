"""What is remembered of scans: ScanRecords, the protocol that the database fulfils."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.rows import FindingQuery, FoundIn, Occasion, ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scanner import ScanResult


class ScanRecords(Protocol):
    """Rows by id. Durable when a method returns. Every method raises StorageFailed."""

    def add_scan(self, subject: ScanSubject, result: ScanResult, occasion: Occasion) -> ScanRow:
        """A new row with its findings; where it came to a result, it is the standing one of its image, environment and
        scanner from now on."""

    def scan(self, id: int) -> ScanRow | None:  # noqa: A002  a row's own word
        """With its findings, in the order in which they were added; None where there is none."""

    def scans(self, wanted: ScanQuery, first: int, count: int) -> Sequence[ScanRow]:
        """The newest first, without findings."""

    def count_scans(self, wanted: ScanQuery) -> int:
        """How many there are in all."""

    def latest(self, environment: int, config: Digest) -> Sequence[ScanRow]:
        """The newest of each scanner, failed or not, with findings, in order of scanner."""

    def standing(self, environment: int | None, config: Digest | None = None) -> Sequence[ScanRow]:
        """The standing ones of images that are there, without findings, in order of id; None: of all of them."""

    def worst(self, environment: int, images: Collection[str]) -> Mapping[str, Severity | None]:
        """Of those of these images, by id, that the standing scans are about, the worst that any of them found and no
        exception hides; None: nothing."""

    def kept_result(self, config: Digest, scanner: str, version: str, built: float | None) -> ScanRow | None:
        """The newest sound or partial scan of this content by this version over these data, in whatever environment,
        with findings."""

    def confirm_scan(self, id: int, result: ScanResult) -> None:  # noqa: A002  a row's own word
        """The same findings came of newer data: the row takes over its time, versions, status and coverage."""

    def suppress(self, id: int, marks: Mapping[int, str | None]) -> None:  # noqa: A002  a row's own word
        """What hides findings, by their places from 0 on (None: nothing does any more); the counts with it."""

    def findings(self, wanted: FindingQuery, first: int, count: int) -> Sequence[FoundIn]:
        """Of the standing scans of images that are there: the worst first, then by id, package and image."""

    def count_findings(self, wanted: FindingQuery) -> Mapping[Severity, int]:
        """Of those that `findings` gives, how many by severity, every severity named."""

    def names(self) -> Collection[str]:
        """What the scanned images are called."""

    def mark_present(self, environment: int, images: Collection[str]) -> None:
        """These images, by id, are there now, and no others: those that are gone are in no list of findings."""

    def prune_scans(self, kept: int, environments: Collection[int]) -> int:
        """Forget what is beyond the newest `kept` of each image name, environment and scanner, standing ones excepted,
        and all of other environments than these; how many scans went."""
