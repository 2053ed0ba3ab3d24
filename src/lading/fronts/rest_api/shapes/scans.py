"""Scans, what they found, scanners, and the advisories of our own."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.services.findings.rows import Occasion
from lading.services.findings.scanner import ScannerName, ScanStatus


class SeverityCounts(TypedDict):
    """How many of each severity."""

    critical: int
    high: int
    medium: int
    low: int
    negligible: int
    unknown: int


class Coverage(TypedDict):
    """What was looked at."""

    text: Annotated[str, "In a sentence."]
    distribution: str | None
    packages: int
    matched: int
    owned: int
    notEvaluated: Annotated[dict[str, int], "Why packages were not held against anything, and how many."]
    built: Annotated[dict[str, str | None], "Of what time the data are, by source."]
    notes: list[str]


class Finding(TypedDict):
    """One vulnerability of one package; what nobody knows is left out."""

    id: str
    severity: Severity
    package: str
    version: str
    fixedVersion: NotRequired[str]
    description: NotRequired[str]
    aliases: NotRequired[list[str]]
    type: NotRequired[Annotated[str, "Of the package."]]
    purl: NotRequired[str]
    fixState: FixState
    cvss: NotRequired[float]
    link: NotRequired[str]
    path: NotRequired[str]
    layer: NotRequired[Annotated[str, "The digest of the layer that brought it."]]
    publishedAt: NotRequired[str]
    knownExploited: NotRequired[bool]
    suppressedBy: NotRequired[Annotated[str, "The exception that hides it."]]
    scanners: NotRequired[list[str]]


class FoundIn(Finding):
    """A vulnerability, with the image that it is in."""

    scanId: int
    imageId: str
    imageName: str
    environmentId: int
    platform: str


class ScanSummary(TypedDict):
    """A scan without its vulnerabilities."""

    id: int
    imageId: str
    imageName: str
    scanner: str
    scannedAt: str
    scanDuration: Annotated[int, "Milliseconds."]
    summary: Annotated[SeverityCounts | None, "Null where nobody knows."]
    status: ScanStatus
    coverage: Coverage
    dbVersion: Annotated[str | None, "Of what time the data are."]
    scannerVersion: str | None
    message: NotRequired[Annotated[str, "Why it failed."]]
    environmentId: int
    platform: str
    config: str
    manifest: str | None
    occasion: Occasion


class Scan(ScanSummary):
    """A scan with its vulnerabilities."""

    vulnerabilities: list[Finding]


class ScanTold(Scan):
    """A scan as a job's line tells of it: of each description its beginning."""

    leftOut: NotRequired[Annotated[int, "How many vulnerabilities there are besides."]]


class ScanCounts(TypedDict):
    """How many came, went and stayed."""

    new: int
    fixed: int
    same: int


class ScanComparison(TypedDict):
    """What came and went from one scan to another."""

    new: list[Finding]
    fixed: list[Finding]
    same: list[Finding]
    counts: ScanCounts


class Scanner(TypedDict):
    """A scanner, and whether it can work."""

    name: str
    available: bool
    version: str | None
    dbVersion: str | None
    reason: Annotated[str | None, "Why it cannot."]


class ScannerSetting(TypedDict):
    """Which scanner is chosen."""

    scanner: ScannerName
    inherited: Annotated[bool, "Whether it is the one for all environments."]
    scanners: list[Scanner]


class AdvisoryFeed(TypedDict):
    """An ecosystem's advisories from one source."""

    ecosystem: str
    source: str
    location: str
    records: int
    newest: str | None
    built: str | None
    importedAt: str


class AdvisoriesForgotten(TypedDict):
    """A source that was let go of."""

    source: str
    gone: Annotated[int, "Advisories."]
