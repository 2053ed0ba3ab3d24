"""Who may come in to /v2/, and for what: each route and method asks for one permission on one repository.

What is done then is told to the entry, which puts it on the audit trail.

OpenGate    nobody logs in: for this machine alone, and for no page of a foreign site
LoginGate   Basic, with a user's password or an API token as the password; what is allowed, the roles say
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from lading.errors import LadingError, Side
from lading.fronts.http.exchange import IncomingRequest
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames, is_led
from lading.oci.digest import Digest
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.audit import Deed, Trail
from lading.services.audit_trail import refuse
from lading.services.authentication import OPEN, Authenticator, Visit
from lading.services.repository_audit import RepositoryAudit
from lading.wire.guard import is_loopback
from lading.wire.registry_urls import (
    BlobAt,
    Catalog,
    ManifestAt,
    ReferrersOf,
    Root,
    Route,
    TagList,
)

CHALLENGE = 'Basic realm="Lading"'


class ForeignCaller(LadingError):
    """The request was led here: by a name that is not ours, or by a page of another site."""

    side = Side.CALLER
    code = "denied"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = why

    def __str__(self) -> str:
        return self.reason


class Needed(NamedTuple):
    """What a request takes. `repository` None: it is about none, or about all."""

    permission: Permission | None
    repository: str | None


class Entry(Protocol):
    """One request that was let in."""

    def may_pull(self, repository: str) -> bool:
        """Whether it may read there as well: where a mount comes from, what a catalog shows."""

    def pulled(self, repository: str, reference: str | Digest, digest: Digest) -> None:
        """It has read a manifest. Raises StorageFailed."""

    def pushed(self, repository: str, references: Sequence[str | Digest], digest: Digest) -> None:
        """It has written a manifest under these names. Raises StorageFailed."""

    def removed(self, repository: str, reference: str | Digest) -> None:
        """It has removed a tag, a manifest or a blob. Raises StorageFailed."""


class Gate(Protocol):
    """Lets requests in."""

    def admit(self, request: IncomingRequest, needed: Needed) -> Entry:
        """Raises ForeignCaller, NotLoggedIn, Denied."""


def needed(route: Route, method: str) -> Needed:
    """The table of what each route and method takes."""
    reads = method in {"GET", "HEAD"}
    match route:
        case Root():
            return Needed(None, None)
        case Catalog():
            return Needed(Permission.REPOSITORIES_VIEW, None)
        case TagList(path) | ReferrersOf(path):
            return Needed(Permission.REPOSITORIES_PULL, path)
        case ManifestAt(path) | BlobAt(path) if reads:
            return Needed(Permission.REPOSITORIES_PULL, path)
        case ManifestAt(path) | BlobAt(path) if method == "DELETE":
            return Needed(Permission.REPOSITORIES_REMOVE, path)
        case _:  # UploadStart and UploadAt besides
            path = route.path
            return Needed(Permission.REPOSITORIES_PUSH, path)


class OpenGate:
    """Whoever reaches it may read and write everything. So it is for loopback names, and turns a browser away that was
    led there by a foreign page. Without an `audit` it leaves no trace."""

    def __init__(self, audit: RepositoryAudit | None = None) -> None:
        self._audit = audit

    def admit(self, request: IncomingRequest, needed: Needed) -> Entry:  # noqa: ARG002  it asks for nothing
        host = request.headers.get("host", "localhost")
        origin = request.headers.get("origin")
        if not is_loopback(host) or not (origin is None or origin.partition("://")[2] == host):
            raise ForeignCaller("this registry is open, and therefore for programs on its own machine only")
        return _Entry(replace(OPEN, address=request.peer.address), self._audit)


@dataclass(frozen=True, slots=True)
class LoginGate:
    """Users and tokens of the service; `new_request` gives the id under which the trail knows a request."""

    authentication: Authenticator
    trail: Trail
    names: OurNames
    forwarding: Forwarding
    new_request: Callable[[], str]
    audit: RepositoryAudit

    def admit(self, request: IncomingRequest, needed: Needed) -> Entry:
        host = request.headers.get("host", "")
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        foreign = not self.names.permits_origin(origin, host) or is_led(origin, site, request.method)
        if foreign or not self.names.permits_host(host):
            raise ForeignCaller(
                "this registry does not go by that name; if it should, start it with --registry-public-url"
            )
        address = self.forwarding.client(request.peer.address, request.headers.get("x-forwarded-for"))
        visit = Visit(address, self.new_request())
        actor = self.authentication.authenticate(visit, None, request.headers.get("authorization"))
        if actor.user is None and actor.token is None:
            raise NotLoggedIn
        self._check(actor, needed)
        return _Entry(actor, self.audit)

    def _check(self, actor: Actor, needed: Needed) -> None:
        permission, repository = needed
        if permission is None:
            return
        allowed = actor.may_somewhere(permission) if repository is None else actor.may(permission, None, repository)
        if not allowed:
            action = permission.partition(":")[2]
            refuse(self.trail, actor, permission, Deed(action, "repository", repository or "", repository or ""))


@dataclass(frozen=True, slots=True)
class _Entry:
    actor: Actor
    audit: RepositoryAudit | None

    def may_pull(self, repository: str) -> bool:
        return self.actor.may(Permission.REPOSITORIES_PULL, None, repository)

    def pulled(self, repository: str, reference: str | Digest, digest: Digest) -> None:
        if self.audit is not None:
            self.audit.pulled(self.actor, repository, reference, digest)

    def pushed(self, repository: str, references: Sequence[str | Digest], digest: Digest) -> None:
        if self.audit is not None:
            self.audit.pushed(self.actor, repository, references, digest)

    def removed(self, repository: str, reference: str | Digest) -> None:
        if self.audit is not None:
            self.audit.removed(self.actor, repository, reference)
