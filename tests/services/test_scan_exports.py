"""Scans for other programs: valid by their own rules, whatever the findings say of themselves."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cyclonedx.schema._res
import jsonschema_rs
import pytest
from cyclonedx.model.bom import Bom
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.fix_state import FixState
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.package import OsRelease, Package, PackageType
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.scanner import Coverage, Finding, ScanResult, ScanStatus
from lading.services.gates.records import ExceptionRow
from lading.services.gates.statements import Justification, Status
from lading.services.scans.cyclonedx import BillSubject, bill_of_materials
from lading.services.scans.exports import COLUMNS, csv_text
from lading.services.scans.sarif import sarif_json

NOW = 1_800_000_000.0
LAYER = Digest.of(b"layer")
SUBJECT = BillSubject("registry.example/team/app:1", Digest.of(b"manifest"), "linux/amd64")
OPENSSL = Package(PackageType.DEB, "openssl", "3.0.1", "var/lib/dpkg/status", architecture="amd64", licenses=("GPL",))
INVENTORY = ImageInventory(
    OsRelease("debian", "12"),
    (
        Installed(OPENSSL, LAYER),
        Installed(Package(PackageType.PYPI, "jinja2", "2.0", "usr/lib/a/METADATA"), LAYER, "python3-jinja2"),
        Installed(Package(PackageType.PYPI, "jinja2", "2.0", "app/b/METADATA"), LAYER),
        Installed(Package(PackageType.MAVEN, "log4j", "2.0", "app.jar", namespace="org.apache"), LAYER),
    ),
)
JINJA = Finding(
    "CVE-2026-1",
    Severity.NEGLIGIBLE,
    "jinja2",
    "2.0",
    "3.0",
    "described",
    ("GHSA-x", "PYSEC-1"),
    "pypi",
    "pkg:pypi/jinja2@2.0",
    FixState.FIXED,
    7.5,
    "https://example.test/a b",
    "app/b/METADATA",
    LAYER,
    NOW,
    True,
)
ELSEWHERE = Finding("CVE-2026-2", Severity.UNKNOWN, "zlib", "1")
ANSWER = ExceptionRow(
    1, "CVE-2026-1", Status.NOT_AFFECTED, "why", "ann", NOW, justification=Justification.COMPONENT_NOT_PRESENT
)


def answers(finding: Finding) -> ExceptionRow | None:
    return ANSWER if finding.id == ANSWER.vulnerability else None


# ── CycloneDX


@pytest.fixture(scope="module")
def schema() -> Any:  # what the library gives has no type of ours
    """CycloneDX's own, as its library carries it."""
    folder = Path(cyclonedx.schema._res.__file__).parent

    def retrieve(uri: str) -> Any:
        return json.loads((folder / uri.rpartition("/")[2]).read_text())

    return jsonschema_rs.validator_for(retrieve("/bom-1.6.SNAPSHOT.schema.json"), retriever=retrieve)


@pytest.mark.parametrize("inventory", [INVENTORY, None])
@pytest.mark.parametrize("findings", [(), (JINJA, ELSEWHERE)])
def test_a_bill_of_materials_is_valid(
    schema: Any, inventory: ImageInventory | None, findings: tuple[Finding, ...]
) -> None:
    bill = bill_of_materials(SUBJECT, inventory, NOW, findings, answers)

    schema.validate(bill)
    read = Bom.from_json(bill)  # type: ignore[attr-defined]  # the library's serializer adds it
    assert len(read.vulnerabilities) == len(findings)
    assert read.metadata.component.name == SUBJECT.name


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("justification", [None, *Justification])
def test_every_answer_has_an_analysis(schema: Any, status: Status, justification: Justification | None) -> None:
    answer = ExceptionRow(1, "CVE-2026-1", status, "why", "ann", NOW, justification=justification)

    schema.validate(bill_of_materials(SUBJECT, INVENTORY, NOW, (JINJA,), lambda _: answer))


def test_a_finding_is_about_the_package_of_its_place() -> None:
    bill: Any = bill_of_materials(SUBJECT, INVENTORY, NOW, (JINJA, ELSEWHERE), answers)

    parts = {each["bom-ref"]: each for each in bill["components"]}
    (jinja,) = (parts[ref["ref"]] for ref in bill["vulnerabilities"][0]["affects"])
    assert {"name": "lading:path", "value": "app/b/METADATA"} in jinja["properties"]
    assert parts[bill["vulnerabilities"][1]["affects"][0]["ref"]]["name"] == "zlib"
    assert bill["vulnerabilities"][0]["analysis"]["state"] == "not_affected"
    assert "analysis" not in bill["vulnerabilities"][1]
    owned = next(
        each
        for each in bill["components"]
        if {"name": "lading:ownedBy", "value": "python3-jinja2"} in each.get("properties", ())
    )
    assert owned["name"] == "jinja2"


def test_the_same_image_has_the_same_serial_number_whenever_it_is_asked() -> None:
    first, second = (bill_of_materials(SUBJECT, INVENTORY, at)["serialNumber"] for at in (NOW, NOW + 1))

    assert first == second
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", str(first))


# ── SARIF


def check_sarif(log: Any, findings: int) -> None:
    """The parts that the schema of SARIF 2.1.0 requires, and what its prose says of indexes."""
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(run["results"]) == findings
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._/@~!$&'()*+,;=%-]+", uri)
        assert location["physicalLocation"]["region"]["startLine"] == 1
        for suppression in result.get("suppressions", ()):
            assert suppression["kind"] in {"inSource", "external"}
            assert suppression["status"] in {"accepted", "underReview", "rejected"}
    json.dumps(log, allow_nan=False)


def test_sarif_keeps_what_is_suppressed_and_says_what_was_not_looked_at() -> None:
    hidden = replace(JINJA, suppressed_by="exception 1: not_affected")
    coverage = Coverage("Debian 12", 3, 1, not_evaluated={"gem": 2})
    result = ScanResult("osv", "1", ScanStatus.PARTIAL, NOW, 1.0, (hidden, ELSEWHERE), coverage)
    log: Any = sarif_json(SUBJECT.name, SUBJECT.digest, result, answers)

    check_sarif(log, 2)
    first, second = log["runs"][0]["results"]
    assert first["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "why"}]
    assert "suppressions" not in second
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is True
    assert "gem" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_failed_scan_is_no_empty_success() -> None:
    failed = ScanResult("osv", "1", ScanStatus.FAILED, NOW, 1.0, error="it hung")
    log: Any = sarif_json(SUBJECT.name, SUBJECT.digest, failed, answers)

    check_sarif(log, 0)
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False


# ── whatever strangers write

TEXTS = st.text(max_size=12)
FINDINGS = st.builds(
    Finding,
    TEXTS,
    st.sampled_from(Severity),
    TEXTS,
    TEXTS,
    st.none() | TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
    purl=TEXTS,
    link=TEXTS | TEXTS.map("https://example.test/{}".format),
    path=TEXTS,
    published=st.none() | st.floats(0, 4e9),
    cvss=st.none() | st.floats(0, 10),
)


@given(findings=st.lists(FINDINGS, max_size=4).map(tuple))
def test_every_finding_can_be_written(schema: Any, findings: tuple[Finding, ...]) -> None:
    result = ScanResult("osv", "1", ScanStatus.OK, NOW, 1.0, findings)
    log: Any = sarif_json("app:1", SUBJECT.digest, result, lambda _: None)
    bill: Any = bill_of_materials(SUBJECT, None, NOW, findings)

    check_sarif(log, len(findings))
    schema.validate(bill)
    assert len(bill.get("vulnerabilities", ())) == len(findings)
    refs = {each["bom-ref"] for each in bill["components"]}
    assert len(refs) == len(bill["components"])
    assert all(each["affects"][0]["ref"] in refs for each in bill.get("vulnerabilities", ()))
    json.dumps([log, bill], allow_nan=False).encode()


@given(st.lists(FINDINGS, max_size=4))
def test_no_cell_of_a_table_is_a_formula(findings: list[Finding]) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(findings))))

    assert rows[0] == list(COLUMNS)
    assert len(rows) == len(findings) + 1
    assert not any(cell.lstrip().startswith(tuple("=+-@＝＋－＠\t\r")) for row in rows[1:] for cell in row)


def test_a_hostile_package_is_no_formula() -> None:
    hostile = Finding("CVE-2026-1", Severity.HIGH, "=HYPERLINK(1)", "\t@x", path="-1+1")
    _, row = csv.reader(io.StringIO(csv_text([hostile])))

    assert (
        dict(zip(COLUMNS, row, strict=True)).items()
        >= {"package": "'=HYPERLINK(1)", "version": "'@x", "path": "'-1+1"}.items()
    )
