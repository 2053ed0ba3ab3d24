"""Behind proxies: whose request it was, where the proxies that we trust say so."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Forwarding:
    """`trusted` are the addresses of proxies whose word counts; none by default."""

    trusted: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, words: Iterable[str]) -> Forwarding:
        """From addresses and networks. Raises ValueError."""
        return cls(tuple(ipaddress.ip_network(word, strict=False) for word in words))

    def client(self, peer: str, forwarded_for: str | None) -> str:
        """The address that a request came from: the last in X-Forwarded-For that is not a proxy of ours, as each proxy
        appends whom it saw. What stands before it may be made up by the client."""
        if not self._is_trusted(peer):
            return peer
        client = peer
        for hop in reversed([hop.strip() for hop in (forwarded_for or "").split(",") if hop.strip()]):
            if not _is_address(hop):
                break
            client = hop
            if not self._is_trusted(hop):
                break
        return client

    def is_secure(self, peer: str, scheme: str, forwarded_scheme: str | None) -> bool:
        """Whether the client speaks TLS: with us, or with a proxy of ours that says so."""
        return scheme == "https" or (self._is_trusted(peer) and forwarded_scheme == "https")

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
