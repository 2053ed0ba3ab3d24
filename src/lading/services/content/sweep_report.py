"""What a collection of garbage did, in the words of every door: what went, and why the rest stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the engine's collector is loaded by whoever collects
    from lading.engine.collect import Amount, Collected


def collected_json(collected: Collected, *, dry_run: bool) -> Mapping[str, object]:
    """`removed` and `bytes` are what went, or would go."""
    return {
        "removed": collected.removed,
        "bytes": collected.size,
        "dryRun": dry_run,
        "usedLately": {"pieces": collected.leased.pieces, "bytes": collected.leased.size},
        "unfinished": {"pieces": collected.unfinished.pieces, "bytes": collected.unfinished.size},
        "notes": list(why_kept(collected)),
    }


def found_text(found: Amount) -> str:
    """Before anything goes."""
    return f"Found {found.pieces} pieces, {found.size} bytes"


def why_kept(collected: Collected) -> list[str]:
    """A sentence for each reason why something that no name reaches is still here."""
    notes = []
    if collected.leased.pieces:
        notes.append(
            f"{_pieces(collected.leased)} without a name stay until a day after somebody used them last, "
            "so that a transfer that needs them finds them"
        )
    if collected.unfinished.pieces:
        notes.append(f"{_pieces(collected.unfinished)} of unfinished transfers stay to be gone on with")
    return notes


def _pieces(amount: Amount) -> str:
    return f"{amount.pieces} piece{'' if amount.pieces == 1 else 's'} ({amount.size} bytes)"
