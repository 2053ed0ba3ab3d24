"""One version of one package, judged by every record that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lading.inventory.advisory import Advisory, Affected
from lading.inventory.affected import Standing, standing
from lading.inventory.aliases import Claim, claims, gathered, is_cve
from lading.inventory.feeds import Subject
from lading.inventory.module_streams import is_other_stream
from lading.inventory.version_unreadable import VersionUnreadable
from lading.inventory.versions import key

Records = Callable[[str, str], Sequence[Advisory]]
"""The advisories of a package, by ecosystem and indexed name."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings, each with the records that say so. `unclear` is how many records could not be compared.
    `readable`: the installed version is one that has a place in its ecosystem's order."""

    findings: tuple[tuple[Claim, ...], ...]
    unclear: int
    readable: bool


def judged(records: Records, ecosystems: Sequence[str], meant: Subject, *, of_distribution: bool) -> Judged:
    """`ecosystems` all speak of the package; at least one is there. Raises whatever `records` raises."""
    hits: list[Claim] = []
    cleared: set[str] = set()
    unclear = 0
    for ecosystem in ecosystems:
        for advisory, entry in _entries(records, ecosystem, meant):
            stands = standing(entry, meant.version)
            unclear += stands is Standing.UNCLEAR
            found = claims(advisory, entry, of_distribution=of_distribution)
            if stands is Standing.AFFECTED:
                hits += found
            elif stands is Standing.SOUND:
                cleared.update(name for claim in found for name in claim.names if _is_record_of(advisory, name))
    # An erratum has one version for all that it mends; the record of one issue alone knows better of that issue.
    sure = (claim for claim in hits if not (claim.also and claim.names & cleared))
    return Judged(tuple(map(tuple, gathered(sure))), unclear, _is_readable(ecosystems[0], meant.version))


def _entries(records: Records, ecosystem: str, meant: Subject) -> Iterator[tuple[Advisory, Affected]]:
    for advisory in records(ecosystem, meant.name):
        if advisory.withdrawn:
            continue
        for entry in advisory.affected:
            if entry.ecosystem != ecosystem or entry.indexed_name != meant.name or entry.informational:
                continue
            if not is_other_stream(advisory, entry, meant.version):
                yield advisory, entry


def _is_record_of(advisory: Advisory, name: str) -> bool:
    """Whether it is one about this issue alone, such as DEBIAN-CVE-2024-1 of CVE-2024-1."""
    return is_cve(name) and advisory.id.endswith(name)


def _is_readable(ecosystem: str, version: str) -> bool:
    try:
        key(ecosystem, version)
    except VersionUnreadable:
        return False
    return True
