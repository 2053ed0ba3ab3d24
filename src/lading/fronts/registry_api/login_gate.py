"""The gate of a registry with users: who shows what, what it opens, and how to come by it.

    nothing                 what is public; for all else a token is wanted
    Bearer lra1.…           one of our own tokens: nobody's or somebody's, for the scopes it names
    Bearer lad_…            an API token
    Basic name:password     a user's password, or an API token in its place; for programs that ask for no token

The challenge names Bearer alone. With Basic in a second field docker's engine (seen with 20.10) answers both, and gives
up with `no basic auth credentials` where it has a token but no password; in the same field it does not see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.doorstep import Doorstep, LoginWanted
from lading.fronts.registry_api.gate import Entry, Needed
from lading.fronts.registry_api.queries import Query
from lading.fronts.registry_api.token_door import TokenDoor
from lading.services.access import Denied, NotLoggedIn, Permission
from lading.services.identity.authentication import Authenticator, Visit, nobody
from lading.services.identity.registry_tokens import ACTIONS, RegistryTokenRefused, RegistryTokens, Visitor
from lading.services.repositories.admission import RepositoryAdmission, ScopeMissing
from lading.services.repositories.audit import RepositoryAudit
from lading.wire.authorization import BearerToken, parse_authorization
from lading.wire.authorize import CATALOG, Scope
from lading.wire.challenge import Challenge
from lading.wire.registry_token import is_registry_token

_ERRORS = {ScopeMissing: "insufficient_scope", RegistryTokenRefused: "invalid_token"}
"""What was wrong with a token, in the words of RFC 6750, 3.1."""


@dataclass(frozen=True, slots=True)
class LoginGate:
    """Users and tokens of the service."""

    doorstep: Doorstep
    authentication: Authenticator
    tokens: RegistryTokens
    admission: RepositoryAdmission
    audit: RepositoryAudit
    token_door: TokenDoor

    def admit(self, request: IncomingRequest, needed: Needed) -> Entry:
        visit = self.doorstep.visit(request)
        try:
            visitor = self._visitor(request, visit)
            self._check(visitor, needed, _origin(needed, request))
        except NotLoggedIn as error:
            raise LoginWanted(self._challenge(request, needed, error), str(error)) from error
        except Denied as error:
            if needed.gun is None:
                raise
            # Clients of trust servers take a 403 for a server out of reach; a 401 they tell in plain words.
            raise LoginWanted(self._challenge(request, needed, ScopeMissing()), f"{error}. {error.hint}") from error
        request.let_in(visit.address, visitor.is_known)
        return Entry(visitor, self.admission, self.audit)

    def token(self, request: IncomingRequest) -> Answer | None:
        return self.token_door(request)

    def outside(self, request: IncomingRequest) -> str | None:
        return self.doorstep.outside(request)

    def _visitor(self, request: IncomingRequest, visit: Visit) -> Visitor:
        header = request.headers.get("authorization")
        if header is None:
            return Visitor(nobody(visit))
        shown = parse_authorization(header)
        if isinstance(shown, BearerToken) and is_registry_token(shown.token):
            return self.tokens.visitor(visit, shown.token, self.doorstep.service(request))
        return Visitor(self.authentication.authenticate(visit, None, header))

    def _check(self, visitor: Visitor, needed: Needed, origin: str | None) -> None:
        """Raises NotLoggedIn, ScopeMissing, Denied."""
        permission, repository, gun = needed
        if permission is None:
            if not visitor.is_known and visitor.scopes is None:
                raise NotLoggedIn
        elif repository is None:
            self.admission.admit_to_list(visitor)
        else:
            self.admission.admit(visitor, permission, repository, gun)
            if origin is not None:
                self.admission.admit_to_mount(visitor, origin)

    def repository_of(self, request: IncomingRequest, gun: str) -> str | None:
        return self.doorstep.repository_of(request, gun)

    def _challenge(self, request: IncomingRequest, needed: Needed, why: NotLoggedIn) -> Challenge:
        told = {"realm": self.doorstep.realm(request), "service": self.doorstep.service(request)}
        scopes = _scopes(needed, request)
        if scopes:
            told["scope"] = " ".join(map(str, scopes))
        if type(why) in _ERRORS:
            told["error"] = _ERRORS[type(why)]
        return Challenge("bearer", told)


def _scopes(needed: Needed, request: IncomingRequest) -> Sequence[Scope]:
    """What to ask a token for. Who pushes reads too: whether a blob is there already, and where it is mounted from."""
    permission, repository, gun = needed
    if permission is None:
        return ()
    if repository is None:
        return (CATALOG,)
    if permission is not Permission.REPOSITORIES_PUSH:
        return (Scope(gun or repository, (ACTIONS[permission],)),)
    origin = _origin(needed, request)
    mounted = () if origin is None else (Scope(origin, ("pull",)),)
    return (Scope(gun or repository, ("pull", "push")), *mounted)


def _origin(needed: Needed, request: IncomingRequest) -> str | None:
    """Where a push wants to mount from, if it does."""
    return Query(request.query).path("from") if needed.permission is Permission.REPOSITORIES_PUSH else None
