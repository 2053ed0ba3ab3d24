"""Findings as people read them: one for each package and issue, with all that the records tell of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lading.inventory.advisory import Advisory
from lading.inventory.affected import Fix, fix
from lading.inventory.aliases import Claim, called
from lading.inventory.fix_state import FixState
from lading.inventory.layer import Installed
from lading.inventory.ratings import Rated, rated
from lading.inventory.severity import Severity

Named = Callable[[Collection[str]], Sequence[Advisory]]
"""The advisories that have one of these names as their id or alias."""


@dataclass(frozen=True, slots=True)
class Match:
    """One thing known to be wrong with one installed package, whatever number of records say so.

    `id` is what people call it, `aliases` are its other names. `fixed_version` is the lowest above the installed one.
    `cvss` is the base score. `published` is in seconds since 1970. `unreviewed`: no person has looked at any of the
    records.
    """

    installed: Installed
    id: str
    aliases: tuple[str, ...]
    severity: Severity
    cvss: float | None
    fixed_version: str | None
    fix_state: FixState
    description: str
    link: str
    published: float | None
    unreviewed: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """An installed package, the version that the records were asked for, and what they say of one issue."""

    installed: Installed
    version: str
    claims: tuple[Claim, ...]


def matches(hits: Sequence[Hit], named: Named) -> tuple[Match, ...]:
    """From the worst down. Records of other packages are asked once, for what those at hand leave open."""
    issues = {id(hit.claims): hit for hit in hits}
    own = {
        place: rated([(claim.advisory, claim.affected) for claim in hit.claims], ()) for place, hit in issues.items()
    }
    elsewhere = _elsewhere([hit.claims for place, hit in issues.items() if _is_open(own[place], hit.claims)], named)
    told = {place: _told(hit, own[place], elsewhere) for place, hit in issues.items()}
    return tuple(sorted((_match(hit.installed, told[id(hit.claims)]) for hit in hits), key=_place))


@dataclass(frozen=True, slots=True)
class _Told:
    """An issue of one version, the same for every package that is built from one source."""

    id: str
    aliases: tuple[str, ...]
    rated: Rated
    fix: Fix
    description: str
    link: str
    published: float | None
    unreviewed: bool


def _match(installed: Installed, issue: _Told) -> Match:
    return Match(
        installed=installed,
        id=issue.id,
        aliases=issue.aliases,
        severity=issue.rated.severity,
        cvss=issue.rated.cvss,
        fixed_version=issue.fix.version,
        fix_state=issue.fix.state,
        description=issue.description,
        link=issue.link,
        published=issue.published,
        unreviewed=issue.unreviewed,
    )


def _told(hit: Hit, own: Rated, elsewhere: Mapping[str, Sequence[Advisory]]) -> _Told:
    claims = hit.claims
    name, aliases = called(claims)
    records = sorted((claim.advisory for claim in claims), key=_eloquence)
    others = list({other.id: other for known in (name, *aliases) for other in elsewhere.get(known, ())}.values())
    moments = [record.published for record in (*records, *others) if record.published is not None]
    return _Told(
        id=name,
        aliases=aliases,
        rated=rated([(claim.advisory, claim.affected) for claim in claims], others) if others else own,
        fix=fix([claim.affected for claim in claims], hit.version),
        description=next((text for record in (*records, *others) if (text := _text(record))), ""),
        link=f"https://osv.dev/vulnerability/{records[0].id}",
        published=min(moments, default=None),
        unreviewed=all(record.unreviewed for record in records),
    )


def _elsewhere(issues: Iterable[Sequence[Claim]], named: Named) -> Mapping[str, Sequence[Advisory]]:
    """By name, what all records say of these issues."""
    asked = frozenset(name for claims in issues for claim in claims for name in claim.names)
    found: dict[str, list[Advisory]] = {}
    for advisory in named(asked) if asked else ():
        for name in () if advisory.withdrawn else advisory.names:
            found.setdefault(name, []).append(advisory)
    return found


def _is_open(own: Rated, claims: Sequence[Claim]) -> bool:
    """Whether the records at hand leave a rating or the text to others."""
    return own.severity is Severity.UNKNOWN or own.cvss is None or not any(_text(claim.advisory) for claim in claims)


def _text(record: Advisory) -> str:
    return "\n\n".join(_paragraphs(record))


def _paragraphs(record: Advisory) -> Iterator[str]:
    """The summary, unless the details begin with it."""
    summary, details = record.summary.strip(), record.details.strip()
    if summary and not details.startswith(summary):
        yield summary
    if details:
        yield details


def _eloquence(record: Advisory) -> tuple[bool, bool, str]:
    """GitHub's reviewed records tell most; then any with a text."""
    return not record.id.startswith("GHSA-"), not _text(record), record.id


def _place(match: Match) -> tuple[int, str, str, str, str]:
    package = match.installed.package
    return -match.severity.rank, match.id, package.name, package.version, package.evidence
