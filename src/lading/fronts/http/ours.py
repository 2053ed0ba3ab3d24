"""Which names this server goes by: a request that asks for another one was led here by somebody else.

A page of a foreign site can make a browser ask us in two ways. It can ask openly, and then Origin names the site. Or
its own name can be made to lead to our address ("DNS rebinding"), and then Host names the site. An IP address in Host
cannot be a foreign site's, as no name was looked up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from lading.oci.reference import Reference, ReferenceInvalid, is_registry
from lading.wire.guard import authority, is_loopback

LAST_PORT = 65535
_LONGEST = 255 + len(":65535")
"""Characters of a name and its port (RFC 1035, 2.3.4): what is longer is no host, and is not remembered."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::([0-9]{1,5}))?")
"""Host[:port] as a browser sends it (RFC 9110, 7.2); what may stand there besides opens only disputes over it."""


@dataclass(frozen=True, slots=True)
class OurNames:
    """`public` are the host names under which others reach us, lower case and without a port; `origins` the pages we
    show there, as scheme://host[:port]."""

    public: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def of_urls(cls, urls: Collection[str]) -> OurNames:
        """Those of the public URLs that are configured."""
        names = frozenset(name.lower() for url in urls if (name := urlsplit(url).hostname))
        return cls(names, frozenset(f"{urlsplit(url).scheme}://{authority(url)}" for url in urls))

    def permits_host(self, host: str) -> bool:
        """Whether a Host header is one of ours: loopback, an IP address, or a public name."""
        name = _name(host)
        return bool(name) and (is_loopback(host) or _is_address(name) or name in self.public)

    def path_of(self, gun: str, asked: str) -> str | None:
        """The path in a repository's full name, host[:port]/path, if its registry is this one: by a public name, by a
        loopback name, as tunnels end at one, or by the very host[:port] that is asked. None where it is another's."""
        host, _, path = gun.partition("/")
        ours = _name(host) in self.public or is_loopback(host) or host == asked
        if not ours or not is_registry(host):
            return None
        try:
            named = str(Reference.parse(gun).repository) == gun
        except ReferenceInvalid:  # `localhost.` is this machine, and no registry's name
            return None
        return path if named else None

    def permits_origin(self, origin: str | None, host: str) -> bool:
        """Whether the page that asks, if one does, came from us: from the very host and port it asks, or from a public
        URL of ours, whose proxy may ask us by another name. Another program's page on the same host is not ours, though
        browsers show it our cookies; `null` is nobody's."""
        if origin is None:
            return True
        scheme, _, asked = origin.lower().partition("://")
        return origin.lower() in self.origins or (scheme in {"http", "https"} and asked == host.lower())


def is_led(origin: str | None, site: str | None, method: str) -> bool:
    """Whether a page elsewhere makes the browser change something, where it withholds Origin, as some are set up to:
    then Sec-Fetch-Site still says so (Fetch Metadata). Another port of the same host is elsewhere too."""
    return origin is None and site in {"cross-site", "same-site"} and method not in {"GET", "HEAD", "OPTIONS"}


def names_one(hosts: Sequence[str], origins: Sequence[str]) -> bool:
    """Whether a request's headers say once which host is asked, in a way that leaves no doubt (RFC 9112, 3.2), and at
    most once which page asks."""
    return len(hosts) == 1 and len(origins) <= 1 and bool(_name(hosts[0]))


def _name(host: str) -> str:
    """Without the port; empty for what is no host[:port]. Asked at every request, about the same few names."""
    return _read_name(host) if len(host) <= _LONGEST else ""


@lru_cache(maxsize=1024)
def _read_name(host: str) -> str:
    found = _HOST.fullmatch(host)
    if found is None or int(found[2] or 0) > LAST_PORT:
        return ""
    name = found[1].lower()
    return name if not name.startswith("[") else name[1:-1] if _is_address(name[1:-1]) else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
