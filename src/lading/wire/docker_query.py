"""What stands after the question mark of the Docker Engine API: forms, filters, platforms and moments.

flag       empty, 0, no, false and none are no; anything else is yes
filters    {"label":{"a=b":true}} of newer clients and {"label":["a=b"]} of older ones
platform   {"os":"linux","architecture":"arm","variant":"v7"}
moment     1700000000.25, 2026-01-31T10:00:00Z, 2026-01-31, or how long ago: 1h30m
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from lading.errors import InputInvalid
from lading.oci.platform import Platform
from lading.wire.json_answers import read_json

FIELDS_LIMIT = 1000
"""Parameters of one request: `docker save` names each image in one."""

_NO = frozenset({"", "0", "no", "false", "none"})
_TRUE, _FALSE = frozenset({"1", "true"}), frozenset({"0", "false"})


class FormInvalid(InputInvalid):
    """Parameters beyond what one request may have."""

    def __str__(self) -> str:
        return f"a request has at most {FIELDS_LIMIT} parameters"


class FiltersUnreadable(InputInvalid):
    """`filters` that are no JSON, or JSON of another shape."""

    def __str__(self) -> str:
        return 'invalid filters: they are written {"name":{"value":true}} or {"name":["value"]}'


class FilterInvalid(InputInvalid):
    """A filter that is not known there, or does not take this value."""

    def __init__(self, name: str, values: tuple[str, ...] | None = None) -> None:
        super().__init__(name, values)
        self.name, self.values = name, values

    def __str__(self) -> str:
        if self.values is None:
            return f"invalid filter '{self.name[:100]}'"
        return f"invalid filter '{self.name[:100]}=[{' '.join(self.values)[:200]}]'"


class PlatformUnreadable(InputInvalid):
    """A platform parameter that is no JSON object, or lacks what every platform has."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule

    def __str__(self) -> str:
        return f"invalid platform: {self.rule}"


class MomentUnreadable(InputInvalid):
    """Text that is no point in time."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"failed to parse value as time or duration: {self.text[:100]!r}"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to: every name must hold. Whether one of its values does or all, is the name's."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, text: str, known: Collection[str]) -> Filters:
        """Empty text is no filter. Raises FiltersUnreadable, FilterInvalid for a name that is not `known`."""
        values = {name: _filter_values(found) for name, found in _object(text).items()} if text else {}
        unknown = next((name for name in values if name not in known), None)
        if unknown is not None:
            raise FilterInvalid(unknown)
        return cls(values)

    def __contains__(self, name: object) -> bool:
        return bool(self.values.get(name)) if isinstance(name, str) else False

    def all(self, name: str) -> tuple[str, ...]:
        """Its values."""
        return self.values.get(name, ())

    def truth(self, name: str) -> bool | None:
        """None where nothing is said. Raises FilterInvalid."""
        given = self.all(name)
        if not given:
            return None
        if len(set(given)) > 1 or given[0] not in _TRUE | _FALSE:
            raise FilterInvalid(name, given)
        return given[0] in _TRUE

    def moment(self, name: str, now: float) -> float | None:
        """Seconds since 1970; None where nothing is said. Raises FilterInvalid, MomentUnreadable."""
        given = self.all(name)
        if len(given) > 1:
            raise FilterInvalid(name, given)
        return read_moment(given[0], now) if given else None


class Form:
    """Parameters by name, in the order in which they stand."""

    def __init__(self, *encoded: str) -> None:
        """Of several texts the first wins: the body's, before the query's. Raises FormInvalid."""
        self._fields: dict[str, list[str]] = {}
        for text in encoded:
            try:
                pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_LIMIT)
            except ValueError as error:
                raise FormInvalid from error
            for name, value in pairs:
                self._fields.setdefault(name, []).append(value)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def one(self, name: str) -> str:
        """The first of that name; empty where there is none."""
        return self._fields.get(name, [""])[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Every one of that name."""
        return tuple(self._fields.get(name, ()))

    def flag(self, name: str, default: bool = False) -> bool:
        """`default` where it is not there at all."""
        return self.one(name).strip().lower() not in _NO if name in self else default

    def filters(self, *known: str) -> Filters:
        """Raises FiltersUnreadable, FilterInvalid."""
        return Filters.read(self.one("filters"), known)

    def platform(self, name: str = "platform") -> Platform | None:
        """A platform written as JSON; None where there is none. Raises PlatformUnreadable."""
        text = self.one(name)
        return read_platform(text) if text else None

    def platforms(self, name: str) -> tuple[Platform, ...]:
        """Every one of that name. Raises PlatformUnreadable."""
        return tuple(read_platform(text) for text in self.all(name) if text)


def read_platform_words(text: str, native: Platform) -> Platform:
    """A platform written `os[/architecture[/variant]]`, or as an architecture alone; what it leaves out is as here.
    Raises PlatformInvalid."""
    if "/" in text:
        return Platform.parse(text)
    if text.lower() in _SYSTEMS:
        return Platform.parse(f"{text}/{native.architecture}")
    return Platform.parse(f"{native.os}/{text}")


_SYSTEMS = frozenset({"linux", "windows", "darwin", "macos", "freebsd"})


def read_platform(text: str) -> Platform:
    """Raises PlatformUnreadable."""
    try:
        members = read_json(text.encode())
    except ValueError as error:
        raise PlatformUnreadable("it is not the JSON of a platform") from error
    if not isinstance(members, dict):
        raise PlatformUnreadable("it is not the JSON of a platform")
    given = {name: members.get(name) or "" for name in ("os", "architecture", "variant", "os.version")}
    if not all(isinstance(value, str) for value in given.values()):
        raise PlatformUnreadable("its members are texts")
    if not (given["os"] and given["architecture"]):
        raise PlatformUnreadable("both OS and Architecture must be provided")
    return Platform(
        str(given["os"]), str(given["architecture"]), str(given["variant"]) or None, str(given["os.version"]) or None
    ).normalised


_DURATION = re.compile(r"-?(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h))+")
_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SECONDS = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,18})?")


def read_moment(text: str, now: float) -> float:
    """Seconds since 1970 as a number, RFC 3339 with or without time and zone (then UTC), or how long before `now`.
    Raises MomentUnreadable."""
    if _SECONDS.fullmatch(text):
        return float(text)
    if _DURATION.fullmatch(text):
        length = math.fsum(float(count) * _UNIT_SECONDS[unit] for count, unit in _PIECE.findall(text))
        return now + length if text.startswith("-") else now - length
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise MomentUnreadable(text) from error


def _object(text: str) -> dict[str, object]:
    try:
        members = read_json(text.encode())
    except ValueError as error:
        raise FiltersUnreadable from error
    if not isinstance(members, dict):
        raise FiltersUnreadable
    return members


def _filter_values(found: object) -> tuple[str, ...]:
    """Of both shapes; that a value is `true` says nothing, as Docker's daemon reads it."""
    if isinstance(found, dict):
        return tuple(map(str, found))
    if isinstance(found, list) and all(isinstance(value, str) for value in found):
        return tuple(found)
    raise FiltersUnreadable
