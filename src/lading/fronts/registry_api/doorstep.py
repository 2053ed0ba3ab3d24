"""Before anybody is let in: by which name we were asked, from where, and how the client spells our address.

names        what this registry is called; a request for another name was led here
forwarding   the proxies whose word about the client counts
public_url   how others reach us, where that is configured
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from lading.errors import LadingError, Side
from lading.fronts.http.exchange import IncomingRequest
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames, is_led
from lading.services.access import NotLoggedIn
from lading.services.identity.authentication import Visit
from lading.wire.challenge import Challenge
from lading.wire.guard import authority
from lading.wire.registry_urls import TokenService

_authority = lru_cache(maxsize=1024)(authority)
"""Asked at every request, about the same few names."""


class ForeignCaller(LadingError):
    """The request was led here: by a name that is not ours, or by a page of another site."""

    side = Side.CALLER
    code = "denied"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = why

    def __str__(self) -> str:
        return self.reason


class LoginWanted(NotLoggedIn):
    """A login is missing, wrong, or not for this; `challenge` says how to come by another."""

    def __init__(self, challenge: Challenge, reason: str) -> None:
        super().__init__(challenge, reason)
        self.challenge, self.reason = challenge, reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Doorstep:
    """For any number of threads; `new_request` gives the id under which the trail knows a request."""

    names: OurNames
    forwarding: Forwarding
    new_request: Callable[[], str]
    public_url: str | None = None

    def visit(self, request: IncomingRequest) -> Visit:
        """Where it comes from. Raises ForeignCaller."""
        host = request.headers.get("host", "")
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        foreign = not self.names.permits_origin(origin, host) or is_led(origin, site, request.method)
        if foreign or not self.names.permits_host(host):
            raise ForeignCaller(
                "this registry does not go by that name; if it should, start it with --registry-public-url"
            )
        address = self.forwarding.client(request.peer.address, request.headers.get("x-forwarded-for"))
        return Visit(address, self.new_request())

    def outside(self, request: IncomingRequest) -> str | None:
        """What the client's URLs begin with, scheme://host[:port] and perhaps a path; None where no trusted proxy says
        so: then a path alone is safest, as it is right by whatever way the client came."""
        return self.forwarding.outside(request.peer.address, request.headers, self.names.public)

    def origin(self, request: IncomingRequest) -> str:
        """The same, known or not: what a proxy says, else the public URL where that was asked for, else the Host."""
        outside = self.outside(request)
        if outside is not None:
            return outside
        host = request.headers.get("host", "")
        if self.public_url and _authority(self.public_url) == _authority(
            f"{urlsplit(self.public_url).scheme}://{host}"
        ):
            return self.public_url.rstrip("/")
        return f"{'https' if request.secure else 'http'}://{host}"

    def service(self, request: IncomingRequest) -> str:
        """The name of this registry in tokens: host[:port]."""
        return _authority(self.origin(request))

    def repository_of(self, request: IncomingRequest, gun: str) -> str | None:
        """The path of the repository of ours that a GUN names; None where its registry is not this one."""
        return self.names.path_of(gun, self.service(request))

    def realm(self, request: IncomingRequest) -> str:
        """The URL of our token service, as this client reaches it."""
        return f"{self.origin(request)}{TokenService()}"
