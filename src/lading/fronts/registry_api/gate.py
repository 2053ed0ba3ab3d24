"""Who may come in to /v2/, and for what: each route and method asks for one permission on one repository.

Whether the caller has it, services.repositories.admission decides. What is done then is told to the entry, which puts
it on the audit trail.

OpenGate    nobody logs in: for this machine alone, and for no page of a foreign site
LoginGate   tokens of our own service, Basic, API tokens, or nobody where a repository is public (login_gate)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.ours import OurNames
from lading.fronts.registry_api.doorstep import ForeignCaller
from lading.oci.digest import Digest
from lading.services.access import Permission
from lading.services.identity.authentication import OPEN
from lading.services.identity.registry_tokens import ACTIONS, Visitor
from lading.services.repositories.admission import RepositoryAdmission
from lading.services.repositories.audit import RepositoryAudit
from lading.wire.authorize import Scope
from lading.wire.guard import is_loopback
from lading.wire.registry_urls import (
    BlobAt,
    Catalog,
    ManifestAt,
    ReferrersOf,
    Route,
    TagList,
    UploadAt,
    UploadStart,
)


class Needed(NamedTuple):
    """What a request takes. `permission` None: any login. `repository` None: it is about none, or about all. `gun` is
    what scopes call the repository, for what is signed there; None: its path."""

    permission: Permission | None
    repository: str | None
    gun: str | None = None


class Gate(Protocol):
    """Lets requests in."""

    def admit(self, request: IncomingRequest, needed: Needed) -> Entry:
        """Raises ForeignCaller, LoginWanted, Denied, TooManyAttempts, PasswordsBusy, StorageFailed; RequestRefused
        (503) where as many are let in as there may be."""

    def token(self, request: IncomingRequest) -> Answer | None:
        """The answer of the token service; None where nobody needs a token."""

    def outside(self, request: IncomingRequest) -> str | None:
        """What goes before a path in an answer, as a trusted proxy says; None: nothing."""

    def repository_of(self, request: IncomingRequest, gun: str) -> str | None:
        """The path of the repository of ours that a GUN names; None where its registry is not this one."""


def needed(route: Route, method: str) -> Needed:
    """The table of what each route and method takes."""
    reads = method in {"GET", "HEAD"}
    match route:
        case Catalog():
            return Needed(Permission.REPOSITORIES_VIEW, None)
        case TagList(path) | ReferrersOf(path):
            return Needed(Permission.REPOSITORIES_PULL, path)
        case ManifestAt(path) | BlobAt(path) if reads:
            return Needed(Permission.REPOSITORIES_PULL, path)
        case ManifestAt(path) | BlobAt(path) if method == "DELETE":
            return Needed(Permission.REPOSITORIES_REMOVE, path)
        case ManifestAt(path) | BlobAt(path) | UploadStart(path) | UploadAt(path):
            return Needed(Permission.REPOSITORIES_PUSH, path)
        case _:  # Root; the token service is asked before anybody is let in
            return Needed(None, None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that was let in. `admission` None: it may do everything; `audit` None: it leaves no trace."""

    visitor: Visitor
    admission: RepositoryAdmission | None
    audit: RepositoryAudit | None

    def may_pull(self, repository: str) -> bool:
        """Whether it may read there as well: where a mount comes from."""
        return self.admission is None or self.admission.may_pull(self.visitor, repository)

    def signs(self, repository: str) -> bool:
        """Whether a token was shown that opens pushing there: who signs an image shows one, and who pulls does not."""
        visitor = self.visitor
        opens = visitor.scopes is not None and visitor.opens(
            Scope(repository, (ACTIONS[Permission.REPOSITORIES_PUSH],))
        )
        return opens and visitor.actor.may(Permission.REPOSITORIES_PUSH, None, repository)

    def shown(self, repositories: Sequence[str]) -> Sequence[str]:
        """Those of them that the catalog names."""
        return repositories if self.admission is None else self.admission.shown(self.visitor, repositories)

    def attempt(self, action: str, repository: str, reference: str | Digest) -> AbstractContextManager[None]:
        """What a rule forbids inside is on the trail. Raises StorageFailed."""
        if self.audit is None:
            return nullcontext()
        return self.audit.attempt(self.visitor.actor, action, repository, reference)

    def pulled(self, repository: str, reference: str | Digest, digest: Digest) -> None:
        """It has read a manifest. Raises StorageFailed."""
        if self.audit is not None:
            self.audit.pulled(self.visitor.actor, repository, reference, digest)

    def pushed(self, repository: str, references: Sequence[str | Digest], digest: Digest) -> None:
        """It has written a manifest under these names. Raises StorageFailed."""
        if self.audit is not None:
            self.audit.pushed(self.visitor.actor, repository, references, digest)

    def removed(self, repository: str, reference: str | Digest) -> None:
        """It has removed a tag, a manifest or a blob. Raises StorageFailed."""
        if self.audit is not None:
            self.audit.removed(self.visitor.actor, repository, reference)


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
        return Entry(Visitor(replace(OPEN, address=request.peer.address)), None, self._audit)

    def token(self, request: IncomingRequest) -> Answer | None:
        """Nobody needs one."""

    def outside(self, request: IncomingRequest) -> str | None:
        """No proxy stands before it."""

    def repository_of(self, request: IncomingRequest, gun: str) -> str | None:
        return OurNames().path_of(gun, request.headers.get("host", ""))
