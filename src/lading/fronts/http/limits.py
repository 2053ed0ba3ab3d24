"""How much, and how long, a server grants its clients."""

from __future__ import annotations

from dataclasses import dataclass

from lading.wire.http_framing import DRAIN_SECONDS


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server grants its clients; times in seconds.

    `per_address` connections from one address, and `per_client` requests at work for one client that a proxy brings.
    `head_seconds` for a whole head, and for the first byte of a new connection; `idle_seconds` between requests;
    `stall_seconds` for the next byte of a body, in either direction; over as long a time a body moves at `slowest`
    bytes a second or more. Where all places are taken, who has not said what it wants within `patience_seconds`, or
    still sends what nobody reads, loses its place to who comes.
    """

    connections: int = 512
    per_address: int = 64
    per_client: int = 64
    head_seconds: float = 10.0
    idle_seconds: float = 75.0
    stall_seconds: float = 60.0
    slowest: int = 1024
    drain_seconds: float = DRAIN_SECONDS
    patience_seconds: float = 1.0

    @property
    def strangers(self) -> int:
        """How many requests may be at work for those who are not known: whoever is known finds room beside them."""
        return max(self.connections // 2, 1)


DEFAULT_LIMITS = Limits()
