"""Whether a record means an installed version, and which later one is sound (OSV schema, Evaluation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lading.inventory.advisory import Affected, Event, EventKind
from lading.inventory.fix_state import FixState
from lading.inventory.version_unreadable import VersionUnreadable
from lading.inventory.versions import VersionKey, key


class Standing(StrEnum):
    """From the worst down. `UNCLEAR`: a version, the installed one or one of the record's, cannot be put in order."""

    AFFECTED = "affected"
    UNCLEAR = "unclear"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Fix:
    """The first sound version above the installed one, where a record names it."""

    version: str | None
    state: FixState


def standing(affected: Affected, version: str) -> Standing:
    """A version that the record lists is affected whatever its ranges say."""
    if version in affected.versions:
        return Standing.AFFECTED
    try:
        installed = key(affected.ecosystem, version)
    except VersionUnreadable:
        return Standing.UNCLEAR
    if not affected.ranges:
        listed = any(installed == other for other in _keys(affected.ecosystem, affected.versions))
        return Standing.AFFECTED if listed else Standing.SOUND
    found = {_in_range(affected.ecosystem, events, installed) for events in affected.ranges}
    return next(worst for worst in Standing if worst in found)


def fix(entries: Sequence[Affected], version: str) -> Fix:
    """The lowest version above `version` that one of the records calls mended, and none calls affected."""
    try:
        later = sorted(_later(entries, version))
    except VersionUnreadable:
        return Fix(None, FixState.UNKNOWN)
    for _, mended in later[:_CANDIDATES]:
        if not any(standing(entry, mended) is Standing.AFFECTED for entry in entries):
            return Fix(mended, FixState.FIXED)
    if any(entry.word == "end-of-life" for entry in entries):
        return Fix(None, FixState.WONT_FIX)  # Debian: nobody mends this package in this release any more
    is_open = any(_is_open(entry.ecosystem, events) for entry in entries for events in entry.ranges)
    return Fix(None, FixState.NOT_FIXED if is_open else FixState.UNKNOWN)


_CANDIDATES = 100
"""How many versions are tried at the most; real records have one for each branch."""


def _later(entries: Iterable[Affected], version: str) -> Iterator[tuple[VersionKey, str]]:
    """What the records call mended above `version`."""
    for entry in entries:
        installed = key(entry.ecosystem, version)
        for event in {event for events in entry.ranges for event in events if event.kind is EventKind.FIXED}:
            place = key(entry.ecosystem, event.version)
            if place > installed:
                yield place, event.version


def _is_open(ecosystem: str, events: Sequence[Event]) -> bool:
    """Whether all versions after the last event are affected."""
    try:
        walked = sorted(events, key=lambda event: _place(ecosystem, event))
    except VersionUnreadable:
        return False
    return bool(walked) and walked[-1].kind is EventKind.INTRODUCED


def _in_range(ecosystem: str, events: Sequence[Event], installed: VersionKey) -> Standing:
    """Walks the events from the oldest on. `0` is before every version."""
    try:
        walked = sorted(((_place(ecosystem, event), event.kind) for event in events), key=_first)
    except VersionUnreadable:
        return Standing.UNCLEAR
    inside = False
    for (after_all, place), kind in walked:
        if after_all and installed < place:
            break
        inside = kind is EventKind.INTRODUCED or (kind is EventKind.LAST_AFFECTED and inside and installed == place)
    return Standing.AFFECTED if inside else Standing.SOUND


def _place(ecosystem: str, event: Event) -> tuple[bool, VersionKey]:
    return (False, 0) if event.version == "0" else (True, key(ecosystem, event.version))


def _first(pair: tuple[tuple[bool, VersionKey], EventKind]) -> tuple[bool, VersionKey]:
    return pair[0]


def _keys(ecosystem: str, versions: Iterable[str]) -> Iterator[VersionKey]:
    for version in versions:
        try:
            yield key(ecosystem, version)
        except VersionUnreadable:
            continue
