"""The one fixture of events that every form of progress is tested from; the page reads the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lading.oci.digest import Digest
from lading.wire.ledger import Totals
from lading.wire.progress import Advanced, Event, Held, Kind, Noted, Piece, Planned, State, Tagged

PATH = Path(__file__).parents[1] / "fixtures" / "progress.json"
JOBS = PATH.with_name("jobs.json")


def read_events(part: str = "events") -> list[Event]:
    """The events in the middle of a push, or its `last` ones."""
    return [_event(dict(each)) for each in _content()[part]]


def read_objects(part: str = "events") -> list[dict[str, Any]]:
    """The same as the file has them."""
    return [dict(each) for each in _content()[part]]


def read_totals() -> Totals:
    """What `events` come to."""
    return Totals(**_content()["totals"])


def read_jobs() -> list[dict[str, Any]]:
    """Recorded jobs, each with the steps of its time: an event, the lines it made, and perhaps a tick."""
    jobs: list[dict[str, Any]] = json.loads(JOBS.read_text())["jobs"]
    return jobs


def read_event(fields: dict[str, Any]) -> Event:
    """The event that an object tells of."""
    return _event(dict(fields))


def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(PATH.read_text())
    return content


def _event(fields: dict[str, Any]) -> Event:
    match fields.pop("event"):
        case "planned":
            pieces = tuple(Piece(p["id"], Kind(p["kind"]), p["size"], p["label"]) for p in fields["pieces"])
            return Planned(fields["target"], pieces)
        case "advanced":
            return Advanced(**{**fields, "state": State(fields["state"])})
        case "held":
            return Held(**fields)
        case "tagged":
            return Tagged(**{**fields, "digest": Digest.parse(fields["digest"])})
        case "noted":
            return Noted(**fields)
        case kind:
            raise ValueError(kind)
