"""A bucket's list of changes, newest first: `<Ecosystem>/modified_id.csv`, with lines like
`2026-01-31T10:00:00.5Z,PYSEC-1`."""

from __future__ import annotations

from collections.abc import Iterable

from lading.backends.advisories.record_files import record_name
from lading.oci.instants import parse_instant

CHANGES_LIMIT = 500
"""Records fetched one by one; where more have changed, all of them come at once."""


def changed_since(lines: Iterable[bytes], since: float) -> list[str] | None:
    """The ids of records modified at `since` (seconds since 1970) or later; None where they are too many, or the list
    cannot be trusted: it is not in order, or not of this form."""
    found: list[str] = []
    before = float("inf")
    for line in lines:
        moment, _, name = line.decode("utf-8", "replace").strip().partition(",")
        if not moment:
            continue
        modified = parse_instant(moment)
        if modified is None or modified > before or record_name(f"{name}.json") != name:
            return None
        if modified < since:
            return found
        before = modified
        found.append(name)
        if len(found) > CHANGES_LIMIT:
            return None
    return found
