"""What grype and trivy say, read: their own fields, and whatever a hostile image makes of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.scanners import grype_report, trivy_report
from lading.backends.scanners.fixed_versions import lowest_above
from lading.backends.scanners.report_reading import Report, ReportUnreadable, moment, parse_document
from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity

GRYPE: dict[str, Any] = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-aaaa-bbbb-cccc",
                "severity": "High",
                "urls": [],
                "cvss": [
                    {"version": "2.0", "metrics": {"baseScore": 10.0}},
                    {"version": "3.1", "metrics": {"baseScore": 7.5}},
                ],
                "dataSource": "https://example.test/a",
                "fix": {"versions": ["1.4.9", "2.0.3"], "state": "fixed"},
                "advisories": [],
                "risk": 0.4,
            },
            "relatedVulnerabilities": [
                {"id": "CVE-2099-0001", "dataSource": "", "urls": [], "cvss": [], "description": "demo text"}
            ],
            "matchDetails": [
                {"type": "exact-direct-match", "matcher": "python-matcher", "fix": {"suggestedVersion": "2.0.3"}}
            ],
            "artifact": {
                "name": "demo",
                "version": "2.0.1",
                "type": "python",
                "locations": [{"path": "/app/METADATA"}],
                "purl": "pkg:pypi/demo@2.0.1",
            },
        }
    ],
    "source": {"type": "image", "target": {}},
    "distro": {"name": "debian", "version": "12"},
    "descriptor": {
        "name": "grype",
        "version": "0.116.0",
        "db": {"status": {"built": "2026-11-20T01:02:03Z"}, "providers": {"debian": {}, "rhel": {}}},
    },
}
TRIVY: dict[str, Any] = {
    "SchemaVersion": 2,
    "ArtifactName": "layout",
    "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}},
    "Results": [
        {"Target": "layout (debian 12.5)", "Class": "os-pkgs", "Type": "debian", "Packages": [{}, {}]},
        {
            "Target": "Python",
            "Class": "lang-pkgs",
            "Type": "python-pkg",
            "Packages": [{}],
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2099-0001",
                    "PkgName": "demo",
                    "InstalledVersion": "2.0.1",
                    "FixedVersion": "1.4.9, 2.0.3",
                    "Status": "fixed",
                    "Severity": "HIGH",
                    "Title": "demo",
                }
            ],
        },
    ],
}


def grype(change: dict[str, Any] | None = None, packages: int | None = 3) -> Report:
    """Of the sample, with other members of its one vulnerability."""
    document = copy.deepcopy(GRYPE)
    document["matches"][0]["vulnerability"] |= change or {}
    return grype_report.read_report(document, packages)


def trivy(change: dict[str, Any] | None = None) -> Report:
    """The same."""
    document = copy.deepcopy(TRIVY)
    document["Results"][1]["Vulnerabilities"][0] |= change or {}
    return trivy_report.read_report(document)


def test_grype_says_what_is_wrong() -> None:
    [finding] = grype().findings

    assert (finding.id, finding.aliases) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc",))
    assert (finding.severity, finding.cvss, finding.fix_state) == (Severity.HIGH, 7.5, FixState.FIXED)
    assert (finding.fixed_version, finding.description) == ("2.0.3", "demo text")
    assert (finding.path, finding.type, finding.link) == ("app/METADATA", "pypi", "https://example.test/a")


@pytest.mark.parametrize("severity", ["", "Odd", 7, None])
def test_a_severity_that_is_none_is_unknown(severity: object) -> None:
    assert grype({"severity": severity}).findings[0].severity is Severity.UNKNOWN
    assert trivy({"Severity": severity}).findings[0].severity is Severity.UNKNOWN


def test_an_older_grype_suggests_nothing() -> None:
    document = copy.deepcopy(GRYPE)
    del document["matches"][0]["matchDetails"][0]["fix"]

    assert grype_report.read_report(document, 3).findings[0].fixed_version == "2.0.3"


def test_an_advisory_of_several_keeps_its_name() -> None:
    document = copy.deepcopy(GRYPE)
    document["matches"][0]["vulnerability"]["id"] = "ALAS-2099-1"
    document["matches"][0]["relatedVulnerabilities"].append({"id": "CVE-2099-0002"})

    [finding] = grype_report.read_report(document, 3).findings

    assert (finding.id, finding.aliases) == ("ALAS-2099-1", ("CVE-2099-0001", "CVE-2099-0002"))


def test_attacks_that_were_seen_are_told() -> None:
    assert grype({"knownExploited": [{"cve": "CVE-2099-0001"}]}).findings[0].known_exploited


@pytest.mark.parametrize(
    ("distro", "partial"),
    [("debian", False), ("rockylinux", False), ("opensuseleap", True), ("", False), ("amazonlinux", True)],
)
def test_a_distribution_of_which_grype_has_no_data_makes_it_partial(distro: str, partial: bool) -> None:
    document = GRYPE | {"distro": {"name": distro, "version": "15"}}

    report = grype_report.read_report(document, 3)

    assert report.partial is partial
    assert any("Not assessed" in note for note in report.coverage.notes) is partial
    assert (report.coverage.packages, report.coverage.matched) == (3, 0 if partial else 3)


def test_what_grype_does_not_say_is_told() -> None:
    report = grype_report.read_report(GRYPE | {"distro": {}}, None)

    assert report.coverage.notes == (
        "grype did not say how many packages it looked at.",
        "grype recognised no distribution.",
    )


def test_the_end_of_a_distributions_support_is_told() -> None:
    ended = [{"package": {}, "alerts": [{"type": "distro-eol", "message": "x"}]}] * 2

    report = grype_report.read_report(GRYPE | {"alertsByPackage": ended}, 3)

    assert report.coverage.notes == ("2 packages are of a distribution that is no longer supported: debian 12.",)


def test_trivy_says_what_is_wrong() -> None:
    [finding] = trivy().findings

    assert (finding.id, finding.description, finding.fixed_version) == ("CVE-2099-0001", "demo", "2.0.3")
    assert (finding.type, finding.path, finding.severity) == ("pypi", "", Severity.HIGH)
    assert trivy().coverage.packages == trivy().coverage.matched == 3


@pytest.mark.parametrize(
    ("status", "fixed", "state"),
    [
        ("fixed", "2", FixState.FIXED),
        ("affected", "", FixState.NOT_FIXED),
        ("will_not_fix", "", FixState.WONT_FIX),
        ("fix_deferred", "", FixState.NOT_FIXED),
        ("end_of_life", "", FixState.WONT_FIX),
        ("under_investigation", "", FixState.UNKNOWN),
        ("", "2", FixState.FIXED),
        ("", "", FixState.UNKNOWN),
    ],
)
def test_a_status_of_trivy(status: str, fixed: str, state: FixState) -> None:
    [finding] = trivy({"Status": status, "FixedVersion": fixed}).findings

    assert (finding.fix_state, finding.fixed_version) == (state, fixed or None)


def test_only_names_of_the_same_thing_are_aliases() -> None:
    names = ["GHSA-aaaa-bbbb-cccc", "RHSA-2099:1", "DSA-1-1"]

    assert trivy({"VendorIDs": names}).findings[0].aliases == ("GHSA-aaaa-bbbb-cccc",)


def test_whose_rating_counts() -> None:
    rated = {"nvd": {"V3Score": 9.8}, "redhat": {"V3Score": 5.5}, "odd": 7}

    assert trivy({"CVSS": rated, "SeveritySource": "redhat"}).findings[0].cvss == 5.5
    assert trivy({"CVSS": rated, "SeveritySource": "debian"}).findings[0].cvss == 9.8


def test_a_binary_is_its_own_evidence() -> None:
    document = copy.deepcopy(TRIVY)
    document["Results"][1] |= {"Target": "usr/bin/app", "Type": "gobinary"}

    assert trivy_report.read_report(document).findings[0].path == "usr/bin/app"


def test_a_distribution_that_trivy_does_not_know_makes_it_partial() -> None:
    document = TRIVY | {"Metadata": {"OS": {"Family": "arch", "Name": "rolling"}}, "Results": TRIVY["Results"][1:]}

    report = trivy_report.read_report(document)

    assert report.partial
    assert report.coverage.notes == (
        "Not assessed: trivy has no data of arch rolling; its packages were held against none.",
    )


def test_kinds_that_trivy_only_lists_are_not_matched() -> None:
    listed = {"Target": "Conda", "Class": "lang-pkgs", "Type": "conda-pkg", "Packages": [{}, {}]}

    coverage = trivy_report.read_report(TRIVY | {"Results": [*TRIVY["Results"], listed]}).coverage

    assert (coverage.packages, coverage.matched, coverage.not_evaluated) == (5, 3, {"conda-pkg": 2})


def test_an_image_without_anything_is_sound() -> None:
    report = trivy_report.read_report({"SchemaVersion": 2, "ArtifactName": "layout"})

    assert (report.findings, report.partial) == ((), False)
    assert report.coverage.notes == ("trivy recognised no distribution.",)


def test_the_same_finding_twice_is_one() -> None:
    document = copy.deepcopy(TRIVY)
    found = document["Results"][1]["Vulnerabilities"]
    found.append(found[0] | {"Severity": "CRITICAL"})

    [finding] = trivy_report.read_report(document).findings

    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"[]", "no JSON object"),
        (b'{"matches": [', "cut off"),
        (b'{"a": 1} {"b": 2}', "cut off"),
        (b'{"a": ' + b"[" * 100_000, "cut off"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "cut off"),
    ],
)
def test_what_is_no_report_is_none(content: bytes, why: str) -> None:
    with pytest.raises(ReportUnreadable, match=why):
        parse_document(content)


def test_reports_of_another_form_are_none() -> None:
    with pytest.raises(ReportUnreadable):
        grype_report.read_report({"matches": None}, 3)
    with pytest.raises(ReportUnreadable):
        trivy_report.read_report({"SchemaVersion": 1})


def test_lines_before_the_report_are_passed_over() -> None:
    assert parse_document(b'2026 INFO {"x"}\n{"a": 1}\n') == {"a": 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(alphabet="\0\ud800a<= .,:-1", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=6,
)


def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """The same with members that are something else here and there."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    if isinstance(value, dict):
        return {name: spoilt(draw, inner) for name, inner in value.items()}
    return [spoilt(draw, inner) for inner in value] if isinstance(value, list) else value


@st.composite
def spoilt_reports(draw: st.DrawFn) -> tuple[Any, Any]:
    return spoilt(draw, GRYPE), spoilt(draw, TRIVY)


def _read_grype(document: Mapping[str, object]) -> Report:
    return grype_report.read_report(document, 1)


@given(spoilt_reports())
def test_whatever_stands_in_a_report_it_is_read_or_refused(reports: tuple[Any, Any]) -> None:
    for document, read in zip(reports, (_read_grype, trivy_report.read_report), strict=True):
        if isinstance(document, dict):
            try:
                report = read(parse_document(json.dumps(document).encode()))
            except ReportUnreadable:
                continue
            for finding in report.findings:
                written = f"{finding.id}{finding.package}{finding.version}{finding.description}{finding.path}"
                assert "\0" not in written
                written.encode()


@pytest.mark.parametrize(
    ("kind", "installed", "candidates", "lowest"),
    [
        ("pypi", "2.0.1", ["1.4.9", "2.0.3"], "2.0.3"),
        ("npm", "3.0.1", ["3.1.0", "2.6.9"], "3.1.0"),
        ("cargo", "1.9.0", [">= 3.1.0", ">= 2.1.3", "< 3.0.0"], "2.1.3"),
        ("deb", "1:1.0-1", ["1:1.0-1+deb12u1", "1:2.0-1"], "1:1.0-1+deb12u1"),
        ("pypi", "9", ["1", "2"], "2"),
        ("odd", "1", ["2", "3"], "2, 3"),
        ("pypi", "not a version!", ["2", "3"], "2, 3"),
        ("pypi", "1", [], None),
        ("pypi", "1", ["< 3"], None),
    ],
)
def test_the_lowest_fixed_version_above(kind: str, installed: str, candidates: list[str], lowest: str | None) -> None:
    assert lowest_above(kind, installed, candidates) == lowest


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-20T01:02:03Z", 1795136523.0),
        ("2026-11-20T01:02:03.123456789Z", 1795136523.0),
        ("2026-11-20T02:02:03+01:00", 1795136523.0),
        ("0001-01-01T00:00:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times(written: str, seconds: float | None) -> None:
    assert moment({"at": written}, "at") == seconds


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "/etc/passwd", "https://x\u202e/", ""])
def test_a_link_that_is_no_address_of_the_web_is_left_out(link: str) -> None:
    assert grype({"dataSource": link, "urls": [link]}).findings[0].link == ""
    assert trivy({"PrimaryURL": link}).findings[0].link == ""
