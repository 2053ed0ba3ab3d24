"""How much, and how long, a server grants its clients."""

from __future__ import annotations

from dataclasses import dataclass

from lading.wire.http_framing import DRAIN_SECONDS


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server grants its clients; times in seconds.

    `head_seconds` for a whole head, and for the first byte of a new connection; `idle_seconds` between requests;
    `stall_seconds` for the next byte of a body, in either direction; over as long a time a body moves at `slowest`
    bytes a second or more.
    """

    connections: int = 512
    per_address: int = 64
    head_seconds: float = 10.0
    idle_seconds: float = 75.0
    stall_seconds: float = 60.0
    slowest: int = 1024
    drain_seconds: float = DRAIN_SECONDS


DEFAULT_LIMITS = Limits()
