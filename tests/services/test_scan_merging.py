"""Results of several scanners as one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.severity import Severity
from lading.services.findings.scanner import Coverage, Finding, ScanResult, ScanStatus
from lading.services.scans.merging import merged

GRYPE = Finding(
    "CVE-2099-0001",
    Severity.HIGH,
    "demo",
    "2.0.1",
    aliases=("GHSA-aaaa-bbbb-cccc",),
    purl="pkg:pypi/demo@2.0.1",
    path="app/METADATA",
    cvss=7.5,
    scanners=("grype",),
)
TRIVY = replace(
    GRYPE,
    severity=Severity.CRITICAL,
    aliases=(),
    fixed_version="2.0.3",
    description="demo text",
    cvss=9.1,
    path="",
    scanners=("trivy",),
)


def result(scanner: str, *findings: Finding, status: ScanStatus = ScanStatus.OK, error: str = "") -> ScanResult:
    return ScanResult(scanner, "1.0", status, 5.0, 2.0, findings, Coverage(packages=3, matched=3), 100.0, error)


def test_what_both_say_is_said_once_with_the_worse_rating() -> None:
    both = merged([result("grype", GRYPE), result("trivy", TRIVY)])

    [finding] = both.findings
    assert (finding.severity, finding.cvss, finding.scanners) == (Severity.CRITICAL, 9.1, ("grype", "trivy"))
    assert (finding.fixed_version, finding.description, finding.path) == ("2.0.3", "demo text", "app/METADATA")
    assert (both.scanner, both.version, both.status) == ("both", "grype 1.0, trivy 1.0", ScanStatus.OK)
    assert (both.duration, both.built) == (4.0, 100.0)


def test_an_alias_makes_it_the_same() -> None:
    by_alias = replace(TRIVY, id="GHSA-aaaa-bbbb-cccc")

    [finding] = merged([result("trivy", by_alias), result("grype", GRYPE)]).findings

    assert (finding.id, finding.aliases) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc",))


def test_another_version_or_package_is_another_finding() -> None:
    others = (replace(TRIVY, version="2.0.2"), replace(TRIVY, package="other", purl="pkg:pypi/other@2.0.1"))

    assert len(merged([result("grype", GRYPE), result("trivy", *others)]).findings) == 3


def test_ways_of_writing_a_package_do_not_count() -> None:
    grype = replace(GRYPE, package="log4j-core", purl="pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1")
    trivy = replace(TRIVY, package="org.apache.logging.log4j:log4j-core", purl=grype.purl)
    red_hat = [
        replace(GRYPE, package="openssl", version="0:1.1-2", purl="pkg:rpm/redhat/openssl@1.1-2?arch=x"),
        replace(TRIVY, package="openssl", version="1.1-2", purl="pkg:rpm/rhel/openssl@1.1-2"),
    ]

    assert len(merged([result("grype", grype, red_hat[0]), result("trivy", trivy, red_hat[1])]).findings) == 2


def test_who_tells_more_places_apart_keeps_them_apart() -> None:
    places = [replace(GRYPE, path=f"app/{number}/METADATA") for number in range(3)]

    findings = merged([result("grype", *places), result("trivy", TRIVY)]).findings

    assert [finding.path for finding in findings] == [each.path for each in places]
    assert {finding.scanners for finding in findings} == {("grype", "trivy")}


def test_an_advisory_of_several_confirms_each() -> None:
    advisory = replace(GRYPE, id="ALAS-2099-1", aliases=("CVE-2099-0001", "CVE-2099-0002"))
    ones = (TRIVY, replace(TRIVY, id="CVE-2099-0002"))

    findings = merged([result("grype", advisory), result("trivy", *ones)]).findings

    assert [finding.id for finding in findings] == ["CVE-2099-0001", "CVE-2099-0002"]


def test_two_advisories_of_one_vulnerability_are_one() -> None:
    ones = [replace(GRYPE, id=f"GHSA-{number}", aliases=("CVE-2099-0001",)) for number in range(2)]

    [finding] = merged([result("grype", *ones)]).findings

    assert (finding.id, finding.aliases) == ("CVE-2099-0001", ("GHSA-0", "GHSA-1"))


def test_one_that_failed_makes_it_partial() -> None:
    failed = result("trivy", status=ScanStatus.FAILED, error="it ended with 1")

    both = merged([result("grype", GRYPE), failed])

    assert (both.status, both.error, len(both.findings)) == (ScanStatus.PARTIAL, "trivy: it ended with 1", 1)
    assert merged([failed]).status is ScanStatus.FAILED
    assert merged([failed]).summary is None
    assert merged([]).status is ScanStatus.FAILED


def test_notes_say_whose_they_are() -> None:
    grype = replace(result("grype"), coverage=Coverage("debian 12", 5, 4, 0, {"julia": 1}, {"grype": 7.0}, ("so",)))

    coverage = merged([grype, result("trivy")]).coverage

    assert coverage == Coverage("debian 12", 5, 4, 0, {"julia": 1}, {"grype": 7.0}, ("grype: so",))


IDS = st.sampled_from(["CVE-1", "CVE-2", "CVE-3", "GHSA-1", "GHSA-2", "ALAS-1"])
FINDINGS = st.builds(
    Finding,
    id=IDS,
    severity=st.sampled_from(Severity),
    package=st.sampled_from(["one", "two"]),
    version=st.sampled_from(["1", "2"]),
    aliases=st.lists(IDS, max_size=2).map(tuple),
    path=st.sampled_from(["", "a", "b"]),
    scanners=st.just(("some",)),
)
TOLD = st.lists(FINDINGS, max_size=6, unique_by=lambda finding: finding.key)


@given(TOLD, TOLD)
def test_nothing_is_lost_and_nothing_is_there_twice(first: list[Finding], second: list[Finding]) -> None:
    both = merged([result("grype", *first), result("trivy", *second)])

    keys = [finding.key for finding in both.findings]
    assert len(keys) == len(set(keys)) <= len(first) + len(second)
    names = {
        (finding.package, finding.version, name) for finding in both.findings for name in (finding.id, *finding.aliases)
    }
    for finding in (*first, *second):
        assert {(finding.package, finding.version, name) for name in (finding.id, *finding.aliases)} <= names
    worst = [finding.severity.rank for finding in both.findings]
    assert max(worst, default=-1) == max((each.severity.rank for each in (*first, *second)), default=-1)
