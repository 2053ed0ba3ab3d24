"""Judging: what a policy says of what is known of an image. Pure: values in, a verdict out.

    results ─ exceptions ─▶ standing ─ exploited, fix, age, baseline ─▶ those that count ─ severity, counts ─▶ blocking
       └─ none, failed, partial, too old ─ unscanned, scan_failed ─▶ doubts: told, and where they are to block, blocking

Nothing is ever better for being known less: what is found in a failed or old result counts too, a further finding never
allows what was blocked, and an exception never blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lading.inventory.severity import Severity
from lading.services.findings.scanner import Finding, FindingKey, ScanResult, ScanStatus, worst_first
from lading.services.gates.exception_matching import Judged, marked
from lading.services.gates.policy import DEFAULT_HANDLING, Handling, Limits, Mode
from lading.services.gates.records import ExceptionRow, PolicyRow

DAY, HOUR = 86400.0, 3600.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """What could not be judged, in a sentence, and what the policy has done about it. `scanned`: a scanner did look."""

    text: str
    handling: Handling
    scanned: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says of one image. `allowed` is the word of its limits; only an enforcing policy `stops`.

    `blocking` are the findings that it does not allow, the worst first; `suppressed` counts what exceptions hide.
    """

    policy: PolicyRow
    allowed: bool
    blocking: tuple[Finding, ...] = ()
    suppressed: int = 0
    doubts: tuple[Doubt, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether it must not happen."""
        return not self.allowed and self.policy.mode is Mode.ENFORCE


def judge(
    policy: PolicyRow,
    image: Judged,
    results: Sequence[ScanResult],
    exceptions: Collection[ExceptionRow],
    *,
    now: float,
    baseline: Collection[Finding] | None = None,
) -> Verdict:
    """`results` are the newest of each scanner that counts, none where it was never scanned; each is judged by itself,
    and all must be content. `now` is seconds since 1970.

    `baseline` are the findings of the image that the policy compares with, suppressed ones too: None where that one was
    never scanned, and then nothing is spared by it.
    """
    known = _names_of(baseline or ())
    blocking: dict[FindingKey, Finding] = {}
    hidden: set[FindingKey] = set()
    for result in results:
        findings = marked(image, result.findings, exceptions, now)
        hidden.update(each.key for each in findings if each.hidden)
        standing = [each for each in findings if not each.hidden]
        for finding in _blocking(policy.limits, standing, now, known):
            before = blocking.setdefault(finding.key, finding)
            blocking[finding.key] = max(before, finding, key=lambda each: each.severity.rank)
    doubts = tuple(_doubts(policy, results, now, baseline))
    allowed = not blocking and not any(doubt.handling is Handling.BLOCK for doubt in doubts)
    return Verdict(policy, allowed, worst_first(blocking.values()), len(hidden), doubts)


# ── findings

Names = frozenset[tuple[str, str]]
"""What findings are called, each name with its package."""


def _blocking(limits: Limits, standing: Iterable[Finding], now: float, known: Names) -> Iterable[Finding]:
    new = [finding for finding in standing if limits.baseline is None or not _is_in(finding, known)]
    if limits.kev_blocks:
        yield from (finding for finding in new if finding.known_exploited)
    yield from _too_much(limits, [finding for finding in new if _counts(finding, limits, now)])


def _counts(finding: Finding, limits: Limits, now: float) -> bool:
    if limits.only_fixed and finding.fixed_version is None:
        return False
    young = limits.min_age_days is not None and finding.published is not None
    return not (young and now - (finding.published or 0.0) < (limits.min_age_days or 0.0) * DAY)


def _too_much(limits: Limits, counting: Sequence[Finding]) -> Iterable[Finding]:
    if limits.max_severity is not None:
        worst = limits.max_severity
        return [each for each in counting if each.severity.rank > worst.rank]
    if limits.counts is not None:
        return _beyond(limits.counts, counting)
    return counting if limits.baseline is not None else ()


def _beyond(counts: Mapping[Severity, int], counting: Sequence[Finding]) -> Iterable[Finding]:
    """All of a severity of which there are too many: nobody can say which of them is the one too many."""
    for severity, most in counts.items():
        found = [each for each in counting if each.severity is severity]
        if len(found) > most:
            yield from found


def _names_of(findings: Iterable[Finding]) -> Names:
    return frozenset((name, each.package) for each in findings for name in each.names)


def _is_in(finding: Finding, known: Names) -> bool:
    """By any of its names, in the package: whichever version of it, as a new one may have the same flaw."""
    return any((name, finding.package) in known for name in finding.names)


# ── what is not known


def _doubts(
    policy: PolicyRow, results: Sequence[ScanResult], now: float, baseline: Collection[Finding] | None
) -> Iterable[Doubt]:
    limits, usual = policy.limits, DEFAULT_HANDLING[policy.mode]
    unscanned, failed = limits.unscanned or usual, limits.scan_failed or usual
    looked = [result for result in results if result.status is not ScanStatus.SKIPPED]
    if not looked:
        skipped = "; ".join(dict.fromkeys(result.error for result in results if result.error))
        text = f"it was not scanned for vulnerabilities{_because(skipped)}"
        yield Doubt(text, unscanned, scanned=bool(skipped))
    for result in looked:
        if result.status is ScanStatus.FAILED:
            yield Doubt(f"the scan by {result.scanner} failed{_because(result.error)}", failed)
            continue
        if result.status is ScanStatus.PARTIAL:
            yield Doubt(f"the scan by {result.scanner} could not judge everything{_because(_gaps(result))}", failed)
        old = None if limits.db_max_age_h is None else _too_old(result, now, limits.db_max_age_h)
        if old is not None:
            yield Doubt(old, unscanned)
    if limits.baseline is not None and baseline is None:
        yield Doubt(f"{limits.baseline}, which it is compared with, was not scanned", Handling.WARN)


def _too_old(result: ScanResult, now: float, most: float) -> str | None:
    """Each of the data it was held against counts: a fresh one of another language makes none of them younger."""
    built = min(result.coverage.built.values(), default=result.built)
    if built is None:
        return f"nobody knows of what time the data of {result.scanner} are"
    if now - built <= most * HOUR:
        return None
    return f"the data of {result.scanner} are {int((now - built) / HOUR)} hours old, and {most:g} are allowed"


def _gaps(result: ScanResult) -> str:
    kinds = [f"{count} {kind}" for kind, count in sorted(result.coverage.not_evaluated.items()) if count]
    return result.error or ", ".join(kinds)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
