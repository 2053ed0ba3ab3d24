"""Scans as rows: what was scanned, when, by whom, and what came of it; and the questions that lists ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.scanner import Finding, ScanResult, ScanStatus


class Occasion(StrEnum):
    """Why an image was scanned."""

    PULL = "pull"
    ASKED = "asked"
    ROUND = "round"
    ADVISORIES = "advisories"


@dataclass(frozen=True, slots=True)
class ScanSubject:
    """What was scanned: `image` is the id that its environment has for it, `name` what people call it, `config` what
    names its content whatever its layers' compression. `manifest` is None where only a daemon has it; `platform` is
    `linux/amd64`, as the image says it."""

    environment: int
    image: str
    name: str
    config: Digest
    manifest: Digest | None
    platform: str

    @property
    def digest(self) -> Digest:
        """What other programs know it by: its manifest's, and its config's where only a daemon has it."""
        return self.manifest or self.config


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One scan that is kept. In a list `result` has no findings, so `summary` is kept beside it: how many by severity,
    without those suppressed; None where the scan failed.

    `standing`: no later scan of this image in this environment by this scanner has come to a result.
    """

    id: int
    subject: ScanSubject
    result: ScanResult
    occasion: Occasion
    summary: Mapping[Severity, int] | None
    standing: bool = True


@dataclass(frozen=True, slots=True)
class ScanQuery:
    """Which scans: `environments` None is all of them; of an environment in `limited` only images that are called so.
    `text` is in an image's name or id; `image` is one of them, whole."""

    environments: frozenset[int] | None = None
    limited: Mapping[int, frozenset[str]] = field(default_factory=dict)
    text: str = ""
    image: str | None = None
    config: Digest | None = None
    scanner: str | None = None
    status: ScanStatus | None = None


@dataclass(frozen=True, slots=True)
class FindingQuery:
    """Which findings of the standing scans: `severities` empty is every one. `vulnerability` is an id or an alias, as a
    whole; `text` is in an id or an alias, a package or an image's name. `fixable`: there is a version without it, or
    there is none. `suppressed`: only those an exception hides, or only the others. `environments` and
    `limited`: as in ScanQuery."""

    environments: frozenset[int] | None = None
    limited: Mapping[int, frozenset[str]] = field(default_factory=dict)
    severities: frozenset[Severity] = frozenset()
    vulnerability: str | None = None
    package: str | None = None
    fixable: bool | None = None
    suppressed: bool | None = None
    scanner: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FoundIn:
    """A finding, and the scan and image that it is of."""

    scan: int
    subject: ScanSubject
    finding: Finding
