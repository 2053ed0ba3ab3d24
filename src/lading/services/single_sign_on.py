"""Single sign-on: whom the provider of an organisation says to be in, is in here too, with the roles of the groups.

begin    a secret for this browser alone; state, nonce and the verifier of PKCE are made of it, nothing is stored
finish   the browser shows the secret and what the provider gave: only who began here, once, gets a session

user      by issuer and subject, never by a name or an address; a name that is taken gets a number
roles     those of the groups, at each login: what was given by hand in between is gone then
no role   nobody comes in by it, and whoever had roles by it loses them, with the sessions
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from lading.errors import NotFound
from lading.services.access import Actor, NotLoggedIn
from lading.services.audit import Deed, Result, Trail, row_deed
from lading.services.authentication import NewSession, Visit, nobody
from lading.services.identity_provider import (
    CodeShown,
    Identity,
    IdentityDoubtful,
    IdentityProvider,
    LoginWanted,
)
from lading.services.identity_records import IdentityRecords
from lading.services.named_rows import NameTaken
from lading.services.secrets import unguessable
from lading.services.sessions import Sessions
from lading.services.standing import proof_of
from lading.services.throttling import Seldom, place_of
from lading.services.user_records import RoleRow, UserRecords, UserRow
from lading.services.users import LastAdmin, UserInvalid, an_admin_stays, new_name
from lading.wire.message import Cancel

SECRET_BYTES = 32
LONGEST_SHOWN = 4096
"""Characters of a code, or of what else a browser brings back, that are looked at."""

FAILED_SECONDS = 60.0
"""That logins from one place fail is recorded at most so often: nobody has to know anything to fail."""

ANYBODY = "*"
"""Stands for a group that everybody of the provider is in."""

_LONGEST_NAME = 64
_METHOD: Mapping[str, object] = {"method": "single sign-on"}


class SignOnOff(NotFound):
    """No provider is configured."""

    hint = "Its settings are oidc-issuer, oidc-client-id and oidc-roles."

    def __str__(self) -> str:
        return "there is no single sign-on here"


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


class NoRole(NotLoggedIn):
    """Who it is, is known, and none of the groups gives a role here."""

    def __str__(self) -> str:
        return "none of your groups has a role here"


class SwitchedOff(NotLoggedIn):
    """The user was deactivated here."""

    def __str__(self) -> str:
        return "this user has been deactivated"


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


@dataclass(frozen=True, slots=True)
class SignOnRules:
    """`name` is what people call the provider; `roles` are names of roles by group."""

    name: str
    roles: Mapping[str, frozenset[str]]

    def roles_of(self, groups: frozenset[str]) -> frozenset[str]:
        """What these groups give together."""
        return frozenset(role for group in (*groups, ANYBODY) for role in self.roles.get(group, ()))


@dataclass(frozen=True, slots=True)
class SignOnAccounts:
    """Where users, who they are elsewhere, and their sessions are found."""

    users: UserRecords
    identities: IdentityRecords
    sessions: Sessions


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
        self._provider, self._rules, self._trail = provider, rules, trail
        self._users, self._identities, self._sessions = accounts.users, accounts.identities, accounts.sessions
        self._clock, self._random = clock, random
        self._seldom = Seldom(clock, FAILED_SECONDS)

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self._rules.name

    def begin(self, redirect: str, cancel: Cancel) -> Begun:
        """`redirect` is where the browser shall come back to. Raises as IdentityProvider.login_url."""
        secret = unguessable(self._random, SECRET_BYTES)
        challenge = _encoded(hashlib.sha256(_verifier(secret).encode()).digest())
        wanted = LoginWanted(redirect, _state(secret), _nonce(secret), challenge)
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

        Raises NotBegun, SentBack, IdentityDoubtful, NoRole, SwitchedOff, LastAdmin where the groups would take the
        last admin's role; and as IdentityProvider.identity.
        """
        try:
            identity = self._identity(brought, secret, redirect, cancel)
        except NotLoggedIn as error:
            self._failed(visit, error)
            raise
        user = self._as_groups_say(visit, identity)
        if cookie is not None:
            self._sessions.close(cookie)
        opened = self._sessions.open(user.id, visit.address)
        if opened is None:
            raise SwitchedOff
        actor = self._actor(visit, user)
        self._trail.record(actor, _login(user), Result.DONE)
        return NewSession(opened[0], opened[1].expires, actor)

    def issuer_of(self, user: int) -> str | None:
        """The provider by which this user came first; None for a user of ours alone."""
        subject = self._identities.subject_of(user)
        return None if subject is None else subject.issuer

    def _identity(self, brought: BroughtBack, secret: str | None, redirect: str, cancel: Cancel) -> Identity:
        if not secret or not hmac.compare_digest(_state(secret).encode(), _shown(brought.state)):
            raise NotBegun
        if brought.error or not brought.code:
            raise SentBack(_told(brought.error))
        shown = CodeShown(brought.code[:LONGEST_SHOWN], redirect, _nonce(secret), _verifier(secret), brought.issuer)
        return self._provider.identity(shown, cancel)

    # ── the user

    def _as_groups_say(self, visit: Visit, identity: Identity) -> UserRow:
        """The active user of this identity, with its roles of today; made where it comes for the first time."""
        wanted = self._rules.roles_of(identity.groups)
        roles = [role for role in self._users.roles() if role.name in wanted]
        known = self._identities.user_of(identity.subject)
        user = None if known is None else self._users.user(known)
        if user is None:
            return self._added(visit, identity, roles)
        if not user.active:
            self._trail.record(nobody(visit), _login(user), Result.FAILED)
            raise SwitchedOff
        user = self._changed(visit, user, roles)
        if not roles:
            self._sessions.close_all(user.id)
            self._trail.record(nobody(visit), _login(user), Result.FAILED)
            raise NoRole
        return user

    def _changed(self, visit: Visit, user: UserRow, roles: Sequence[RoleRow]) -> UserRow:
        ids = tuple(role.id for role in roles)
        if user.roles == ids:
            return user
        permit = an_admin_stays(self._users)
        try:
            changed = self._users.change_user(user.id, lambda now: replace(now, roles=ids), permit)
        except LastAdmin:
            self._trail.record(nobody(visit), _login(user), Result.FAILED)
            raise
        if changed is None or not changed.active:
            raise SwitchedOff
        self._record(visit, "update", changed, roles)
        return changed

    def _added(self, visit: Visit, identity: Identity, roles: Sequence[RoleRow]) -> UserRow:
        if not roles:
            error = NoRole()
            self._failed(visit, error)
            raise error
        made = self._identified(identity, tuple(role.id for role in roles))
        if made is None:  # another login of the same person was faster
            return self._as_groups_say(visit, identity)
        self._record(visit, "create", made, roles)
        return made

    def _identified(self, identity: Identity, roles: tuple[int, ...]) -> UserRow | None:
        """Under the first name that nobody has."""
        created = self._clock()
        base = _base(identity.names)
        taken = {user.name for user in self._users.users()}
        for number in count(1):
            name = _numbered(base, number)
            if name in taken:
                continue
            try:
                return self._identities.add_identified(
                    lambda id: UserRow(id, name, created=created, roles=roles),  # noqa: A006, B023  called at once
                    identity.subject,
                )
            except NameTaken:
                continue
        raise AssertionError  # numbers have no end

    # ── the trail

    def _failed(self, visit: Visit, error: NotLoggedIn) -> None:
        """Once in a while for each place."""
        if self._seldom.now(place_of(visit.address)):
            details = {**_METHOD, "reason": error.doubt if isinstance(error, IdentityDoubtful) else str(error)}
            self._trail.record(nobody(visit), Deed("login", "user", "", "", details=details), Result.FAILED)

    def _record(self, visit: Visit, action: str, user: UserRow, roles: Sequence[RoleRow]) -> None:
        details = {"roles": [role.name for role in roles], "by": "single sign-on"}
        actor = Actor(user.name, user=user.id, address=visit.address, request=visit.request)
        self._trail.record(actor, row_deed(action, "user", user.id, user.name, details), Result.DONE)

    def _actor(self, visit: Visit, user: UserRow) -> Actor:
        grants = tuple(self._users.grants_of(user.id))
        return Actor(user.name, grants, user.id, address=visit.address, request=visit.request, proof=proof_of(user))


def _login(user: UserRow) -> Deed:
    return Deed("login", "user", str(user.id), user.name, details=_METHOD)


# ── what is made of one secret


def _state(secret: str) -> str:
    """Goes round by the provider, and through histories and logs: it says nothing of the secret."""
    return _made(b"state", secret)


def _nonce(secret: str) -> str:
    return _made(b"nonce", secret)


def _verifier(secret: str) -> str:
    """43 characters, as RFC 7636 (4.1) wants them."""
    return _made(b"verifier", secret)


def _made(use: bytes, secret: str) -> str:
    key = secret[:LONGEST_SHOWN].encode("utf-8", "replace")
    return _encoded(hmac.digest(key, b"lading single sign-on " + use, "sha256"))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _shown(text: str) -> bytes:
    return text[:LONGEST_SHOWN].encode("utf-8", "replace")


def _told(error: str) -> str:
    """The provider's word, where it is one that RFC 6749 or OpenID Connect could have."""
    return error if re.fullmatch(r"[a-z_]{1,40}", error) else "it gave no reason"


# ── names


def _base(names: Sequence[str]) -> str:
    """The first that can be a user's name here, in our spelling; a plain word where there is none."""
    for name in names:
        spelled = re.sub(r"[^a-z0-9._@+-]+", "-", name[:LONGEST_SHOWN].strip().lower())[:_LONGEST_NAME].strip("._@+-")
        try:
            return new_name(spelled)
        except UserInvalid:
            continue
    return "user"


def _numbered(base: str, number: int) -> str:
    ending = "" if number == 1 else f"-{number}"
    return f"{base[: _LONGEST_NAME - len(ending)].rstrip('._@+-')}{ending}"
