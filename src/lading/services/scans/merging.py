"""Several scanners' results of one image as one: what they both say is said once, with the worse rating of the two.

Two findings are the same where package and version are, and one's names meet the other's. Scanners do not agree on how
a package or its place is written, so the name is taken from the package URL where there is one, and places do not
count: of a group, the scanner that tells most findings apart keeps them apart, and the others confirm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lading.inventory.aliases import is_cve
from lading.services.findings.scanner import Coverage, Finding, FindingKey, ScanResult, ScanStatus

MERGED = "both"
"""The scanner's name of such a result."""

_PREFIX = re.compile(r"^(?:0:|go|v)(?=[0-9])")
_OF_DISTRIBUTIONS = ("pkg:deb/", "pkg:apk/", "pkg:rpm/")


def merged(results: Sequence[ScanResult]) -> ScanResult:
    """One result of one or more: sound where all are, failed where none is, else partial."""
    sound = [result for result in results if result.status.sound]
    if not sound:
        status = ScanStatus.FAILED
    elif len(sound) == len(results) and all(result.status is ScanStatus.OK for result in sound):
        status = ScanStatus.OK
    else:
        status = ScanStatus.PARTIAL
    built = [result.built for result in sound if result.built is not None]
    return ScanResult(
        MERGED,
        ", ".join(f"{result.scanner} {result.version}" for result in sound),
        status,
        min((result.started for result in results), default=0.0),
        sum(result.duration for result in results),
        _findings([result.findings for result in sound]),
        _coverage(sound),
        min(built, default=None),
        "; ".join(f"{result.scanner}: {result.error}" for result in results if result.error),
    )


def _findings(told: Sequence[Sequence[Finding]]) -> tuple[Finding, ...]:
    kept: dict[FindingKey, Finding] = {}
    for group in _groups(told):
        most = max(group, key=len)  # the first of those that tell as many
        others = [finding for findings in group if findings is not most for finding in findings]
        alone = [other for other in others if not _same(other, most)]  # here by the names of a third
        for finding in (*most, *alone):
            shown = _confirmed(finding, _same(finding, others))
            again = kept.get(shown.key)  # two advisories of one CVE
            kept[shown.key] = shown if again is None else _confirmed(again, (shown,))
    return tuple(kept.values())


def _groups(told: Sequence[Sequence[Finding]]) -> Iterable[list[list[Finding]]]:
    """Findings of one thing, those of each scanner in a list; in the order of their first mention."""
    leaders: dict[tuple[str, str, str], tuple[str, str, str]] = {}

    def leader(name: tuple[str, str, str]) -> tuple[str, str, str]:
        while leaders.setdefault(name, name) != name:
            leaders[name] = leaders[leaders[name]]
            name = leaders[name]
        return name

    for finding in (finding for findings in told for finding in findings):
        first, *others = ((*_thing(finding), name) for name in finding.names)
        for other in others:
            leaders[leader(other)] = leader(first)
    groups: dict[tuple[str, str, str], list[list[Finding]]] = {}
    for place, findings in enumerate(told):
        for finding in findings:
            group = groups.setdefault(leader((*_thing(finding), finding.id)), [[] for _ in told])
            group[place].append(finding)
    return groups.values()


def _same(finding: Finding, others: Sequence[Finding]) -> Sequence[Finding]:
    """Those that share a name with it."""
    names = set(finding.names)
    return [other for other in others if other is not finding and names & set(other.names)]


def _confirmed(finding: Finding, others: Sequence[Finding]) -> Finding:
    told = joined(finding, others)
    shown = next(filter(is_cve, told.names), told.id)
    return replace(told, id=shown, aliases=tuple(name for name in told.names if name != shown))


def joined(finding: Finding, others: Sequence[Finding]) -> Finding:
    """What is said of one thing more than once, under the id of the first: with the worst severity and all names."""
    told = (finding, *others)
    names = dict.fromkeys(name for each in told for name in each.names)
    return replace(
        finding,
        severity=max((each.severity for each in told), key=lambda severity: severity.rank),
        aliases=tuple(name for name in names if name != finding.id),
        fixed_version=finding.fixed_version
        or next((each.fixed_version for each in others if each.fixed_version), None),
        description=finding.description or next((each.description for each in others if each.description), ""),
        cvss=max((each.cvss for each in told if each.cvss is not None), default=None),
        link=finding.link or next((each.link for each in others if each.link), ""),
        path=finding.path or next((each.path for each in others if each.path), ""),
        layer=finding.layer or next((each.layer for each in others if each.layer), None),
        published=next((each.published for each in told if each.published is not None), None),
        known_exploited=any(each.known_exploited for each in told),
        scanners=tuple(dict.fromkeys(name for each in told for name in each.scanners)),
    )


def _thing(finding: Finding) -> tuple[str, str]:
    """The package and its version, as both scanners write them. They call a distribution by different names."""
    package = finding.purl.partition("?")[0].partition("@")[0] or finding.package
    if package.startswith(_OF_DISTRIBUTIONS):
        package = package.rpartition("/")[2]
    return package.lower().replace("_", "-"), _PREFIX.sub("", finding.version)


def _coverage(sound: Sequence[ScanResult]) -> Coverage:
    """What either looked at; each one's notes say whose they are."""
    coverages = [result.coverage for result in sound]
    left: dict[str, int] = {}
    built: dict[str, float] = {}
    for coverage in coverages:
        left |= {kind: max(count, left.get(kind, 0)) for kind, count in coverage.not_evaluated.items()}
        built |= coverage.built
    return Coverage(
        distribution=next((each.distribution for each in coverages if each.distribution), ""),
        packages=_most(each.packages for each in coverages),
        matched=_most(each.matched for each in coverages),
        owned=_most(each.owned for each in coverages),
        not_evaluated=left,
        built=built,
        notes=tuple(f"{result.scanner}: {note}" for result in sound for note in result.coverage.notes),
    )


def _most(counts: Iterable[int]) -> int:
    return max(counts, default=0)
