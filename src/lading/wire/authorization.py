"""What a client shows in its Authorization header (RFC 9110, 11.6.2; RFC 7617; RFC 6750)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """A name and a password, or a token in its place."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token and nothing else."""

    token: str = field(repr=False)


def parse_authorization(header: str) -> BasicLogin | BearerToken | None:
    """None for what is neither, or cannot be read."""
    scheme, _, shown = header.strip().partition(" ")
    shown = shown.strip()
    match scheme.lower():
        case "bearer" if shown:
            return BearerToken(shown)
        case "basic":
            return _basic(shown)
    return None


def _basic(shown: str) -> BasicLogin | None:
    try:
        name, colon, secret = base64.b64decode(shown, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return BasicLogin(name, secret) if colon else None
