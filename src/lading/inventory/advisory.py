"""Advisories: what somebody knows to be wrong with versions of packages (OSV schema 1.7).

Only what matching and showing need is read, and leniently: a field nobody reads may be anything. What is wrong in a
field that decides makes the whole record invalid: half a record would let a package pass as sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from lading.errors import ProtocolBroken, Side
from lading.oci.instants import parse_instant

TEXT_LIMIT = 64 * 1024
"""The longest details kept, in characters; the longest of real records have about half."""


class AdvisoryInvalid(ProtocolBroken):
    """A record that breaks the OSV schema; names the field and the rule."""

    side = Side.SOURCE
    code = "advisory_invalid"

    def __init__(self, advisory: str, field: str, rule: str) -> None:
        super().__init__(advisory, field, rule)
        self.advisory, self.field, self.rule = advisory, field, rule

    def __str__(self) -> str:
        return f"the advisory {self.advisory[:80] or 'without an id'} is not valid: {self.field} {self.rule}"


class EventKind(StrEnum):
    """What begins or ends at a version (OSV schema, affected[].ranges[].events)."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


_KINDS = {str(kind): kind for kind in EventKind}


@dataclass(frozen=True, slots=True)
class Event:
    """Something changes at `version`: from it on, or after it."""

    kind: EventKind
    version: str


@dataclass(frozen=True, slots=True)
class Rating:
    """How bad somebody finds it: `type` says in what language, such as CVSS_V3 or Ubuntu, `score` is the sentence."""

    type: str
    score: str


@dataclass(frozen=True, slots=True)
class Affected:
    """One package of one ecosystem, and which of its versions. `ranges` are the events of each, those of commits left
    out. `word` is the rating of who makes the package, in one word; empty where there is none. `informational`: nothing
    is wrong, the package is only no longer looked after, or the like (RustSec)."""

    ecosystem: str
    name: str
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: frozenset[str] = frozenset()
    ratings: tuple[Rating, ...] = ()
    word: str = ""
    informational: bool = False

    @property
    def indexed_name(self) -> str:
        """The name as it is looked up."""
        return indexed_name(self.ecosystem, self.name)


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record. `aliases` are other names of the same thing; `upstream` and `related` name what it goes back to.

    `published` and `modified` are seconds since 1970. `word` is the rating of who wrote it, in one word. `unreviewed`:
    taken over from elsewhere, no person has looked at it. `withdrawn`: its writer takes it back.
    """

    id: str
    modified: float | None = None
    published: float | None = None
    withdrawn: bool = False
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    summary: str = ""
    details: str = ""
    ratings: tuple[Rating, ...] = ()
    word: str = ""
    unreviewed: bool = False
    affected: tuple[Affected, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Its id and its aliases: each means this record, wherever it is said."""
        return (self.id, *self.aliases)

    @property
    def malicious(self) -> bool:
        """Whether the package was made to do harm (OSV schema, database MAL)."""
        return self.id.startswith("MAL-")


def indexed_name(ecosystem: str, name: str) -> str:
    """A package's name as it is looked up: names that an ecosystem takes for the same become one.

    PyPI: PEP 503. NuGet and Packagist do not tell case apart.
    """
    base = ecosystem.partition(":")[0]
    if base == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.lower() if base in {"NuGet", "Packagist"} else name


def read_advisory(value: object) -> Advisory:
    """A record from its JSON. Raises AdvisoryInvalid."""
    if not isinstance(value, dict):
        raise AdvisoryInvalid("", "the record", "must be an object")
    return _Record(value).advisory()


class _Record:
    """Reads one; knows its id for what it refuses."""

    __slots__ = ("_id", "_members")

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members
        self._id = _text(members, "id")
        if not self._id or len(self._id) > 200:
            self._refuse("id", "must be a name of up to 200 characters")

    def advisory(self) -> Advisory:
        members = self._members
        own = _inner(members, "database_specific")
        return Advisory(
            id=self._id,
            modified=_moment(members, "modified"),
            published=_moment(members, "published"),
            withdrawn=bool(members.get("withdrawn")),
            aliases=_texts(members, "aliases"),
            upstream=_texts(members, "upstream"),
            related=_texts(members, "related"),
            summary=_text(members, "summary")[:TEXT_LIMIT],
            details=_text(members, "details")[:TEXT_LIMIT],
            ratings=_ratings(members),
            word=_text(own, "severity"),
            unreviewed=_text(own, "review_status") == "UNREVIEWED",
            affected=tuple(self._affected()),
        )

    def _affected(self) -> Iterator[Affected]:
        for entry in self._strictly(self._members, "affected"):
            package = _inner(entry, "package")
            ecosystem, name = _text(package, "ecosystem"), _text(package, "name")
            if not ecosystem or not name:
                continue  # commits of a repository, which no package database knows
            makers = (_inner(entry, "ecosystem_specific"), _inner(entry, "database_specific"))
            yield Affected(
                ecosystem=ecosystem,
                name=name,
                ranges=tuple(self._ranges(entry)),
                versions=frozenset(self._versions(entry)),
                ratings=_ratings(entry),
                word=next((word for maker in makers for word in _words(maker) if word), ""),
                informational=any(maker.get("informational") for maker in makers),
            )

    def _ranges(self, entry: Mapping[str, object]) -> Iterator[tuple[Event, ...]]:
        for written in self._strictly(entry, "ranges"):
            if _text(written, "type") in {"SEMVER", "ECOSYSTEM"}:
                yield tuple(self._events(written))

    def _events(self, written: Mapping[str, object]) -> Iterator[Event]:
        for event in self._strictly(written, "events"):
            for name, kind in _KINDS.items():
                if name in event:
                    yield Event(kind, _text(event, name) or self._refuse(f"events.{name}", "must be a version"))

    def _versions(self, entry: Mapping[str, object]) -> Iterator[str]:
        for version in self._list(entry, "versions"):
            yield version if isinstance(version, str) else self._refuse("versions", "must be strings")

    def _strictly(self, members: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
        for item in self._list(members, name):
            yield item if isinstance(item, dict) else self._refuse(name, "must be objects")

    def _list(self, members: Mapping[str, object], name: str) -> list[object]:
        value = members.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else self._refuse(name, "must be a list")

    def _refuse(self, field: str, rule: str) -> NoReturn:
        raise AdvisoryInvalid(self._id, field, rule)


def _words(maker: Mapping[str, object]) -> Iterator[str]:
    """What Debian, Ubuntu and the others call their rating."""
    for name in ("ubuntu_priority", "urgency", "severity"):
        yield _text(maker, name)


def _ratings(members: Mapping[str, object]) -> tuple[Rating, ...]:
    written = ((_text(rating, "type"), _text(rating, "score")) for rating in _objects(members, "severity"))
    return tuple(Rating(metric, score) for metric, score in written if metric and score)


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _texts(members: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = members.get(name)
    return tuple(item for item in value if isinstance(item, str) and item) if isinstance(value, list) else ()


def _moment(members: Mapping[str, object], name: str) -> float | None:
    return parse_instant(_text(members, name))


def _inner(members: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = members.get(name)
    return value if isinstance(value, dict) else {}


def _objects(members: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    value = members.get(name)
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
