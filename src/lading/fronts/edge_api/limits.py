"""How much, and how long, the door grants an agent; how long its messages may be is the wire's."""

from __future__ import annotations

from dataclasses import dataclass

from lading.wire.tunnel_login import LOGIN_SECONDS


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What each socket is granted; times in seconds.

    `login_seconds` until it has said who it is, with `early_frames` others before at most, each of which is answered
    that nobody has logged in. `waiting_bytes` wait for an agent that reads slowly; past that it is hung up on.
    `closing_seconds` for what was said before a close to go out, and for the other side to close as well.
    """

    login_seconds: float = LOGIN_SECONDS
    early_frames: int = 8
    waiting_bytes: int = 64 * 1024 * 1024
    closing_seconds: float = 10.0


DEFAULT_LIMITS = EdgeLimits()
