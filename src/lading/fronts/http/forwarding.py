"""Behind proxies: whose request it was, where the proxies that we trust say so."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
MOST_PORTS = 65535
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
"""No dot segments: whoever resolves them would leave what is before them."""


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

    def outside(self, peer: str, headers: Mapping[str, str], names: Collection[str] = ()) -> str | None:
        """scheme://host[:port] and the path before ours, as the client reached the first proxy; None where no proxy of
        ours says anything of it, or says what no URL holds, or something doubtful.

        A proxy may append to what the client said, or pass it on, so several words in a field are in doubt; `names` are
        what others call us, in small letters, where that is known: then no other is told."""
        if not self.trusts(peer):
            return None
        schemes, prefixes = _words(headers, "x-forwarded-proto"), _words(headers, "x-forwarded-prefix")
        hosts = _words(headers, "x-forwarded-host")
        if not (schemes or hosts or prefixes):
            return None
        host, prefix = _host(hosts, headers.get("host", ""), names), _prefix(prefixes)
        known = not {*schemes} - {"http", "https"} and _is_host(host) and prefix is not None
        return f"{'https' if 'https' in schemes else 'http'}://{host}{prefix}" if known else None

    def prefix(self, peer: str, headers: Mapping[str, str]) -> str:
        """The path that a proxy of ours took off before it asked; empty where it says none, or something doubtful."""
        return (_prefix(_words(headers, "x-forwarded-prefix")) or "") if self.trusts(peer) else ""

    def trusts(self, address: str) -> bool:
        """Whether it is a proxy of ours."""
        if not self.trusted:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted)


def _words(headers: Mapping[str, str], name: str) -> Sequence[str]:
    return [word for each in headers.get(name, "").split(",") if (word := each.strip())]


def _prefix(told: Sequence[str]) -> str | None:
    """Without the slash at its end; None where it is in doubt."""
    prefix = told[0].rstrip("/") if told else ""
    return prefix if len(told) <= 1 and (not prefix or _PREFIX.fullmatch(prefix)) else None


def _host(told: Sequence[str], asked: str, names: Collection[str]) -> str:
    """Which of these is ours, or what we were asked as where that is; empty where none is."""
    if not told or (len(told) == 1 and not names):
        return told[0] if told else asked
    ours = [each for each in (*told, asked) if _name(each) in names]
    same = [each for each in told if each.lower() == asked.lower()]
    return next(iter((*ours, *same)), "")


def _name(host: str) -> str:
    found = _HOST.fullmatch(host)
    return "" if found is None else found["name"].strip("[]").lower()


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= MOST_PORTS


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
