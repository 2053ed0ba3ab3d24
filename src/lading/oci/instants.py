"""Moments as other programs write them, and as we do."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_instant(text: str) -> float | None:
    """RFC 3339 with any number of fraction digits, in seconds since 1970; None where it is none, or names no zone, or
    is Go's zero time, which means that nobody knows."""
    head, dot, tail = text.replace("Z", "+00:00").partition(".")
    zone = tail.lstrip("0123456789") if dot else ""
    try:
        moment = datetime.fromisoformat(head + zone)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo and moment.year > 1 else None


def instant(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_text(seconds: float | None) -> str | None:
    """The same; None where nobody knows, or somebody else's word for it is no time at all."""
    try:
        return None if seconds is None else instant(seconds)
    except (OverflowError, OSError, ValueError):
        return None
