"""Which way to a host: directly or through which proxy, from the variables every Unix program reads.

HTTP_PROXY is for http URLs, HTTPS_PROXY for https ones, ALL_PROXY for both; NO_PROXY lists who is reached directly:
`*`, names (their sub-domains too), addresses, networks as 10.0.0.0/8, each with an optional port. This machine itself
is never reached through a proxy. Lower-case names are read as well and win, as in curl.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lading.backends.http.refusals import ProxyInvalid, ProxyUnsupported
from lading.backends.http.target import Target
from lading.wire.guard import is_this_machine


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of Proxy-Authorization, a secret."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Spared:
    """One entry of NO_PROXY."""

    name: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    port: int | None

    def covers(self, target: Target) -> bool:
        if self.port is not None and self.port != target.port:
            return False
        if self.network is not None:
            address = _address(target.host)
            return address is not None and address in self.network
        return self.name in {"*", target.host} or target.host.endswith(f".{self.name}")


class Proxies:
    """Answers the way to each target. Values are parsed when first needed: a bad one fails only who would use it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._chosen = {
            "http": _first(environment, "HTTP_PROXY", "ALL_PROXY"),
            "https": _first(environment, "HTTPS_PROXY", "ALL_PROXY"),
        }
        spared = _first(environment, "NO_PROXY")[1]
        self._spared = [_spared(entry) for entry in spared.replace(",", " ").split()]

    def route(self, target: Target) -> Proxy | None:
        """None: directly. Raises ProxyUnsupported, ProxyInvalid."""
        variable, value = self._chosen[target.scheme]
        if not value or is_this_machine(target.host) or any(entry.covers(target) for entry in self._spared):
            return None
        return _proxy(variable, value)


def _first(environment: Mapping[str, str], *variables: str) -> tuple[str, str]:
    for variable in variables:
        for spelling in (variable.lower(), variable):
            if environment.get(spelling):
                return spelling, environment[spelling]
    return variables[0], ""


def _proxy(variable: str, value: str) -> Proxy:
    """`host:port` without a scheme means http, as in curl and Go."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ProxyInvalid(variable, "its host or port cannot be read") from error
    if parts.scheme != "http":
        raise ProxyUnsupported(variable, parts.scheme)
    if not host:
        raise ProxyInvalid(variable, "it has no host")
    login = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(host, port or 80, login)


def _spared(entry: str) -> _Spared:
    name, port = _split_port(entry)
    try:
        return _Spared(name, ipaddress.ip_network(name.strip("[]"), strict=False), port)
    except ValueError:
        return _Spared(name.removeprefix("*.").lstrip(".").lower(), None, port)


def _split_port(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    return (name, int(port)) if colon and port.isdigit() and (":" not in name or name.endswith("]")) else (entry, None)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
