"""Where answers send us: Location fields, resolved and followed (RFC 9110, 10.2.2 and 15.4).

Registries behind a proxy that does not tell them about TLS write `http://` or `:443` into their Locations. Whoever was
asked over https is never followed to http on the same host: what was meant is https. Another port, but that of plain
HTTP, is another server there, like an object store of its own, and reached as it is written.
"""

from __future__ import annotations

from dataclasses import replace
from string import punctuation
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from lading.errors import ProtocolBroken
from lading.wire.guard import referrer
from lading.wire.message import Conversation, Request, Response

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REDIRECT_LIMIT = 10
EXPIRED = frozenset({400, 401, 403, 410})
"""How stores answer an address whose signature is not good, or is no more."""


class LocationBroken(ProtocolBroken):
    """An answer that sends us nowhere, in circles, or where we do not go."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url, self.reason = urlsplit(url)._replace(query="", fragment="").geturl(), reason

    def __str__(self) -> str:
        return f"{self.url} {self.reason}"


def resolved(asked: str, written: str) -> str:
    """The URL that `written`, found in an answer to `asked`, spells. Raises LocationBroken.

    It is used as it stands, its query above all: registries keep their state there (distribution's `_state`). Only what
    no URL may hold, blanks and letters beyond ASCII, is percent-encoded, as browsers do.
    """
    try:
        there = urlsplit(urljoin(asked, quote(written.strip(), safe=punctuation, encoding="latin-1")))
        there.port  # noqa: B018  reading it is what checks it
    except ValueError as error:
        raise LocationBroken(asked, "sends us to something that is no URL") from error
    if there.scheme not in {"http", "https"} or not there.hostname:
        raise LocationBroken(asked, "sends us to something that is no URL of the web")
    return urlunsplit(there)


def locate(asked: str, location: str) -> str:
    """Where `location` in an answer to `asked` sends us: as `resolved`, and under TLS where it stays with a server that
    was asked under TLS. Raises LocationBroken."""
    url = resolved(asked, location)
    here, there = urlsplit(asked), urlsplit(url)
    if here.scheme != "https" or there.scheme != "http" or there.hostname != here.hostname:
        return url
    if there.port in {None, 80}:
        return urlunsplit(there._replace(scheme="https", netloc=here.netloc))
    if there.port in {443, here.port}:
        return urlunsplit(there._replace(scheme="https"))
    return url


def with_query(url: str, query: str) -> str:
    """`query`, encoded already, after whatever query the URL has."""
    return f"{url}{'&' if '?' in url else '?'}{query}"


def follow(request: Request) -> Conversation[tuple[Request, Response]]:
    """Ask, and go where redirects lead; what was asked last, and its answer. Raises LocationBroken.

    Redirects often lead to URLs that are signed for minutes only. One that is refused elsewhere is asked for again at
    the start, once: that signs it anew. Authorization is the driver's, who gives it to the registry's own host alone.
    """
    asked, response, hops = yield from _chase(request)
    if hops and response.status in EXPIRED and asked.referred_by is not None:
        asked, response, _ = yield from _chase(request)
    return asked, response


def _chase(request: Request) -> Conversation[tuple[Request, Response, int]]:
    asked = request
    for hops in range(REDIRECT_LIMIT + 1):
        response = yield asked
        if response.status not in REDIRECTS:
            return asked, response, hops
        location = response.headers.get("location")
        if not location:
            raise LocationBroken(asked.url, f"answered {response.status} without a Location")
        url = locate(asked.url, location)
        asked = replace(request, url=url, referred_by=referrer(asked.url, url) or asked.referred_by)
    raise LocationBroken(request.url, f"redirects more than {REDIRECT_LIMIT} times")
