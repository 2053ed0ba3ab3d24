"""Judging: the word of a policy, by tables and properties."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.scanner import Coverage, Finding, ScanResult, ScanStatus, counted
from lading.services.gates.exception_matching import Judged, in_force, is_about
from lading.services.gates.policy import Action, Handling, Limits, Mode
from lading.services.gates.records import ExceptionRow, PolicyRow
from lading.services.gates.statements import Status
from lading.services.gates.verdicts import Verdict, judge

NOW = 1_800_000_000.0
DAY = 86_400.0
BASELINE = Digest.of(b"what runs now")
IMAGE = Judged(("docker.io/library/app:1", "app:1", "docker.io/library/app", str(Digest.of(b"image"))))


def finding(
    name: str = "CVE-2026-1",
    severity: Severity = Severity.HIGH,
    package: str = "openssl",
    **more: object,
) -> Finding:
    known = Finding(name, severity, package, "1.0", purl=f"pkg:deb/debian/{package}@1.0?arch=amd64")
    return replace(known, **more)  # type: ignore[arg-type]  # fields by name


def result(*findings: Finding, status: ScanStatus = ScanStatus.OK, **more: object) -> ScanResult:
    made = ScanResult("osv", "1", status, NOW, 1.0, findings, built=NOW - 3600)
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


OPEN = Limits()


def policy(limits: Limits = OPEN, mode: Mode = Mode.ENFORCE) -> PolicyRow:
    return PolicyRow(1, "p", Action.PULL, limits=limits, mode=mode)


ACCEPTED = ExceptionRow(7, "CVE-2026-1", Status.ACCEPTED, "known", "ann", NOW - DAY, expires=NOW + DAY)


def judged(
    judging: PolicyRow,
    *results: ScanResult,
    exceptions: Collection[ExceptionRow] = (),
    baseline: Collection[Finding] | None = None,
) -> Verdict:
    return judge(judging, IMAGE, results, exceptions, now=NOW, baseline=baseline)


def names(verdict: Verdict) -> list[str]:
    return [each.id for each in verdict.blocking]


HIGH, LOW, UNKNOWN = finding(), finding("CVE-2026-2", Severity.LOW), finding("CVE-2026-3", Severity.UNKNOWN)
WORST = finding("CVE-2026-4", Severity.CRITICAL)
FIXED = finding("CVE-2026-5", fixed_version="1.1", fix_state=FixState.FIXED)
YOUNG = finding("CVE-2026-6", published=NOW - 2 * DAY)
OLD = finding("CVE-2026-7", published=NOW - 20 * DAY)
SEEN = finding("CVE-2026-8", Severity.LOW, known_exploited=True, published=NOW)


@pytest.mark.parametrize(
    ("limits", "findings", "blocking"),
    [
        (Limits(), [WORST, HIGH], []),
        (Limits(max_severity=Severity.MEDIUM), [LOW, HIGH, WORST, UNKNOWN], ["CVE-2026-4", "CVE-2026-1"]),
        (Limits(max_severity=Severity.HIGH), [HIGH], []),
        (Limits(max_severity=Severity.UNKNOWN), [UNKNOWN, LOW], ["CVE-2026-2"]),
        (Limits(counts={Severity.HIGH: 1}), [HIGH, WORST], []),
        (Limits(counts={Severity.HIGH: 1}), [HIGH, FIXED], ["CVE-2026-1", "CVE-2026-5"]),
        (Limits(counts={Severity.UNKNOWN: 0}), [UNKNOWN], ["CVE-2026-3"]),
        (Limits(max_severity=Severity.LOW, only_fixed=True), [HIGH, FIXED], ["CVE-2026-5"]),
        (Limits(max_severity=Severity.LOW, min_age_days=7), [YOUNG, OLD, HIGH], ["CVE-2026-1", "CVE-2026-7"]),
        (Limits(kev_blocks=True), [SEEN, WORST], ["CVE-2026-8"]),
        (Limits(kev_blocks=True, only_fixed=True, min_age_days=7), [SEEN], ["CVE-2026-8"]),
    ],
)
def test_what_a_policy_blocks(limits: Limits, findings: Sequence[Finding], blocking: list[str]) -> None:
    verdict = judged(policy(limits), result(*findings))

    assert names(verdict) == blocking
    assert verdict.allowed is not bool(blocking)


@pytest.mark.parametrize(
    ("limits", "baseline", "blocking"),
    [
        (Limits(), [HIGH, LOW], []),
        (Limits(), [HIGH], ["CVE-2026-2"]),
        (Limits(max_severity=Severity.MEDIUM), [], ["CVE-2026-1"]),
        (Limits(max_severity=Severity.MEDIUM), [HIGH], []),
        # One fixed and one new are as many as before, and worse all the same.
        (Limits(), [LOW, WORST], ["CVE-2026-1"]),
        # By any of its names, in whichever version.
        (Limits(), [LOW, replace(HIGH, id="GHSA-1", aliases=("CVE-2026-1",), version="0.9")], []),
        (Limits(), [LOW, replace(HIGH, package="zlib")], ["CVE-2026-1"]),
    ],
)
def test_not_worse_than_what_runs_now(limits: Limits, baseline: Sequence[Finding], blocking: list[str]) -> None:
    assert names(judged(policy(replace(limits, baseline=BASELINE)), result(HIGH, LOW), baseline=baseline)) == blocking


def test_an_exception_of_the_baseline_makes_nothing_new() -> None:
    hidden = replace(HIGH, suppressed_by="exception 7: accepted")

    assert judged(policy(Limits(baseline=BASELINE)), result(HIGH), baseline=[hidden]).allowed


def test_a_baseline_that_nobody_scanned_spares_nothing_and_is_told_of() -> None:
    verdict = judged(policy(Limits(baseline=BASELINE)), result(HIGH), baseline=None)

    assert names(verdict) == ["CVE-2026-1"]
    assert [doubt.handling for doubt in verdict.doubts] == [Handling.WARN]


# ── what is not known

NOTHING: tuple[ScanResult, ...] = ()
SKIPPED = (result(status=ScanStatus.SKIPPED),)
FAILED = (result(status=ScanStatus.FAILED, error="it hung"),)
PARTIAL = (result(status=ScanStatus.PARTIAL, coverage=Coverage(packages=3, not_evaluated={"deb": 2})),)


@pytest.mark.parametrize("results", [NOTHING, SKIPPED, FAILED, PARTIAL])
@pytest.mark.parametrize(("mode", "allowed"), [(Mode.ENFORCE, False), (Mode.REPORT, True)])
def test_what_nobody_knows_blocks_where_it_is_enforced_and_is_told(
    results: Sequence[ScanResult], mode: Mode, allowed: bool
) -> None:
    verdict = judged(policy(mode=mode), *results)

    assert verdict.allowed is allowed
    assert verdict.stops is not allowed
    assert len(verdict.doubts) == 1


@pytest.mark.parametrize(
    ("results", "unscanned", "scan_failed", "allowed"),
    [
        (NOTHING, Handling.ALLOW, Handling.BLOCK, True),
        (NOTHING, Handling.BLOCK, Handling.ALLOW, False),
        (SKIPPED, Handling.WARN, Handling.BLOCK, True),
        (FAILED, Handling.ALLOW, Handling.BLOCK, False),
        (FAILED, Handling.BLOCK, Handling.WARN, True),
        (PARTIAL, Handling.ALLOW, Handling.BLOCK, False),
        (PARTIAL, Handling.BLOCK, Handling.ALLOW, True),
        ((result(), *FAILED), Handling.ALLOW, Handling.BLOCK, False),
    ],
)
def test_the_policy_says_what_happens_where_nobody_knows(
    results: Sequence[ScanResult], unscanned: Handling, scan_failed: Handling, allowed: bool
) -> None:
    assert judged(policy(Limits(unscanned=unscanned, scan_failed=scan_failed)), *results).allowed is allowed


@pytest.mark.parametrize(
    ("built", "coverage", "doubts"),
    [
        (NOW - 23 * 3600, Coverage(), 0),
        (NOW - 25 * 3600, Coverage(), 1),
        (None, Coverage(), 1),
        (None, Coverage(built={"Debian:12": NOW - 3600, "PyPI": NOW - 48 * 3600}), 1),
        (None, Coverage(built={"Debian:12": NOW - 3600}), 0),
        (NOW - 3600, Coverage(built={"Debian:12": NOW - 48 * 3600, "Go": NOW - 3600}), 1),
    ],
)
def test_old_data_count_as_none(built: float | None, coverage: Coverage, doubts: int) -> None:
    verdict = judged(policy(Limits(db_max_age_h=24)), result(built=built, coverage=coverage))

    assert len(verdict.doubts) == doubts
    assert verdict.allowed is (doubts == 0)


def test_what_a_failed_scan_found_counts_all_the_same() -> None:
    failed = result(HIGH, status=ScanStatus.FAILED)

    assert names(judged(policy(Limits(max_severity=Severity.LOW, scan_failed=Handling.ALLOW)), failed)) == [
        "CVE-2026-1"
    ]


# ── exceptions


@pytest.mark.parametrize(
    ("row", "hides"),
    [
        (ACCEPTED, True),
        (replace(ACCEPTED, vulnerability="ghsa-x"), True),
        (replace(ACCEPTED, vulnerability="CVE-2026-2"), False),
        (replace(ACCEPTED, status=Status.NOT_AFFECTED), True),
        (replace(ACCEPTED, status=Status.FIXED), True),
        (replace(ACCEPTED, status=Status.UNDER_INVESTIGATION), False),
        (replace(ACCEPTED, status=Status.AFFECTED), False),
        (replace(ACCEPTED, expires=NOW), False),
        (replace(ACCEPTED, expires=None), True),
        (replace(ACCEPTED, package_url="pkg:deb/debian/openssl"), True),
        (replace(ACCEPTED, package_url="pkg:deb/debian/openssl@1.0"), True),
        (replace(ACCEPTED, package_url="pkg:deb/debian/openssl@2.0"), False),
        (replace(ACCEPTED, package_url="pkg:deb/*"), True),
        (replace(ACCEPTED, package_url="pkg:pypi/*"), False),
        (replace(ACCEPTED, image="app:1"), True),
        (replace(ACCEPTED, image="docker.io/library/*"), True),
        (replace(ACCEPTED, image=str(Digest.of(b"image"))), True),
        (replace(ACCEPTED, image="other*"), False),
    ],
)
def test_which_findings_an_exception_hides(row: ExceptionRow, hides: bool) -> None:
    found = replace(HIGH, aliases=("GHSA-x",))
    verdict = judged(policy(Limits(max_severity=Severity.LOW)), result(found), exceptions=[row])

    assert verdict.allowed is hides
    assert verdict.suppressed == int(hides)


def test_an_exception_without_a_package_url_on_the_finding_needs_none() -> None:
    bare = replace(HIGH, purl="")

    assert is_about(ACCEPTED, IMAGE, bare)
    assert not is_about(replace(ACCEPTED, package_url="*"), IMAGE, bare)


# ── properties

SEVERITIES = st.sampled_from(Severity)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(["CVE-1", "CVE-2", "GHSA-1", "PYSEC-1"]),
    SEVERITIES,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["1", "2"]),
    fixed_version=st.none() | st.just("3"),
    aliases=st.lists(st.sampled_from(["CVE-1", "GHSA-1"]), max_size=1).map(tuple),
    purl=st.sampled_from(["", "pkg:deb/a@1", "pkg:pypi/b@2"]),
    path=st.sampled_from(["", "x"]),
    published=st.none() | st.floats(NOW - 40 * DAY, NOW),
    known_exploited=st.booleans(),
)
RESULTS = st.builds(
    result,
    status=st.sampled_from(ScanStatus),
    scanner=st.sampled_from(["osv", "grype"]),
    findings=st.lists(FINDINGS, max_size=6).map(tuple),
    built=st.none() | st.floats(NOW - 40 * DAY, NOW),
)
LIMITS = st.builds(
    Limits,
    max_severity=st.none() | SEVERITIES,
    counts=st.none() | st.dictionaries(SEVERITIES, st.integers(0, 3), min_size=1),
    only_fixed=st.booleans(),
    min_age_days=st.none() | st.floats(0.5, 60),
    baseline=st.none() | st.just(BASELINE),
    kev_blocks=st.booleans(),
    unscanned=st.none() | st.sampled_from(Handling),
    scan_failed=st.none() | st.sampled_from(Handling),
    db_max_age_h=st.none() | st.floats(1, 1000),
).map(lambda limits: limits if limits.counts is None else replace(limits, max_severity=None))
POLICIES = st.builds(
    PolicyRow, st.just(1), st.just("p"), st.just(Action.PULL), limits=LIMITS, mode=st.sampled_from(Mode)
)
EXCEPTIONS = st.lists(
    st.builds(
        replace,
        st.just(ACCEPTED),
        vulnerability=st.sampled_from(["CVE-1", "CVE-2", "GHSA-1"]),
        status=st.sampled_from(Status),
        expires=st.none() | st.floats(NOW - DAY, NOW + DAY),
        package_url=st.sampled_from(["", "pkg:deb/*", "pkg:pypi/b"]),
        image=st.sampled_from(["", "app:1", "other"]),
        id=st.integers(1, 5),
    ),
    max_size=4,
)
BASELINES = st.none() | st.lists(FINDINGS, max_size=4)


@given(POLICIES, st.lists(RESULTS, min_size=1, max_size=2), EXCEPTIONS, BASELINES, FINDINGS)
def test_a_further_finding_never_allows(
    judging: PolicyRow,
    results: list[ScanResult],
    exceptions: list[ExceptionRow],
    baseline: list[Finding] | None,
    further: Finding,
) -> None:
    before = judged(judging, *results, exceptions=exceptions, baseline=baseline)
    results[0] = replace(results[0], findings=(*results[0].findings, further))
    after = judged(judging, *results, exceptions=exceptions, baseline=baseline)

    assert before.allowed or not after.allowed


@given(POLICIES, st.lists(RESULTS, min_size=1, max_size=3), RESULTS, EXCEPTIONS, BASELINES)
def test_a_further_result_never_allows(
    judging: PolicyRow,
    results: list[ScanResult],
    further: ScanResult,
    exceptions: list[ExceptionRow],
    baseline: list[Finding] | None,
) -> None:
    if all(each.status is ScanStatus.SKIPPED for each in results):
        return  # what nobody looked at may be allowed once somebody has
    before = judged(judging, *results, exceptions=exceptions, baseline=baseline)

    assert before.allowed or not judged(judging, *results, further, exceptions=exceptions, baseline=baseline).allowed


@given(POLICIES, st.lists(RESULTS, max_size=2), EXCEPTIONS, EXCEPTIONS, BASELINES)
def test_an_exception_never_blocks(
    judging: PolicyRow,
    results: list[ScanResult],
    exceptions: list[ExceptionRow],
    further: list[ExceptionRow],
    baseline: list[Finding] | None,
) -> None:
    before = judged(judging, *results, exceptions=exceptions, baseline=baseline)
    after = judged(judging, *results, exceptions=[*exceptions, *further], baseline=baseline)

    assert after.allowed or not before.allowed


@given(POLICIES, st.lists(RESULTS, max_size=2), EXCEPTIONS, BASELINES)
def test_counts_equal_lists(
    judging: PolicyRow, results: list[ScanResult], exceptions: list[ExceptionRow], baseline: list[Finding] | None
) -> None:
    verdict = judged(judging, *results, exceptions=exceptions, baseline=baseline)
    found = {each.key for one in results for each in one.findings}
    standing = [row for row in exceptions if in_force(row, NOW)]

    assert {each.key for each in verdict.blocking} <= found
    assert len({each.key for each in verdict.blocking}) == len(verdict.blocking)
    assert all(not any(is_about(row, IMAGE, each) for row in standing) for each in verdict.blocking)
    hidden = {each.key for one in results for each in one.findings if any(is_about(r, IMAGE, each) for r in standing)}
    assert verdict.suppressed == len(hidden)
    assert sum(counted(verdict.blocking).values()) == len(verdict.blocking)


def test_a_scan_that_was_skipped_says_why() -> None:
    (skipped,) = SKIPPED

    (doubt,) = judged(policy(Limits()), replace(skipped, error="Not assessed: no advisories are here yet.")).doubts

    assert doubt.text == "it was not scanned for vulnerabilities: Not assessed: no advisories are here yet."
    assert doubt.scanned


@given(POLICIES, st.sampled_from([NOTHING, SKIPPED, FAILED, PARTIAL]), EXCEPTIONS)
def test_what_is_not_known_is_never_passed_over_in_silence(
    judging: PolicyRow, results: Sequence[ScanResult], exceptions: list[ExceptionRow]
) -> None:
    verdict = judged(judging, *results, exceptions=exceptions)

    assert verdict.doubts
    said = judging.limits.unscanned if results in (NOTHING, SKIPPED) else judging.limits.scan_failed
    if judging.mode is Mode.ENFORCE and said in (None, Handling.BLOCK):
        assert verdict.stops
