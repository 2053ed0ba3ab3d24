"""What every form that makes a row with a name holds to: one rule for names, and one for PEM texts."""

from __future__ import annotations

LONGEST_NAME = 100
NAME_RULE = f"must have 1 to {LONGEST_NAME} characters, all of them visible"

LONGEST_PEM = 200_000
"""Characters: a chain of authorities is some tens of thousands."""


def row_name(text: str) -> str | None:
    """Without the spaces around it; None where it breaks `NAME_RULE`."""
    name = text.strip()
    return name if 0 < len(name) <= LONGEST_NAME and name.isprintable() else None


def is_pem(text: str, what: str) -> bool:
    """Whether it may be a PEM text of this kind, `CERTIFICATE` or `PRIVATE KEY` (RFC 7468): its reader decides."""
    return len(text) <= LONGEST_PEM and text.isascii() and "-----BEGIN " in text and f"{what}-----" in text
