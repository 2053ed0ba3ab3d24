"""Behind proxies: whose request it was, where the proxies that we trust say so."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
MOST_PORTS = 65535
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


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
        if not self.trusts(peer):
            return peer
        client = peer
        for hop in reversed([hop.strip() for hop in (forwarded_for or "").split(",") if hop.strip()]):
            if not _is_address(hop):
                break
            client = hop
            if not self.trusts(hop):
                break
        return client

    def is_secure(self, peer: str, scheme: str, forwarded_scheme: str | None) -> bool:
        """Whether the client speaks TLS: with us, or with a proxy of ours that says so."""
        return scheme == "https" or (self.trusts(peer) and forwarded_scheme == "https")

    def outside(self, peer: str, headers: Mapping[str, str]) -> str | None:
        """scheme://host[:port] and the path before ours, as the client reached the first proxy; None where no proxy of
        ours says anything of it, or says what no URL holds. Of several words in a field the first is the client's."""
        if not self.trusts(peer):
            return None
        scheme = _first(headers, "x-forwarded-proto")
        host, prefix = _first(headers, "x-forwarded-host"), _first(headers, "x-forwarded-prefix").rstrip("/")
        if not (scheme or host or prefix):
            return None
        scheme, host = scheme or "http", host or headers.get("host", "")
        known = scheme in {"http", "https"} and _is_host(host) and (not prefix or _PREFIX.fullmatch(prefix))
        return f"{scheme}://{host}{prefix}" if known else None

    def trusts(self, address: str) -> bool:
        """Whether it is a proxy of ours."""
        if not self.trusted:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted)


def _first(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").partition(",")[0].strip()


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= MOST_PORTS


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
