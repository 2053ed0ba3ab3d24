"""Single sign-on: whom the provider of an organisation says to be in, is in here too (services.identity.sign_on_users).

begin    a secret for this browser alone; state, nonce and the verifier of PKCE are made of it, nothing is stored
finish   the browser shows the secret and what the provider gave: only who began here, once, gets a session
leave    whoever ends a session here may end the provider's too, where it can be told (RP-Initiated Logout 1.0)
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lading.errors import LadingError, NotFound, RateLimited
from lading.services.access import Actor, NotLoggedIn
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.identity.authentication import NewSession, Visit, nobody
from lading.services.identity.identity_provider import (
    CodeShown,
    Identity,
    IdentityDoubtful,
    IdentityProvider,
    LoginWanted,
)
from lading.services.identity.sign_on_secrets import (
    LONGEST_SHOWN,
    SECRET_BYTES,
    challenge_of,
    is_state_of,
    nonce_of,
    state_of,
    verifier_of,
)
from lading.services.identity.sign_on_users import (
    METHOD,
    NoRoleYet,
    SignOnAccounts,
    SignOnRules,
    SignOnUsers,
    SwitchedOff,
    login_deed,
    logout_deed,
)
from lading.services.identity.standing import proof_of
from lading.services.identity.throttling import Seldom, place_of
from lading.services.identity.user_records import UserRow
from lading.services.secrets import unguessable
from lading.wire.message import Cancel

FAILED_SECONDS = 60.0
"""That logins from one place fail is recorded at most so often: nobody has to know anything to fail."""

AT_ONCE = 8
"""How many logins speak to the provider at once. Anybody may begin one; a provider that does not answer must not hold
up everything else here."""


class SignOnOff(NotFound):
    """No provider is configured."""

    hint = "Its settings are oidc-issuer, oidc-client-id and oidc-roles."

    def __str__(self) -> str:
        return "there is no single sign-on here"


class SignOnBusy(RateLimited):
    """More people log in than the provider answers."""

    hint = "Try again in some seconds; a password works meanwhile."

    def __str__(self) -> str:
        return "too many logins wait for the provider of single sign-on"


class NotBegun(NotLoggedIn):
    """A browser came back that was not sent: its secret is gone, or is of another login."""

    def __str__(self) -> str:
        return "this login was not begun in this browser, or too long ago: begin again"


class SentBack(NotLoggedIn):
    """The provider did not let the person in; `reason` is its word (RFC 6749, 4.1.2.1)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the provider of single sign-on let nobody in: {self.reason}"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it has to show when it comes back."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """What the provider had the browser bring: a code, or why there is none."""

    state: str
    code: str = field(default="", repr=False)
    issuer: str | None = None
    error: str = ""


class SingleSignOn:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(
        self,
        provider: IdentityProvider,
        rules: SignOnRules,
        accounts: SignOnAccounts,
        trail: Trail,
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        """`clock` tells seconds since 1970; `random` gives so many bytes that nobody can guess."""
        self._provider, self._trail, self._accounts = provider, trail, accounts
        self._clock, self._random = clock, random
        self._users = SignOnUsers(rules, accounts, trail, clock)
        self._seldom = Seldom(clock, FAILED_SECONDS)
        self._seats = threading.BoundedSemaphore(AT_ONCE)
        self.name = rules.name
        """What people call the provider."""

    def begin(self, redirect: str, cancel: Cancel) -> Begun:
        """`redirect` is where the browser shall come back to. Raises SignOnBusy, and as IdentityProvider.login_url."""
        secret = unguessable(self._random, SECRET_BYTES)
        wanted = LoginWanted(redirect, state_of(secret), nonce_of(secret), challenge_of(secret))
        with self._seat():
            return Begun(self._provider.login_url(wanted, cancel), secret)

    def finish(
        self,
        visit: Visit,
        brought: BroughtBack,
        secret: str | None,
        redirect: str,
        cancel: Cancel,
        *,
        cookie: str | None = None,
    ) -> NewSession:
        """A session of who came back; the one of the `cookie` that the browser had ends. `redirect` is as in `begin`.

        Raises NotBegun, SentBack, SignOnBusy, IdentityDoubtful, NoRole, SwitchedOff, LastAdmin where the groups would
        take the last admin's role; and as IdentityProvider.identity.
        """
        try:
            identity = self._identity(brought, secret, redirect, cancel)
        except NotLoggedIn as error:
            self._failed(visit, error)
            raise
        user = self._user(visit, identity)
        if cookie is not None:
            self._leave_session(visit, cookie)
        opened = self._accounts.sessions.open(user.id, visit.address)
        if opened is None:
            raise SwitchedOff
        self._accounts.identities.came(identity.subject, self._clock())
        actor = self._actor(visit, user)
        self._trail.record(actor, login_deed(user), Result.DONE)
        return NewSession(opened[0], opened[1].expires, actor)

    def leave(self, user: int | None, redirect: str, cancel: Cancel) -> str | None:
        """Where the browser of this user goes to end the provider's session too, which sends it on to `redirect`; None
        where the user is ours alone, or the provider cannot be told."""
        if user is None or self.issuer_of(user) is None:
            return None
        try:
            with self._seat():
                return self._provider.logout_url(redirect, cancel)
        except LadingError:
            return None  # the session here has ended all the same

    def issuer_of(self, user: int) -> str | None:
        """The provider by which this user first came; None for a user of ours alone."""
        known = self._accounts.identities.signed_on(user).get(user)
        return None if known is None else known.issuer

    @contextmanager
    def _seat(self) -> Iterator[None]:
        if not self._seats.acquire(blocking=False):
            raise SignOnBusy
        try:
            yield
        finally:
            self._seats.release()

    def _identity(self, brought: BroughtBack, secret: str | None, redirect: str, cancel: Cancel) -> Identity:
        if not secret or not is_state_of(secret, brought.state):
            raise NotBegun
        if brought.error or not brought.code:
            raise SentBack(_told(brought.error))
        code = brought.code[:LONGEST_SHOWN]
        shown = CodeShown(code, redirect, nonce_of(secret), verifier_of(secret), brought.issuer)
        with self._seat():
            return self._provider.identity(shown, cancel)

    def _user(self, visit: Visit, identity: Identity) -> UserRow:
        try:
            return self._users.admitted(visit, identity)
        except NoRoleYet as error:
            self._failed(visit, error)
            raise

    def _failed(self, visit: Visit, error: NotLoggedIn) -> None:
        """Recorded once in a while for each place."""
        if self._seldom.now(place_of(visit.address)):
            details = {**METHOD, "reason": error.doubt if isinstance(error, IdentityDoubtful) else str(error)}
            self._trail.record(nobody(visit), Deed("login", "user", "", "", details=details), Result.FAILED)

    def _leave_session(self, visit: Visit, cookie: str) -> None:
        """Of whoever this browser was before: on record, as who follows something by it is asked for again then."""
        user_id = self._accounts.sessions.close(cookie)
        user = None if user_id is None else self._accounts.users.user(user_id)
        if user is not None:
            self._trail.record(self._actor(visit, user), logout_deed(user), Result.DONE)

    def _actor(self, visit: Visit, user: UserRow) -> Actor:
        grants = tuple(self._accounts.users.grants_of(user.id))
        return Actor(user.name, grants, user.id, address=visit.address, request=visit.request, proof=proof_of(user))


def _told(error: str) -> str:
    """The provider's word, where it is one that RFC 6749 or OpenID Connect could have."""
    return error if re.fullmatch(r"[a-z_]{1,40}", error) else "it gave no reason"
