"""Who comes to this door.

    Authorization header     decides, on every listener: an API token as Bearer, or a user's name as Basic
    client certificate       the user it was made for; it must not have been revoked even where a header decides
    unix socket              the user of the process at the other end, by its uid
    TCP without any of them  nobody
    --no-auth                everybody, who may do everything

Whoever is let in is counted as somebody known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from lading.fronts.http.exchange import IncomingRequest
from lading.fronts.http.forwarding import Forwarding
from lading.services.access import Actor, NotLoggedIn
from lading.services.identity.authentication import OPEN, Visit


class AuthorizationNeeded(NotLoggedIn):
    """TCP says nothing of who comes."""

    hint = (
        'Put "HttpHeaders": {"Authorization": "Bearer lad_…"} with one into docker\'s config.json; or use the unix '
        "socket, or a user's client bundle."
    )

    def __str__(self) -> str:
        return "Authentication required: this address takes an API token"


class Authentication(Protocol):
    """services.identity.authentication.Authentication."""

    def authenticate(self, visit: Visit, cookie: str | None, authorization: str | None) -> Actor:
        """Raises LoginFailed, TooManyAttempts, PasswordsBusy."""

    def certified(self, visit: Visit, certificate: bytes) -> Actor:
        """Raises CertificateRefused."""


class LocalUsers(Protocol):
    """services.identity.local_users.LocalUsers."""

    def actor(self, visit: Visit, uid: int) -> Actor:
        """Raises SwitchedOff."""


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Fulfils product.Doorkeeper. `open` lets in everybody; `new_request` makes ids for the trail."""

    authentication: Authentication
    local: LocalUsers
    forwarding: Forwarding
    new_request: Callable[[], str]
    open: bool = False

    def __call__(self, request: IncomingRequest) -> Actor:
        """Raises NotLoggedIn, Denied, TooManyAttempts, PasswordsBusy, StorageFailed; RequestRefused where too many are
        at work."""
        address = self.forwarding.client(request.peer.address, request.headers.get("x-forwarded-for"))
        actor = self._known(request, Visit(address, self.new_request()))
        request.let_in(address, True)
        return actor

    def _known(self, request: IncomingRequest, visit: Visit) -> Actor:
        peer, headers = request.peer, request.headers
        if self.open:
            return replace(OPEN, address=visit.address, request=visit.request)
        certified = None if peer.certificate is None else self.authentication.certified(visit, peer.certificate)
        if "authorization" in headers:
            return self.authentication.authenticate(visit, None, headers["authorization"])
        if certified is not None:
            return certified
        if peer.uid is not None:
            return self.local.actor(visit, peer.uid)
        raise AuthorizationNeeded
