"""Docker's events as a daemon tells them, one object a line (docs.docker.com/reference/api/engine, Monitor events).

{"Type":"image","Action":"tag","Actor":{"ID":"sha256:…","Attributes":{"name":"app:1",…}},"timeNano":…}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lading.oci.instants import parse_instant
from lading.wire.docker_lines import LinesBroken
from lading.wire.json_answers import read_json

_NANO = 1_000_000_000
_END = 2**63
"""Of what a daemon counts nanoseconds in (int64)."""
_FRACTION = re.compile(r"\.(\d+)")


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """`id` is what it happened to: an image's id, or the name by which it was pulled or pushed. `attributes` are its
    labels and `name`. `nanoseconds` since 1970, by the daemon's clock."""

    type: str
    action: str
    id: str
    attributes: Mapping[str, str]
    nanoseconds: int


def read_event(line: bytes) -> ToldEvent:
    """Raises LinesBroken where it is no event."""
    try:
        members = read_json(line)
    except ValueError as error:
        raise LinesBroken("an event is not JSON") from error
    if not isinstance(members, dict):
        raise LinesBroken("an event is no JSON object")
    actor = members.get("Actor")
    type, action = members.get("Type"), members.get("Action")  # noqa: A001  the event's own word
    if not isinstance(actor, dict) or not isinstance(type, str) or not isinstance(action, str):
        raise LinesBroken("an event does not say what happened to what")
    identity = actor.get("ID")
    return ToldEvent(
        type, action, identity if isinstance(identity, str) else "", _texts(actor.get("Attributes")), _moment(members)
    )


def moment_text(nanoseconds: int) -> str:
    """As a daemon takes it: seconds, and after a point the rest."""
    return f"{nanoseconds // _NANO}.{nanoseconds % _NANO:09d}"


def exact_moment(text: str) -> int | None:
    """RFC 3339 with any number of fraction digits, in nanoseconds since 1970; None where it is none."""
    whole = parse_instant(text)
    fraction = _FRACTION.search(text)
    return None if whole is None else round(whole) * _NANO + (int(fraction[1].ljust(9, "0")[:9]) if fraction else 0)


def _texts(attributes: object) -> Mapping[str, str]:
    if not isinstance(attributes, dict):
        return {}
    return {name: value for name, value in attributes.items() if isinstance(value, str)}


def _moment(members: Mapping[str, object]) -> int:
    """Old daemons leave the exact one out. Raises LinesBroken."""
    exact, rounded = members.get("timeNano"), members.get("time")
    if isinstance(exact, int) and 0 < exact < _END:
        return exact
    if isinstance(rounded, int) and 0 < rounded < _END // _NANO:
        return rounded * _NANO
    raise LinesBroken("an event does not say when it happened")
