"""Events as JSON objects: the one schema of `--progress=json`, of a job's lines and of the page.

    {"event": "planned", "target", "pieces": [{"id", "kind", "size", "label"}]}
    {"event": "advanced", "target", "id", "state", "current", "total", "kept", "detail", "seconds"}
    {"event": "held", "host", "reason", "until"}
    {"event": "tagged", "target", "tag", "digest", "size"}
    {"event": "noted", "target", "text"}

Every field is always there; null means not known. Sizes are bytes, times are seconds.
"""

from __future__ import annotations

from lading.wire.ledger import Totals
from lading.wire.progress import Advanced, Event, Held, Noted, Piece, Planned, Tagged

JsonObject = dict[str, object]


def event_json(event: Event) -> JsonObject:
    """The object that tells of `event`."""
    match event:
        case Planned(target, pieces):
            return {"event": "planned", "target": target, "pieces": [_piece(piece) for piece in pieces]}
        case Advanced():
            return {
                "event": "advanced",
                "target": event.target,
                "id": event.id,
                "state": event.state.value,
                "current": event.current,
                "total": event.total,
                "kept": event.kept,
                "detail": event.detail,
                "seconds": event.seconds,
            }
        case Held(host, reason, until):
            return {"event": "held", "host": host, "reason": reason, "until": until}
        case Tagged(target, tag, digest, size):
            return {"event": "tagged", "target": target, "tag": tag, "digest": str(digest), "size": size}
        case Noted(target, text):
            return {"event": "noted", "target": target, "text": text}


def totals_json(totals: Totals) -> JsonObject:
    """Totals as JSON, by the names of their fields."""
    return {
        "image": totals.image,
        "sent": totals.sent,
        "kept": totals.kept,
        "exists": totals.exists,
        "mounted": totals.mounted,
        "left": totals.left,
    }


def _piece(piece: Piece) -> JsonObject:
    return {"id": piece.id, "kind": piece.kind.value, "size": piece.size, "label": piece.label}
