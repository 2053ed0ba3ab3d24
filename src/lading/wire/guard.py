"""Where secrets may go, and which hosts are one and the same: rules about URLs, without asking any resolver.

A password or token travels only under TLS, to this machine, or where the user has said that plain HTTP will do. An
address found in somebody's answer (a token realm, a Location, a redirect) is marked `Request.referred_by`, so that the
transport, which sees addresses, refuses to be sent into private networks.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]{1,5})?")


def authority(url: str) -> str:
    """Host[:port] in one spelling: lower case, the scheme's own port left out."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    port = parts.port
    return name if port is None or port == DEFAULT_PORTS.get(parts.scheme) else f"{name}:{port}"


def host_name(host: str) -> str:
    """The name or address in host[:port]."""
    return urlsplit(f"//{host}").hostname or ""


def name_and_port(url: str) -> tuple[str, int]:
    """Where an http:// or https:// URL leads: an IPv6 address without its brackets, and the scheme's own port where it
    names none."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether host[:port], from anywhere, is this very machine, by name or by number (RFC 6761, 6.3).

    No name is looked up: another name that leads here today may lead a browser here from a foreign page.
    """
    match = _HOST.fullmatch(host)
    return match is not None and is_this_machine(match[1].strip("[]"))


def sent_in_clear(url: str) -> bool:
    """Whether everybody on the way reads what is sent there: no TLS, and another machine."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "ws"} and not is_loopback(parts.netloc.rpartition("@")[2])


def is_this_machine(name: str) -> bool:
    """Whether a name, or an address without brackets, is localhost, a name below it, or a loopback address."""
    name = name.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def may_carry_secrets(url: str, *, plain_allowed: bool) -> bool:
    """Whether a password or token may be sent there; `plain_allowed` is the user's own word for this registry."""
    parts = urlsplit(url)
    return parts.scheme == "https" or plain_allowed or is_loopback(parts.netloc)


def referrer(asked: str, named: str) -> str | None:
    """Who sent us to the URL `named` when we asked `asked`; None where it stays on the same host and port."""
    here = authority(asked)
    return None if authority(named) == here else here
