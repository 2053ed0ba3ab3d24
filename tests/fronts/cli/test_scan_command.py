"""`lading scan` and `lading sbom`: what is told, and what the exit code says."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.package import OsRelease, Package, PackageType
from lading.oci.digest import Digest
from lading.services.findings.scanner import Coverage, ScanFailed, ScanStatus
from tests.fakes.application import Call, MemoryApplication
from tests.fakes.images import put_image
from tests.fakes.scan_bench import OPENSSL, ZLIB

WEB = "docker.io/library/web:1"


@pytest.fixture
def application() -> MemoryApplication:
    application = MemoryApplication()
    put_image(application.places.own, [b"layer"], tag=WEB, diff_ids=[Digest.of(b"layer")])
    application.scanner.findings = (OPENSSL, ZLIB)
    return application


def scan(application: MemoryApplication, *arguments: str) -> Call:
    return Call(application, ["scan", "web:1", *arguments])


def test_findings_are_a_table_and_what_was_looked_at_stands_below(application: MemoryApplication) -> None:
    lines = scan(application).out.splitlines()

    assert lines[0].split() == ["SEVERITY", "ID", "PACKAGE", "INSTALLED", "FIXED", "IN"]
    assert lines[1].split() == ["high", "CVE-2099-0001", "openssl", "1.1.1", "1.1.1w"]
    assert lines[2].split() == ["low", "CVE-2099-0002", "zlib", "1.2", "unknown"]
    assert lines[4] == f"{WEB} (linux/amd64) by osv 1"
    assert lines[5] == "2 findings: 1 high, 1 low; 1 with a fix"
    assert lines[6] == "Looked at 142 of 142 packages (data of 2023-11-14)"


def test_json_is_one_scan_result(application: MemoryApplication) -> None:
    told = scan(application, "--format", "json").json

    assert told["imageName"] == WEB
    assert (told["scanner"], told["status"], told["scanDuration"]) == ("osv", "ok", 8500)
    assert told["summary"] == {"critical": 0, "high": 1, "medium": 0, "low": 1, "negligible": 0, "unknown": 0}
    assert [each["id"] for each in told["vulnerabilities"]] == ["CVE-2099-0001", "CVE-2099-0002"]


def test_nothing_found_is_never_said_without_what_was_looked_at(application: MemoryApplication) -> None:
    application.scanner.findings = ()

    assert "No known vulnerabilities in 142 of 142 packages (data of 2023-11-14)" in scan(application).out


@pytest.mark.parametrize(
    ("bar", "code"), [("critical", 0), ("high", 9), ("medium", 9), ("low", 9), ("negligible", 9), ("unknown", 9)]
)
def test_findings_at_the_bar_or_above_exit_9(application: MemoryApplication, bar: str, code: int) -> None:
    call = scan(application, "--fail-on", bar)

    assert call.code == code
    assert ("error: " in call.err) is (code == 9)


def test_the_error_names_the_worst_and_what_would_mend_it(application: MemoryApplication) -> None:
    error, _, advice = scan(application, "--fail-on", "low", "--progress", "none").err.splitlines()

    assert error == "error: 2 findings at low or above: CVE-2099-0001 in openssl 1.1.1, CVE-2099-0002 in zlib 1.2"
    assert advice == "try:   Build it again with newer packages: that mends 1 of 2."


def test_fixable_leaves_out_what_nobody_has_mended(application: MemoryApplication) -> None:
    told = scan(application, "--fixable", "--format", "json").json

    assert [each["id"] for each in told["vulnerabilities"]] == ["CVE-2099-0001"]
    assert told["summary"]["low"] == 0
    application.scanner.findings = (ZLIB,)
    assert scan(application, "--fixable", "--fail-on", "low").code == 0


def test_what_somebody_answers_for_does_not_fail(application: MemoryApplication) -> None:
    application.scanner.findings = (replace(OPENSSL, suppressed_by="exception 3"),)

    call = scan(application, "--fail-on", "low")

    assert call.code == 0
    assert "high (suppressed)" in call.out


def test_a_scanner_that_fails_is_a_failure(application: MemoryApplication) -> None:
    application.scanner.error = ScanFailed("osv", "a layer cannot be read")

    call = scan(application)

    assert call.code == 1
    assert "error: osv: a layer cannot be read" in call.err
    assert "try:   Take another one: --scanner osv, grype or trivy" in call.err


def test_what_a_finding_calls_its_layer_stands_in_the_history(application: MemoryApplication) -> None:
    (step,) = Call(application, ["--format", "json", "history", "web:1"]).json

    assert step["diffId"] == str(Digest.of(b"layer"))


@pytest.mark.parametrize(
    ("coverage", "fails", "told"),
    [
        (Coverage("Arch Linux", 12, 0, not_evaluated={"Arch Linux has no feed": 12}), 1, "Not assessed"),
        (Coverage("Debian 12", 12, 9, not_evaluated={"maven": 3}), 0, "9 of 12 packages"),
    ],
)
def test_an_image_that_was_not_assessed_does_not_pass(
    application: MemoryApplication, coverage: Coverage, fails: int, told: str
) -> None:
    application.scanner.findings, application.scanner.status = (), ScanStatus.PARTIAL
    application.scanner.coverage = coverage

    shown, judged = scan(application), scan(application, "--fail-on", "critical")

    assert (shown.code, judged.code) == (0, fails)
    assert told in shown.out
    assert told in judged.err


def test_more_data_is_no_advice_for_an_image_without_packages(application: MemoryApplication) -> None:
    application.scanner.findings, application.scanner.status = (), ScanStatus.SKIPPED
    application.scanner.coverage = Coverage(packages=3, not_evaluated={"deb: no data": 3}, notes=("No data.",))
    assert "lading advisories update, or import" in scan(application).err

    application.scanner.coverage = Coverage(notes=("No package was recognised in the image.",))
    told = scan(application)

    assert told.code == 1
    assert "lading advisories" not in told.err
    assert "why:   It has no package of a kind that is read." in told.err


def test_an_image_that_is_not_here_nor_in_its_registry_is_named(application: MemoryApplication) -> None:
    call = Call(application, ["scan", "nothing:1"])

    assert call.code == 5
    assert "nothing:1" in call.err


def test_other_programs_get_files(application: MemoryApplication) -> None:
    table = list(csv.DictReader(io.StringIO(scan(application, "--export", "csv").out)))
    sarif = json.loads(scan(application, "--export", "sarif").out)
    bill = json.loads(scan(application, "--export", "cyclonedx").out)

    assert [row["id"] for row in table] == ["CVE-2099-0001", "CVE-2099-0002"]
    assert [each["ruleId"] for each in sarif["runs"][0]["results"]] == ["CVE-2099-0001", "CVE-2099-0002"]
    assert [each["id"] for each in bill["vulnerabilities"]] == ["CVE-2099-0001", "CVE-2099-0002"]


def test_a_file_for_other_programs_that_is_asked_for_as_a_format_is_told_its_option(
    application: MemoryApplication,
) -> None:
    told = scan(application, "--format", "sarif")

    assert told.code == 2
    assert "try:   As a file for other programs a scan is printed by --export sarif" in told.err


def test_sbom_lists_what_is_installed_and_warns_of_what_it_could_not_read(application: MemoryApplication) -> None:
    layer = Digest.of(b"layer")
    package = Package(PackageType.DEB, "zlib1g", "1:1.2.13", "var/lib/dpkg/status", source_name="zlib")
    application.inventories.found = ImageInventory(
        OsRelease("debian", "12"), (Installed(package, layer),), ("app/broken.jar: it is no zip archive",)
    )

    call = Call(application, ["sbom", "web:1"])

    bill = json.loads(call.out)
    assert call.code == 0
    assert bill["specVersion"] == "1.6"
    assert [each["name"] for each in bill["components"]] == ["debian", "zlib1g"]
    assert bill["metadata"]["component"]["name"] == WEB
    assert bill["compositions"][0]["aggregate"] == "incomplete"
    assert "app/broken.jar: it is no zip archive" in call.err
