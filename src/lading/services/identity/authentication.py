"""Who asks: one service that every door shows its cookie or Authorization header to.

    cookie              a session                          dead or made up: nobody in particular, who may log in
    Bearer lad_…        an API token                       wrong: LoginFailed
    Basic name:lad_…    a token, as the registry password of its user
    Basic name:pass     checked, then remembered for a few minutes: a pull is many requests, and a check is slow
    client certificate  a token that TLS has proved; its row is asked all the same, as it may be revoked

Users, grants and tokens are remembered until something is committed (`standing`), so that what was taken away is gone
at once; sessions are looked up at every request. The answer to a wrong name takes as long as to a wrong password, and
says the same. Names that nobody has are not recorded: people type passwords there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from lading.services.access import EVERYTHING, Actor, Denied, Grant, NotLoggedIn, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.identity.login_records import TokenRecords
from lading.services.identity.password_memory import PasswordMemory
from lading.services.identity.passwords import Checked, Passwords, PasswordsBusy, as_typed, new_password
from lading.services.identity.sessions import Sessions
from lading.services.identity.standing import Known, Standing, proof_of
from lading.services.identity.throttling import Seldom, place_of
from lading.services.identity.tokens import TOKEN_START, certificate_hash, token_hash
from lading.services.identity.user_records import UserRecords, UserRow
from lading.wire.authorization import BasicLogin, BearerToken, parse_authorization

USE_SECONDS = 60.0
"""That a token was used is written down at most so often, and that it failed is recorded at most so often."""

LONGEST_SHOWN = 1000
"""Characters of a token or a name that are looked at."""

OPEN = Actor("anonymous", (Grant(frozenset({EVERYTHING})),))
"""Who everybody is where logins are turned off (`--no-auth`)."""


class LoginFailed(NotLoggedIn):
    """What was shown opens nothing here. Which part of it was wrong, nobody is told."""

    def __str__(self) -> str:
        return "the user name or the password is wrong"


class TokenRefused(LoginFailed):
    """An API token that opens nothing here."""

    def __str__(self) -> str:
        return "the token is wrong, has ended, or belongs to somebody else"


class CertificateRefused(LoginFailed):
    """A client certificate of our own authority that opens nothing any more."""

    def __str__(self) -> str:
        return "the client certificate has been revoked or has ended, or its user cannot log in"


class AuthorizationUnreadable(LoginFailed):
    """An Authorization header that shows nothing: an empty token, or no form that is taken here."""

    def __str__(self) -> str:
        return "the Authorization header holds neither Bearer and a token, nor Basic and a name with its password"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request: where from, as a trusted proxy or the socket says, and its id."""

    address: str = ""
    request: str = ""


class Authenticator(Protocol):
    """Says who asks. Authentication is one; Everybody is another, where logins are turned off."""

    def authenticate(self, visit: Visit, cookie: str | None, authorization: str | None) -> Actor:
        """Without user and grants where nothing is shown, or a cookie that opens nothing any more.

        Raises LoginFailed, TooManyAttempts and PasswordsBusy for what stands in `authorization`.
        """


class Everybody:
    """`--no-auth`: whoever comes may do everything."""

    def authenticate(self, visit: Visit, cookie: str | None, authorization: str | None) -> Actor:  # noqa: ARG002  no login
        return replace(OPEN, address=visit.address, request=visit.request)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A login that worked: the cookie's value, when it ends at the latest, and who it is."""

    cookie: str = field(repr=False)
    expires: float
    actor: Actor


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where users, their sessions and their tokens are found; `standing` remembers users and tokens."""

    users: UserRecords
    tokens: TokenRecords
    sessions: Sessions
    standing: Standing


class Attempts(Protocol):
    """How often somebody may try a password; an attempt counts as failed until something else is known of it."""

    def begin(self, account: str, address: str) -> None:
        """Raises TooManyAttempts."""

    def failed(self, account: str, address: str) -> None:
        """It was wrong."""

    def succeeded(self, account: str, address: str) -> None:
        """It was right."""

    def undone(self, account: str, address: str) -> None:
        """It was neither: it could not be checked."""


class Authentication:
    """For every door, and any number of threads. Every method raises StorageFailed."""

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        memory: PasswordMemory,
        attempts: Attempts,
        trail: Trail,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._users, self._tokens, self._sessions = accounts.users, accounts.tokens, accounts.sessions
        self._standing = accounts.standing
        self._passwords, self._memory, self._attempts = passwords, memory, attempts
        self._trail, self._clock = trail, clock
        self._seldom = Seldom(clock, USE_SECONDS)

    def authenticate(self, visit: Visit, cookie: str | None, authorization: str | None) -> Actor:
        """Who it is; without user and grants where nothing is shown, or a cookie that opens nothing any more.

        Raises LoginFailed, TooManyAttempts and PasswordsBusy for what stands in `authorization`.
        """
        if authorization is not None:
            return self.recognise(visit, parse_authorization(authorization))
        session = None if cookie is None else self._sessions.find(cookie)
        user = None if session is None else self._users.user(session.user)
        return nobody(visit) if user is None or not user.active else self._actor(visit, user)

    def login(self, visit: Visit, name: str, password: str, cookie: str | None = None) -> NewSession:
        """A new session; the one of the `cookie` that the browser had ends. Raises LoginFailed, TooManyAttempts,
        PasswordsBusy."""
        user = self._verified(visit, name, password, "password")
        if cookie is not None:
            self.logout(visit, cookie)
        opened = self._sessions.open(user.id, visit.address)
        if opened is None:
            raise LoginFailed
        actor = self._actor(visit, user)
        self._trail.record(actor, _login(user, "password"), Result.DONE)
        return NewSession(opened[0], opened[1].expires, actor)

    def logout(self, visit: Visit, cookie: str) -> None:
        """The session ends; nothing happens where there is none."""
        user_id = self._sessions.close(cookie)
        user = None if user_id is None else self._users.user(user_id)
        if user is not None:
            actor = self._actor(visit, user)
            self._trail.record(actor, Deed("logout", "user", str(user.id), user.name), Result.DONE)

    def change_password(self, actor: Actor, old: str, new: str, cookie: str | None) -> None:
        """One's own, which takes the old one; the user's sessions end, but the one of this `cookie`.

        Raises LoginFailed, PasswordInvalid, TooManyAttempts, PasswordsBusy; Denied to a token; NotLoggedIn.
        """
        row = None if actor.user is None else self._users.user(actor.user)
        if row is None:
            raise NotLoggedIn
        if actor.token is not None:
            self._trail.record(actor, _password_deed(row), Result.DENIED)
            raise Denied(Permission.USERS_EDIT)
        user = self._verified(Visit(actor.address, actor.request), row.name, old, "password")
        hashed = self._passwords.hash(new_password(new, user.name))
        if self._users.change_user(user.id, lambda now: replace(now, password_hash=hashed)) is None:
            raise NotLoggedIn
        self._sessions.close_all(user.id, cookie)
        self._trail.record(actor, _password_deed(user), Result.DONE)

    def recognise(self, visit: Visit, shown: BasicLogin | BearerToken | None) -> Actor:
        """Who shows this; None is what cannot be read. Raises LoginFailed, TooManyAttempts, PasswordsBusy."""
        match shown:
            case BearerToken():
                return self._by_token(visit, shown.token, None)
            case BasicLogin() if shown.secret.startswith(TOKEN_START):
                return self._by_token(visit, shown.secret, shown.name)
            case BasicLogin():
                return self._by_password(visit, shown)
        raise AuthorizationUnreadable

    def certified(self, visit: Visit, certificate: bytes) -> Actor:
        """Who shows this client certificate, in DER, of our own authority. Raises CertificateRefused."""
        actor = self._by_hash(visit, certificate_hash(certificate), None)
        if actor is None:
            raise CertificateRefused
        return actor

    def _by_token(self, visit: Visit, shown: str, name: str | None) -> Actor:
        """With a `name`, it must be the one of the token's user."""
        actor = self._by_hash(visit, token_hash(shown[: LONGEST_SHOWN + 1]), name)
        if actor is None:
            raise TokenRefused
        return actor

    def _by_hash(self, visit: Visit, hashed: str, name: str | None) -> Actor | None:
        """None, and a record, where it opens nothing."""
        known = self._standing.shown(hashed)
        if known is None or known.token is None or (name is not None and _spelled(name) != known.user.name):
            self._token_failed(visit, hashed)
            return None
        now, used = self._clock(), known.token.used
        if used is None or now - used >= USE_SECONDS:
            self._tokens.use_token(known.token.id, now)
        return _from(visit, known)

    def _token_failed(self, visit: Visit, hashed: str) -> None:
        """A program with an old token asks again and again: one record a minute tells it."""
        row = self._tokens.token_hashed(hashed)
        user = None if row is None else self._users.user(row.user)
        if self._seldom.now(place_of(visit.address) if row is None else row.id):
            entity = ("", "") if row is None else (str(row.id), row.name)
            details = {} if user is None else {"user": user.name}
            self._trail.record(nobody(visit), Deed("login", "token", *entity, details=details), Result.FAILED)

    def _by_password(self, visit: Visit, shown: BasicLogin) -> Actor:
        known = self._standing.named(_spelled(shown.name))
        if known is not None and self._memory.knows(known.user, shown.secret):
            return _from(visit, known)
        user = self._verified(visit, shown.name, shown.secret, "basic")
        self._memory.remember(user, shown.secret)
        actor = self._actor(visit, user)
        self._trail.record(actor, _login(user, "basic"), Result.DONE)
        return actor

    def _verified(self, visit: Visit, name: str, password: str, method: str) -> UserRow:
        """Whose name and password these are. Raises LoginFailed, TooManyAttempts, PasswordsBusy."""
        account = _spelled(name)
        self._attempts.begin(account, visit.address)
        try:
            user = self._known(name)
            checked = self._check(user, password)
        except BaseException:
            self._attempts.undone(account, visit.address)
            raise
        if user is None or not user.active or checked is Checked.WRONG:
            self._attempts.failed(account, visit.address)
            self._login_failed(visit, user, method)
            raise LoginFailed
        self._attempts.succeeded(account, visit.address)
        return self._hashed_anew(user, password) if checked is Checked.STALE else user

    def _check(self, user: UserRow | None, password: str) -> Checked:
        typed = as_typed(password)
        hashed = None if user is None or typed is None else user.password_hash
        return self._passwords.check(hashed, typed or "")

    def _known(self, name: str) -> UserRow | None:
        return self._users.user_named(_spelled(name))

    def _login_failed(self, visit: Visit, user: UserRow | None, method: str) -> None:
        deed = Deed("login", "user", "", "", details={"method": method}) if user is None else _login(user, method)
        self._trail.record(nobody(visit), deed, Result.FAILED)

    def _hashed_anew(self, user: UserRow, password: str) -> UserRow:
        """With the parameters of today; unless the password was changed meanwhile, or too many are at it: then at the
        next login."""
        try:
            anew = self._passwords.hash(as_typed(password) or "")
        except PasswordsBusy:
            return user

        def changed(now: UserRow) -> UserRow:
            return replace(now, password_hash=anew) if now.password_hash == user.password_hash else now

        return self._users.change_user(user.id, changed) or user

    def _actor(self, visit: Visit, user: UserRow) -> Actor:
        grants = tuple(self._users.grants_of(user.id))
        return Actor(user.name, grants, user.id, address=visit.address, request=visit.request, proof=proof_of(user))


def _from(visit: Visit, known: Known) -> Actor:
    return known.actor.come_from(visit.address, visit.request)


def nobody(visit: Visit) -> Actor:
    """Who has shown nothing."""
    return Actor("anonymous", address=visit.address, request=visit.request)


def _spelled(name: str) -> str:
    """As names are kept: in small letters (services.identity.users.new_name)."""
    return name[:LONGEST_SHOWN].strip().lower().encode("utf-8", "replace").decode().replace("\0", "?")


def _login(user: UserRow, method: str) -> Deed:
    return Deed("login", "user", str(user.id), user.name, details={"method": method})


def _password_deed(user: UserRow) -> Deed:
    return Deed("update", "user", str(user.id), user.name, details={"password": "changed"})
