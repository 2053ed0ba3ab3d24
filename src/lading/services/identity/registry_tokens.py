"""Tokens of our registry: a login, or nobody's, turned into something short-lived that is checked without a password.

access     five minutes; says what was asked for and allowed then. What is allowed now is asked at each use
refresh    what `docker login` keeps in place of the password, for ninety days at most

Both end at once with the user, the password or the API token that they were given for: each holds a proof of it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lading.services.access import Actor, Permission
from lading.services.changes import Changes, Remembered
from lading.services.identity.authentication import LoginFailed, Visit, nobody
from lading.services.identity.standing import Known, Standing
from lading.wire.authorize import Scope
from lading.wire.registry_token import Claims, Kind, TokenInvalid, read, write

ACCESS_SECONDS = 5 * 60
REFRESH_SECONDS = 90 * 24 * 60 * 60
"""Of one that a password was given for; one for an API token ends with that."""

ACTIONS = {
    Permission.REPOSITORIES_PULL: "pull",
    Permission.REPOSITORIES_PUSH: "push",
    Permission.REPOSITORIES_REMOVE: "delete",
}
"""What a permission is called in a scope (Docker's token specification)."""


class RegistryTokenRefused(LoginFailed):
    """A registry token that opens nothing here, or nothing any more."""

    def __str__(self) -> str:
        return "the registry token is wrong or has ended"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What was given out: good for `lifetime` seconds from `issued`, in seconds since 1970, for these scopes."""

    text: str = field(repr=False)
    scopes: tuple[Scope, ...]
    issued: int
    lifetime: int = ACCESS_SECONDS


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who came in. `scopes` are what the token opens at most; None: everything that the actor may."""

    actor: Actor
    scopes: tuple[Scope, ...] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is somebody in particular."""
        return self.actor.user is not None or self.actor.token is not None

    def opens(self, wanted: Scope) -> bool:
        """Whether what was shown is good for this, whoever may do it."""
        return self.scopes is None or any(scope.covers(wanted) for scope in self.scopes)


class RegistryTokens:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(self, keys: Sequence[bytes], standing: Standing, changes: Changes, clock: Callable[[], float]) -> None:
        """The first of `keys` seals, all of them open. `clock` tells seconds since 1970."""
        self._keys, self._standing, self._clock = tuple(keys), standing, clock
        self._shown = Remembered(changes, self._look)

    def access(self, actor: Actor, service: str, scopes: Sequence[Scope]) -> AccessToken:
        """For this service, and for these scopes, which the actor may have."""
        issued = int(self._clock())
        claims = Claims(service, actor.user, actor.token, tuple(scopes), issued + ACCESS_SECONDS, actor.proof)
        return AccessToken(write(Kind.ACCESS, claims, self._keys[0]), tuple(scopes), issued)

    def refresh(self, actor: Actor, service: str) -> str | None:
        """What stands for this login from now on; None for nobody in particular."""
        if actor.user is None:
            return None
        expires = int(self._clock()) + REFRESH_SECONDS if actor.token is None else None
        claims = Claims(service, actor.user, actor.token, (), expires, actor.proof)
        return write(Kind.REFRESH, claims, self._keys[0])

    def visitor(self, visit: Visit, text: str, service: str) -> Visitor:
        """Whose access token it is. Raises RegistryTokenRefused."""
        claims, known = self._shown.of((text, service))
        over = claims.expires is not None and self._clock() >= claims.expires
        if over or (known is not None and self._standing.is_over(known)):
            raise RegistryTokenRefused
        return Visitor(nobody(visit) if known is None else self._actor(visit, known), claims.scopes)

    def refreshed(self, visit: Visit, text: str, service: str) -> Actor:
        """Whose refresh token it is. Raises RegistryTokenRefused."""
        return self._actor(visit, self._proved(self._read(Kind.REFRESH, text, service)))

    def _look(self, shown: tuple[str, str]) -> tuple[Claims, Known | None]:
        """What an access token says, and of whom: unsealed once, as clients show it with every request."""
        claims = self._read(Kind.ACCESS, *shown)
        return claims, None if claims.user is None else self._proved(claims)

    def _read(self, kind: Kind, text: str, service: str) -> Claims:
        try:
            return read(kind, text, self._keys, service, self._clock())
        except TokenInvalid as error:
            raise RegistryTokenRefused from error

    def _proved(self, claims: Claims) -> Known:
        """Whose it is, where what it was given for still opens something."""
        known = None if claims.user is None else self._standing.of(claims.user, claims.token)
        if known is None or not hmac.compare_digest(known.proof, claims.proof):
            raise RegistryTokenRefused
        return known

    def _actor(self, visit: Visit, known: Known) -> Actor:
        return known.actor.come_from(visit.address, visit.request)
