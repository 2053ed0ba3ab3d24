"""Scanners: what is known to be wrong with an image. Ours is one of them, grype and trivy are others.

A result never says "nothing found" where something was not looked at: its status and its coverage tell what was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from lading.errors import LadingError, Side
from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.wire.message import Cancel, Reader


class ScannerName(StrEnum):
    """What may be chosen, for all environments or for one (interfaces §2, settings/scanner).

    `both` is grype and trivy, told as one; `auto` is grype where it is there and sound, else trivy, else ours.
    """

    NONE = "none"
    OSV = "osv"
    GRYPE = "grype"
    TRIVY = "trivy"
    BOTH = "both"
    AUTO = "auto"


class ScanStatus(StrEnum):
    """`partial`: some packages, or one of several scanners, could not be judged; the coverage says which."""

    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def sound(self) -> bool:
        """Whether there are findings to speak of, of everything or of a part."""
        return self in {ScanStatus.OK, ScanStatus.PARTIAL}


class ScanFailed(LadingError):
    """A scanner did not come to a result. `reason` is one sentence without the scanner's name."""

    side = Side.LADING
    code = "scan_failed"
    hint = "Take another scanner: the list of them says which are there, and what those lack that are not."
    command = "Take another one: --scanner osv, grype or trivy; --grype FILE and --trivy FILE say where these are"

    def __init__(self, scanner: str, reason: str) -> None:
        super().__init__(scanner, reason)
        self.scanner, self.reason = scanner, reason

    def __str__(self) -> str:
        return f"{self.scanner}: {self.reason}"


FindingKey = tuple[str, str, str, str]
"""What makes it the same finding in two scans: its id, the package, its version and its place."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing known to be wrong with one package. `id` is what people call it, a CVE where there is one; `aliases`
    are its other names. `fixed_version` is the lowest above the installed one, None where nobody knows.

    `path` is the evidence in the image and `layer` the diffID that brought it. `cvss` is the base score. `published` is
    seconds since 1970. `known_exploited`: attacks were seen. `suppressed_by` names the exception that hides it from
    counts and gates. `scanners` are those that say so.
    """

    id: str
    severity: Severity
    package: str
    version: str
    fixed_version: str | None = None
    description: str = ""
    aliases: tuple[str, ...] = ()
    type: str = ""
    purl: str = ""
    fix_state: FixState = FixState.UNKNOWN
    cvss: float | None = None
    link: str = ""
    path: str = ""
    layer: Digest | None = None
    published: float | None = None
    known_exploited: bool = False
    suppressed_by: str | None = None
    scanners: tuple[str, ...] = ()

    @property
    def key(self) -> FindingKey:
        """Equal where it is the same finding."""
        return self.id, self.package, self.version, self.path

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is called, its id first, each once."""
        return tuple(dict.fromkeys((self.id, *self.aliases)))

    @property
    def hidden(self) -> bool:
        """Whether it counts no more, as an exception hides it."""
        return self.suppressed_by is not None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was looked at. `packages` is how many the image has, `matched` how many were held against data, `owned` how
    many of those in a language's own form belong to a distribution's package and were left to its data.

    `not_evaluated` counts, by kind or cause, those that were held against nothing. `built` says of what time the data
    is, by source, in seconds since 1970. `distribution` is in words: `Debian 12`.
    """

    distribution: str = ""
    packages: int = 0
    matched: int = 0
    owned: int = 0
    not_evaluated: Mapping[str, int] = field(default_factory=dict)
    built: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def assessed(self) -> bool:
        """Whether anything was held against data. What a distribution's package owns does not count: where that one
        was not held against data, neither was what it owns."""
        return not self.packages or self.matched > 0


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scanner says of one image. `started` is seconds since 1970, `duration` seconds. `built` is of what time
    its data is. `error` is why it failed, or was skipped."""

    scanner: str
    version: str
    status: ScanStatus
    started: float
    duration: float
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    built: float | None = None
    error: str = ""

    @property
    def summary(self) -> Mapping[Severity, int] | None:
        """How many findings of each severity, without those suppressed. None where it failed: nobody knows."""
        return counted(self.findings) if self.status.sound else None


def counted(findings: Sequence[Finding]) -> Mapping[Severity, int]:
    """By severity, every severity named; suppressed ones do not count."""
    standing = [finding.severity for finding in findings if not finding.hidden]
    return {severity: standing.count(severity) for severity in Severity}


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In the order in which people read them."""
    return tuple(sorted(findings, key=lambda each: (-each.severity.rank, each.key)))


class ScanStage(StrEnum):
    """Where a scan stands (facts: scanning §6, Progress)."""

    CHECKING = "checking"
    UPDATING = "updating-db"
    ANALYZING = "analyzing"
    MATCHING = "matching"
    PARSING = "parsing"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is, in percent of the whole; it never goes back."""

    stage: ScanStage
    message: str
    percent: int
    scanner: str = ""


ScanReport = Callable[[ScanProgress], None]
"""Takes what a scan tells, from any thread; returns at once and never raises."""


@dataclass(frozen=True, slots=True)
class ViewedLayer:
    """A layer from the base up. `descriptor` is None where only a daemon has it. It is `proven` where whoever holds the
    content vouches for its digest: our own store, which has checked it, a registry, whose bytes are checked as they
    come; not a folder or an archive that anybody may have made."""

    diff_id: Digest
    descriptor: Descriptor | None
    proven: bool = True


class ImageView(Protocol):
    """One image, for one platform, as a scanner reads it."""

    @property
    def id(self) -> str:
        """As its environment calls it."""

    @property
    def name(self) -> str:
        """As people call it."""

    @property
    def manifest(self) -> Digest | None:
        """Of this platform; None where only a daemon has it."""

    @property
    def config(self) -> Digest:
        """What names the image's content whatever its layers' compression."""

    @property
    def platform(self) -> Platform:
        """What it runs on."""

    @property
    def layers(self) -> Sequence[ViewedLayer]:
        """From the base up."""

    def open(self, layer: ViewedLayer) -> Reader:
        """The layer as it is kept, compressed or not. Raises ContentUnknown."""

    def layout(self) -> AbstractContextManager[Path]:
        """A folder that is an OCI layout of this one manifest, gone afterwards; no colon is in its path. Hard links to
        our own blobs where that can be. Raises StorageFailed."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a scanner can work now; `reason` says why it cannot. `built` is of what time its data is, in seconds
    since 1970, None while it has none."""

    available: bool
    version: str = ""
    built: float | None = None
    reason: str = ""


class Scanner(Protocol):
    """For any number of threads; how many scans run at once, it decides itself."""

    @property
    def name(self) -> str:
        """One of ScannerName, `both` and `auto` excepted."""

    def probe(self, cancel: Cancel) -> Probe:
        """Raises Cancelled."""

    def scan(self, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        """Never waits for a download: data is brought up to date apart from scans. Raises ScanFailed, Cancelled."""
