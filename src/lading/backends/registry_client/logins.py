"""The way in at one host: Basic, or tokens kept and renewed before they end. Shared by all threads.

nothing known        ask without; a 401 tells the way
Bearer, realm known  a token for the scopes is fetched first, so that no 401 is needed (kept in the profile)
Basic                the login goes along with every request
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lading.backends.registry_client.host import Host
from lading.errors import AccessDenied, Cancelled, LadingError, TimedOut
from lading.wire.authorize import Credential, PlainTextLogin, Realm, Scope, Token, authorize, basic
from lading.wire.challenge import choose, parse_challenges
from lading.wire.guard import may_carry_secrets
from lading.wire.locations import resolved
from lading.wire.message import Conversation, Request, Response

BODY_MARGIN = 60.0
"""Seconds that a token must still be good for when a body starts to move."""

MARGIN = 10.0
"""The same for a question without a body."""

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes in and for what; `ask` runs the token dance, without any login of its own."""

    credential: Credential | None
    scopes: tuple[Scope, ...]
    ask: Callable[[Conversation[Token]], Token]


@dataclass(slots=True, eq=False)
class Grant:
    """What opens the door: one Authorization field, good for these scopes until `ends`, in seconds since 1970.

    `proven`: something other than a 401 was answered to it.
    """

    header: str = field(repr=False)
    scopes: tuple[Scope, ...] = ()
    ends: float = FOREVER
    lifetime: float = FOREVER
    proven: bool = False

    def covers(self, scopes: Sequence[Scope]) -> bool:
        """Whether it serves for all of them."""
        return all(any(have.covers(scope) for have in self.scopes) for scope in scopes)


class Logins:
    """Of one host; grants are kept by credential."""

    def __init__(self, host: Host, clock: Callable[[], float]) -> None:
        self._host, self._clock = host, clock
        self._basic = False
        self._grants: dict[Credential | None, list[Grant]] = {}
        self._refused: set[tuple[Credential | None, Scope]] = set()
        self._fetching = threading.Lock()
        """Held while a token is fetched: whoever else needs one waits for it instead of fetching another."""

    def takes(self, credential: Credential | None, scope: Scope) -> bool:
        """Whether the token service has not refused this scope."""
        return (credential, scope) not in self._refused

    def forget(self, credential: Credential | None) -> None:
        """This login is no more: whatever was granted or refused to it is dropped."""
        with self._fetching:
            self._grants.pop(credential, None)
            self._refused = {(other, scope) for other, scope in self._refused if other != credential}

    def grant(self, visitor: Visitor, request: Request) -> Grant | None:
        """What to send along with this request; None where nothing is known to be wanted.

        Raises AccessDenied where the login is refused.
        """
        credential = visitor.credential
        if credential and credential.registry_token:
            return self._secret(request, f"Bearer {credential.registry_token}")
        if self._basic:
            return self._secret(request, basic(credential)) if credential else None
        realm = self._realm()
        if realm is None:
            return None
        try:
            return self._token(realm, visitor, self._margin(request))
        except (AccessDenied, Cancelled, TimedOut):
            raise
        except LadingError:
            if self._host.met:
                raise
            self._host.learn(lambda profile: replace(profile, realm=None, service=None))
            return None  # what was remembered is out of date; the registry will say anew

    def renew(self, visitor: Visitor, request: Request, response: Response, used: Grant | None) -> Grant | None:
        """After a 401: what may be taken instead of `used`; None where nothing better is to be had.

        Raises LocationBroken where the challenge names nobody who could be asked, and what the token dance raises.
        """
        credential = visitor.credential
        challenge = choose(parse_challenges(response.headers.get("www-authenticate", "")))
        if challenge is None or (credential and credential.registry_token):
            return None
        if challenge.scheme == "basic":
            self._basic = True
            return self._secret(request, basic(credential)) if credential and used is None else None
        wanted = replace(visitor, scopes=_joined(visitor.scopes, challenge.parameters.get("scope", "")))
        if used is not None and not used.proven and used.covers(self._allowed(wanted)):
            return None
        realm = Realm(
            resolved(request.url, challenge.parameters["realm"]),
            challenge.parameters.get("service"),
            self._host.authority,
        )
        self._host.learn(lambda profile: replace(profile, realm=realm.url, service=realm.service))
        self._forget(credential, used)
        return self._token(realm, wanted, self._margin(request))

    def _secret(self, request: Request, header: str) -> Grant:
        if not may_carry_secrets(request.url, plain_allowed=self._host.plain_allowed):
            raise PlainTextLogin(self._host.registry)
        return Grant(header)

    def _allowed(self, visitor: Visitor) -> tuple[Scope, ...]:
        return tuple(scope for scope in visitor.scopes if self.takes(visitor.credential, scope))

    def _margin(self, request: Request) -> float:
        """Seconds a token must last for this request."""
        if not request.body_size:
            return MARGIN
        return max(BODY_MARGIN, self._host.sending_seconds(request.body_size))

    def _token(self, realm: Realm, visitor: Visitor, margin: float) -> Grant:
        credential = visitor.credential
        with self._fetching:
            scopes = self._allowed(visitor)
            kept = self._kept(credential, scopes, margin)
            if kept is not None:
                return kept
            began = self._clock()
            token = visitor.ask(authorize(realm, credential, scopes, plain_allowed=self._host.plain_allowed))
            self._refused |= {(credential, scope) for scope in scopes if scope not in token.scopes}
            grant = Grant(f"Bearer {token.text}", token.scopes, began + token.lifetime, token.lifetime)
            lasting = [old for old in self._grants.get(credential, ()) if not grant.covers(old.scopes)]
            self._grants[credential] = [*lasting, grant]
            return grant

    def _kept(self, credential: Credential | None, scopes: Sequence[Scope], margin: float) -> Grant | None:
        """One that covers the scopes and lasts; half its life is always enough, or short ones would never do."""
        now = self._clock()
        for grant in self._grants.get(credential, ()):
            if grant.covers(scopes) and grant.ends - now >= min(margin, grant.lifetime / 2):
                return grant
        return None

    def _forget(self, credential: Credential | None, used: Grant | None) -> None:
        """Not to be used again; another thread may have fetched a better one meanwhile, which stays."""
        with self._fetching:
            self._grants[credential] = [grant for grant in self._grants.get(credential, ()) if grant is not used]

    def _realm(self) -> Realm | None:
        profile = self._host.profile
        return Realm(profile.realm, profile.service, self._host.authority) if profile.realm else None


def _joined(scopes: tuple[Scope, ...], asked: str) -> tuple[Scope, ...]:
    """Ours, and what the challenge asks for besides (Azure: `metadata_read` to list tags)."""
    return (*scopes, *(scope for scope in Scope.parse(asked) if not any(have.covers(scope) for have in scopes)))
