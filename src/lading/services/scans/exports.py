"""A kept scan as other programs read it: JSON, a table, SARIF, CycloneDX with VEX, and OpenVEX alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from lading.inventory.layer import ImageInventory
from lading.oci.digest import Digest
from lading.oci.instants import moment_text
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.access import Actor
from lading.services.csv_tables import record
from lading.services.findings.rows import ScanRow
from lading.services.findings.scanner import Finding
from lading.services.gates.exception_matching import in_force, is_about, stands
from lading.services.gates.openvex import image_product, statement_json, vex_document
from lading.services.gates.records import ExceptionRow, GateRecords
from lading.services.gates.scans import subject_names
from lading.services.scans.cyclonedx import BillSubject, bill_of_materials
from lading.services.scans.json import scan_json
from lading.services.scans.lists import ScanLists
from lading.services.scans.sarif import sarif_json

COLUMNS = (
    "id",
    "severity",
    "package",
    "version",
    "fixedVersion",
    "fixState",
    "aliases",
    "cvss",
    "knownExploited",
    "publishedAt",
    "purl",
    "path",
    "layer",
    "suppressedBy",
    "link",
    "description",
)
"""Of a table: a line for each finding, those that are suppressed too."""


class ScanFormat(StrEnum):
    """What a scan is written as."""

    JSON = "json"
    CSV = "csv"
    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"
    OPENVEX = "openvex"


MEDIA_TYPES: Mapping[ScanFormat, str] = {
    ScanFormat.JSON: "application/json",
    ScanFormat.CSV: "text/csv; charset=utf-8",
    ScanFormat.SARIF: "application/sarif+json",
    ScanFormat.CYCLONEDX: "application/vnd.cyclonedx+json; version=1.6",
    ScanFormat.OPENVEX: "application/json",
}

ENDINGS: Mapping[ScanFormat, str] = {
    ScanFormat.JSON: "json",
    ScanFormat.CSV: "csv",
    ScanFormat.SARIF: "sarif",
    ScanFormat.CYCLONEDX: "cdx.json",
    ScanFormat.OPENVEX: "openvex.json",
}
"""How a file of it is called at its end."""


@dataclass(frozen=True, slots=True)
class ScanExports:
    """For any number of threads. `kept` gives what was read of an image by its config, `clock` seconds since 1970."""

    scans: ScanLists
    records: GateRecords
    kept: Callable[[Digest], ImageInventory | None]
    clock: Callable[[], float]

    def export(self, actor: Actor, id: int, format: ScanFormat) -> str:  # noqa: A002  the query's own words
        """Raises RowUnknown, also where it may not be seen; Denied, StorageFailed."""
        row = self.scans.get(actor, id)
        match format:
            case ScanFormat.JSON:
                return json_text(scan_json(row))
            case ScanFormat.CSV:
                return csv_text(row.result.findings)
        now = self.clock()
        answers = _Answers(row, self.records.exceptions(), now)
        subject = row.subject
        match format:
            case ScanFormat.SARIF:
                return json_text(sarif_json(subject.name, subject.digest, row.result, answers.hiding))
            case ScanFormat.OPENVEX:
                return json_text(answers.document(actor.name, now))
            case _:
                bill = BillSubject(subject.name, subject.digest, subject.platform)
                inventory = self.kept(subject.config)
                return json_text(bill_of_materials(bill, inventory, now, row.result.findings, answers.hiding))


class _Answers:
    """What people say of the findings of one scan, at one time."""

    def __init__(self, row: ScanRow, exceptions: Collection[ExceptionRow], now: float) -> None:
        self._row, self._image = row, subject_names(row.subject)
        self._standing = [each for each in exceptions if stands(each, now)]
        self._now = now

    def hiding(self, finding: Finding) -> ExceptionRow | None:
        """One that hides the finding, or else one that only says something of it."""
        said = [each for each in self._standing if is_about(each, self._image, finding)]
        return next((each for each in said if in_force(each, self._now)), next(iter(said), None))

    def document(self, author: str, now: float) -> Mapping[str, object]:
        """What is said of this image alone, as OpenVEX: by its digest, so that nobody takes it for another's."""
        statements, subject = [], self._row.subject
        product = image_product(f"{_repository(subject.name)}@{subject.digest}")
        for finding in self._row.result.findings:
            answer = self.hiding(finding)
            if answer is not None:
                component = {"@id": finding.purl} if finding.purl else None
                about = {"@id": product, **({"subcomponents": [component]} if component else {})}
                statements.append(statement_json(finding.id, answer, [about], finding.aliases))
        return vex_document(statements, author, now)


def csv_text(findings: Collection[Finding]) -> str:
    """A table with a heading (RFC 4180), in which no cell is taken for a formula."""
    return "".join([record(COLUMNS), *(record(_cells(finding)) for finding in findings)])


def _repository(name: str) -> str:
    """Of an image's name; the name itself where it is none of a repository."""
    try:
        return str(Reference.parse(name).repository)
    except ReferenceInvalid:
        return name


def _cells(finding: Finding) -> tuple[object, ...]:
    return (
        finding.id,
        finding.severity.value,
        finding.package,
        finding.version,
        finding.fixed_version or "",
        finding.fix_state.value,
        " ".join(finding.aliases),
        "" if finding.cvss is None else finding.cvss,
        "yes" if finding.known_exploited else "",
        moment_text(finding.published) or "",
        finding.purl,
        finding.path,
        str(finding.layer or ""),
        finding.suppressed_by or "",
        finding.link,
        finding.description,
    )


def json_text(document: Mapping[str, object]) -> str:
    """A document as a file."""
    return json.dumps(document, separators=(",", ":"))
