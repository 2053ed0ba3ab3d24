"""Names to addresses, and the guard against being sent into private networks (server-side request forgery).

A registry may name another host: a token realm, an upload's Location, a redirect. A hostile one names an address that
only we can reach: a cloud's metadata service, a router, something on this machine. So an address found through another
host's answer may be at most as close to us as that host itself, and the address that was checked is the one that is
connected to: asking the resolver again would let the answer change in between.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from lading.backends.http.refusals import LinkAddressRefused
from lading.wire.guard import host_name
from lading.wire.message import AddressRefused, ConnectFailed


class Address(NamedTuple):
    """Where a socket connects: its family, and the address the resolver gave for it, first element the IP."""

    family: int
    place: tuple[str, int] | tuple[str, int, int, int]


Resolve = Callable[[str, int], Sequence[Address]]
"""Addresses of a host and port, best first. Raises ConnectFailed where the name means nothing."""


class Closeness(IntEnum):
    """How near an address is to this machine."""

    PUBLIC = 0
    PRIVATE = 1
    LINK = 2
    MACHINE = 3

    @classmethod
    def of(cls, text: str) -> Closeness:
        """IPv4 addresses inside IPv6 ones (mapped, 6to4, NAT64) count as what they hide."""
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
        if address.is_loopback or address.is_unspecified:
            return cls.MACHINE
        if address.is_link_local or address.is_multicast:
            return cls.LINK
        return cls.PUBLIC if address.is_global else cls.PRIVATE


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _unwrapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def resolve(host: str, port: int) -> Sequence[Address]:
    """By the system's resolver, in its order (RFC 6724)."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a host name"
        raise ConnectFailed(host, f"its name does not resolve: {reason}") from error
    return [Address(family, place) for family, _, _, _, place in found if isinstance(place[0], str)]


_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "fd00:ec2::254",  # Amazon, over IPv6
        "fd20:ce::254",  # Google, over IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
    )
)
"""Services that give a machine its secrets at addresses which are not link-local; most clouds use 169.254.169.254."""


def resolve_beyond_link(host: str, port: int) -> Sequence[Address]:
    """As `resolve`, for hosts that somebody typed into a form: private ones are what it is for, but no metadata
    service and nothing link-local. Raises LinkAddressRefused besides."""
    found = resolve(host, port)
    for address in found:
        text = address.place[0]
        if (
            Closeness.of(text) is Closeness.LINK
            or _unwrapped(ipaddress.ip_address(text.partition("%")[0])) in _METADATA
        ):
            raise LinkAddressRefused(host)
    return found


def written(host: str) -> Sequence[Address]:
    """The address `host` itself spells, if it does: all that can be known where a proxy resolves the names."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return []
    return [Address(socket.AF_INET if address.version == 4 else socket.AF_INET6, (host, 0))]


class Names:
    """A resolver that remembers what a name meant when it was first asked for. Thread-safe.

    Whose answers we follow is judged by where he was then: a name's owner can let it lead to this machine a moment
    after we have spoken with him (DNS rebinding).
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._first: dict[str, Sequence[Address]] = {}

    def resolve(self, host: str, port: int) -> Sequence[Address]:
        """What it means now. Raises ConnectFailed."""
        found = self._resolve(host, port)
        self._first.setdefault(host, found)
        return found

    def first(self, host: str, port: int) -> Sequence[Address]:
        """What it meant at first, with the port of then. Raises ConnectFailed."""
        return self._first.get(host) or self.resolve(host, port)


def check_referred(host: str, addresses: Sequence[Address], referred_by: str, resolve: Resolve) -> None:
    """Raises AddressRefused where an address is closer to us than `referred_by`, host[:port], who named it: than his
    farthest address, or than his closest where he only named another port of his own."""
    closest = max((Closeness.of(address.place[0]) for address in addresses), default=Closeness.PUBLIC)
    if closest is Closeness.PUBLIC:
        return
    referrer = host_name(referred_by)
    where = [Closeness.of(address.place[0]) for address in resolve(referrer, 0)]
    if closest > (max(where) if referrer == host else min(where)):
        raise AddressRefused(host, referred_by)
