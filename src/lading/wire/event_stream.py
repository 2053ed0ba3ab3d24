"""A job as server-sent events (HTML standard, Server-sent events; interfaces §2, Jobs): text out, one header in.

event: snapshot     first, for whoever comes late: state, totals, the layers that move
event: progress     every line, bare, without an id …
event: data         … and again as {"data": line}, with the line's number as id
event: result       the terminal line once more, bare
event: tick         byte counts; no id, because there is nothing to resume from
: …                 a comment, so that nobody in between takes a quiet stream for a dead one
"""

from __future__ import annotations

import json
from collections.abc import Mapping

COMMENT_SECONDS = 15
"""The longest silence."""

COMMENT = b": still here\n\n"

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}
"""Of the answer that carries a stream: nothing in between may keep or gather it."""


def snapshot_text(snapshot: Mapping[str, object]) -> bytes:
    """The first event."""
    return _event("snapshot", _json(snapshot))


def line_text(number: int, data: Mapping[str, object], terminal: bool) -> bytes:
    """A line, in all the forms in which it is told."""
    bare = _json(data)
    told = _event("progress", bare) + _event("data", f'{{"data":{bare}}}', number)
    return told + _event("result", bare) if terminal else told


def tick_text(tick: Mapping[str, object]) -> bytes:
    """A tick."""
    return _event("tick", _json(tick))


def last_event_id(header: str | None) -> int:
    """The number of the last line that a client has, 0 where it has none or sends something else."""
    text = (header or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _event(name: str, text: str, number: int | None = None) -> bytes:
    """JSON has no line breaks of its own, so one `data:` field holds it."""
    identity = "" if number is None else f"id: {number}\n"
    return f"event: {name}\n{identity}data: {text}\n\n".encode()


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))
