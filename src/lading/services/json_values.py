"""What every JSON answer is made of: objects, and times as ISO 8601 in UTC."""

from __future__ import annotations

from lading.oci.instants import instant

Json = dict[str, object]


def iso(seconds: float | None) -> str | None:
    """`2026-11-21T07:00:00.123Z`, from seconds since 1970."""
    return None if seconds is None else instant(seconds)
