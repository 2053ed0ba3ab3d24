"""What differs from one scanner's program to the other: its words, its files, its reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from lading.backends.scanners.program import Ended
from lading.backends.scanners.report_reading import Object, Report
from lading.services.findings.scanner import ScanStage

LAYOUT, REPORT = "layout", "report.json"
"""In the room: a link to the layout, so that no `:` or `@` of our folders is in a path that trivy cuts there; and the
report."""


class Listener(Protocol):
    """One scan's log and report."""

    def heard(self, line: str) -> ScanStage | None:
        """What a line of the log hints at: where the scan has come to. Most lines hint at nothing."""

    def read(self, document: Object) -> Report:
        """The report, with what the log added. Raises ReportUnreadable."""


class Running(Protocol):
    """Runs the program in one room; its output is read there."""

    def __call__(self, arguments: Sequence[str], own: Mapping[str, str]) -> Ended:
        """Raises ScanFailed, Cancelled, FolderUnusable."""

    def document(self) -> Object:
        """What the last run wrote to its standard output. Raises ScanFailed, FolderUnusable."""

    def tell(self, message: str) -> None:
        """To whoever follows the update."""


class Dialect(Protocol):
    """One scanner's program."""

    @property
    def name(self) -> str:
        """As it is called, by people and on PATH."""

    @property
    def version_arguments(self) -> Sequence[str]:
        """Makes it print a JSON object with its version."""

    def version(self, document: Object) -> str:
        """What that object says, empty where it says nothing."""

    def refusal(self, version: str) -> str:
        """Why programs of this version are not run, empty where they are."""

    def scan_arguments(self, database: Path, seconds: float) -> Sequence[str]:
        """For LAYOUT and REPORT; `seconds` is when it is stopped."""

    def own(self, database: Path) -> Mapping[str, str]:
        """What is set in its environment for this database, so that it asks the network for nothing."""

    def accepts(self, code: int) -> bool:
        """Whether a scan that ends with this exit code came to a result."""

    def listener(self) -> Listener:
        """For one scan."""

    def update(self, running: Running, fresh: Path, current: Path | None, now: float) -> float | None:
        """Fetches the newest database into the empty folder `fresh`; of what time it is, in seconds since 1970. None
        where `current` is the newest. Raises ScanFailed, Cancelled, FolderUnusable."""
