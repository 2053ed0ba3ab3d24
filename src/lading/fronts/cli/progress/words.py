"""States in the words of the terminal and the page."""

from __future__ import annotations

from lading.fronts.cli.texts import duration, size
from lading.wire.ledger import Entry
from lading.wire.progress import State

WORDS = {
    State.WAITING: "waiting",
    State.CHECKING: "checking",
    State.MOVING: "moving",
    State.RETRYING: "retrying",
    State.COMMITTING: "finishing",
    State.UNPACKING: "unpacking",
    State.EXISTS: "exists",
    State.MOUNTED: "mounted",
    State.DONE: "done",
    State.FAILED: "failed",
}


def short(piece: str) -> str:
    """A piece's id as people read it: the first twelve hex digits of a digest."""
    return piece.rpartition(":")[2][:12]


def describe(entry: Entry) -> str:
    """What happens to a piece: `exists, 58.0 MB`, `mounted from team/base, 1.2 MB`, `retrying in 2.0 s: …`."""
    parts = [WORDS[entry.state]]
    if entry.state is State.MOUNTED and entry.detail:
        parts.append(f"({entry.detail})")
    if entry.state is State.RETRYING:
        parts += [f"in {duration(entry.seconds)}"] if entry.seconds is not None else []
        return " ".join(parts) + (f": {entry.detail}" if entry.detail else "")
    if entry.state is State.FAILED:
        return " ".join(parts) + (f": {entry.detail}" if entry.detail else "")
    if entry.piece.size is not None:
        parts[-1] += ","
        parts.append(size(entry.piece.size))
    if entry.kept and entry.state in {State.MOVING, State.DONE}:
        parts.append(f"({size(entry.kept)} kept from an earlier attempt)")
    return " ".join(parts)
