"""Where a Docker host listens, as docker's own command and people write it: unix:///PATH, tcp://HOST[:PORT], and the
same with http:// or https://.

What is taken is what docker's command (28) and curl (7.88) take and can come to anything. An underscore in a name,
zeros before a port, nothing after the colon, and a slash at the end are no faults to them. No port of theirs is 0 or
beyond 65535. Brackets hold an IPv6 address, as RFC 3986 and curl have it; docker looks what else they hold up as a
name. An address without them is refused, as by curl: docker takes the last part for the port, and people mean either.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

PORTS = {"http": 2375, "https": 2376}
"""Where the engine API usually is, without and with TLS (IANA: docker, docker-s)."""

MOST_PORT = 65_535

_TCP = re.compile(r"(tcp|https?)://(?:\[([^\]]+)\]|([^\[\]:/@]+))(?::([0-9]{0,9}))?/?", re.ASCII)

_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
"""Any name that a resolver may be asked for (RFC 1035, 2.3.4), and IPv4 addresses."""


@dataclass(frozen=True, slots=True)
class DockerAddress:
    """`socket` is the path of a unix socket, empty for the usual one; else `host`, an IPv6 address without its
    brackets. `protocol` None: the one of `tcp`, which only the certificates beside it tell."""

    socket: str | None = None
    host: str = ""
    port: int | None = None
    protocol: str | None = None

    @classmethod
    def parse(cls, text: str) -> DockerAddress | None:
        """None where it is no such address."""
        if text.startswith("unix://"):
            return cls(text.removeprefix("unix://"))
        match = _TCP.fullmatch(text)
        if match is None:
            return None
        scheme, address, name, port = match[1], match[2], match[3], int(match[4]) if match[4] else None
        if not (is_address(address) if address else is_name(name)) or not (port is None or 1 <= port <= MOST_PORT):
            return None
        return cls(None, address or name, port, None if scheme == "tcp" else scheme)

    def origin(self, protocol: str) -> str:
        """scheme://host:port under this protocol."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{protocol}://{host}:{self.port or PORTS[protocol]}"


def is_name(text: str) -> bool:
    """Whether it can be the name of a host, or is an IPv4 address."""
    return _NAME.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Whether it is an IPv6 address, without brackets and without a zone, which means something on one machine only."""
    with suppress(AddressValueError):
        return IPv6Address(text).scope_id is None
    return False
