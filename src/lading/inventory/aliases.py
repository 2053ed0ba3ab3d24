"""Names of the same thing. Databases copy from each other: what one calls PYSEC-2023-1 is another's GHSA-… and
everybody's CVE. Records that share a name tell of one finding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lading.inventory.advisory import Advisory, Affected

_CVE = re.compile(r"CVE-\d{4}-\d{4,}", re.ASCII)
_PREFERRED = ("CVE-", "GHSA-", "MAL-", "GO-", "PYSEC-", "RUSTSEC-")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one record says of one package. `names` are those of the finding; `also` are names under which it is found
    too, though other findings have them as well: an erratum mends many things at once."""

    names: frozenset[str]
    advisory: Advisory
    affected: Affected
    also: frozenset[str] = frozenset()


def claims(advisory: Advisory, affected: Affected, *, of_distribution: bool) -> list[Claim]:
    """A record of a language's package is one finding. One of a distribution's is one for every CVE that it goes back
    to: those rows are what people look for, and make exceptions of."""
    names = frozenset(advisory.names)
    if not of_distribution:
        return [Claim(names, advisory, affected)]
    subjects = sorted(set(filter(is_cve, (*advisory.names, *advisory.upstream))))
    subjects = subjects or sorted(set(filter(is_cve, advisory.related)))
    if len(subjects) < 2:
        reviewed = {name for name in advisory.upstream if name.startswith("GHSA-")}
        return [Claim(names.union(subjects, reviewed if len(reviewed) == 1 else ()), advisory, affected)]
    rest = frozenset(name for name in names if not is_cve(name))
    return [Claim(frozenset({cve}), advisory, affected, also=rest) for cve in subjects]


def gathered(found: Iterable[Claim]) -> list[list[Claim]]:
    """Those that share a name, through however many others, stand together; in the order in which they came."""
    groups: dict[int, list[Claim]] = {}
    place: dict[str, int] = {}
    for number, claim in enumerate(found):
        first, *others = sorted({place[name] for name in claim.names if name in place}) or [number]
        joining = [claim, *(member for other in others for member in groups.pop(other))]
        groups.setdefault(first, []).extend(joining)
        place.update((name, first) for member in joining for name in member.names)
    return list(groups.values())


def called(group: Sequence[Claim]) -> tuple[str, tuple[str, ...]]:
    """What people call the finding, and its other names."""
    own = {name for claim in group for name in claim.names}
    first = min(own, key=_preference)
    others = own.union(*(claim.also for claim in group)) - {first}
    return first, tuple(sorted(others, key=_preference))


def is_cve(name: str) -> bool:
    """Whether it is an id of the CVE list."""
    return _CVE.fullmatch(name) is not None


def _preference(name: str) -> tuple[int, str]:
    return next((place for place, prefix in enumerate(_PREFERRED) if name.startswith(prefix)), len(_PREFERRED)), name
