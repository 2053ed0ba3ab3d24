"""How bad a finding is, by who knows it best: the distribution, then who wrote the record, then the metrics (CVSS), and
last the records that tell of the same thing elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # type: ignore[import-untyped]  # it has no types

from lading.inventory.advisory import Advisory, Affected, Rating
from lading.inventory.severity import Severity

_WORDS = MappingProxyType(
    {
        "critical": Severity.CRITICAL,
        "important": Severity.HIGH,  # Red Hat and those after it
        "high": Severity.HIGH,
        "moderate": Severity.MEDIUM,
        "medium": Severity.MEDIUM,
        "low": Severity.LOW,
        "negligible": Severity.NEGLIGIBLE,
        "unimportant": Severity.NEGLIGIBLE,  # Debian: no harm comes of it there
    }
)

_METRICS = MappingProxyType({"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2})
"""The newest first."""

_WORD_FIRST = frozenset({"AlmaLinux", "Red Hat", "Rocky Linux"})

_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_VECTOR_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Rated:
    """`cvss` is the base score, None where nobody gave one."""

    severity: Severity
    cvss: float | None


def rated(claims: Sequence[tuple[Advisory, Affected]], elsewhere: Sequence[Advisory]) -> Rated:
    """What the records that mean a package say of its finding; `elsewhere` are those of other packages with one of its
    names."""
    own = _score([rating for claim in claims for rating in _metrics(*claim)])
    theirs = _score([rating for advisory in elsewhere for rating in _metrics(advisory, *advisory.affected)])
    cvss = theirs if own is None else own
    if any(advisory.malicious for advisory, _ in claims):
        return Rated(Severity.CRITICAL, cvss)
    ladder = (
        _worst(_makers_words(claims)),
        _worst(advisory.word for advisory, _ in claims),
        _band(own),
        _worst(advisory.word for advisory in elsewhere),
        _band(theirs),
    )
    return Rated(next((step for step in ladder if step is not Severity.UNKNOWN), Severity.UNKNOWN), cvss)


def _makers_words(claims: Iterable[tuple[Advisory, Affected]]) -> Iterator[str]:
    """The rating of who makes the package; errata of Red Hat's family begin with it."""
    for advisory, affected in claims:
        yield affected.word
        yield from (rating.score for rating in (*affected.ratings, *advisory.ratings) if rating.type not in _METRICS)
        if affected.ecosystem.partition(":")[0] in _WORD_FIRST:
            yield advisory.summary.partition(":")[0]


def _metrics(advisory: Advisory, *entries: Affected) -> Iterator[Rating]:
    yield from advisory.ratings
    for entry in entries:
        yield from entry.ratings


def _worst(words: Iterable[str]) -> Severity:
    found = (_WORDS.get(word.strip().rstrip("*").lower(), Severity.UNKNOWN) for word in words)
    return max(found, key=lambda severity: severity.rank, default=Severity.UNKNOWN)


def _band(score: float | None) -> Severity:
    """The qualitative scale (CVSS v3.1, section 5). A score of nought is no harm."""
    if score is None:
        return Severity.UNKNOWN
    return next((severity for least, severity in _BANDS if score >= least), Severity.NEGLIGIBLE)


def _score(ratings: Sequence[Rating]) -> float | None:
    """The highest of the newest metrics that anybody gave."""
    for metric in _METRICS:
        scores = [_base_score(metric, rating.score) for rating in ratings if rating.type == metric]
        known = [score for score in scores if score is not None]
        if known:
            return max(known)
    return None


@lru_cache(maxsize=10_000)
def _base_score(metric: str, vector: str) -> float | None:
    """None where it is no vector of this version of the metrics."""
    if len(vector) > _VECTOR_LIMIT:
        return None
    try:
        return float(_METRICS[metric](vector).base_score)
    except CVSSError:
        return None
