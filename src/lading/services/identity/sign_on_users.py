"""Who comes by single sign-on, as a user here.

user      by issuer and subject, never by a name or an address; a name that is taken gets a number
roles     those of the groups, at each login: what was given by hand in between is gone then
no role   nobody comes in by it, and whoever had roles by it loses them, with the sessions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from lading.services.access import Actor, NotLoggedIn
from lading.services.audit.audit import Deed, Result, Trail, row_deed
from lading.services.identity.authentication import Visit, nobody
from lading.services.identity.identity_provider import Identity
from lading.services.identity.identity_records import IdentityRecords
from lading.services.identity.sessions import Sessions
from lading.services.identity.sign_on_secrets import LONGEST_SHOWN
from lading.services.identity.user_records import RoleRow, UserRecords, UserRow
from lading.services.identity.users import LastAdmin, UserInvalid, an_admin_stays, new_name
from lading.services.named_rows import NameTaken

ANYBODY = "*"
"""Stands for a group that everybody of the provider is in."""

METHOD: Mapping[str, object] = {"method": "single sign-on"}
"""How somebody came, as the trail tells it."""

_LONGEST_NAME = 64


class NoRole(NotLoggedIn):
    """Who it is, is known, and none of the groups gives a role here."""

    def __str__(self) -> str:
        return "none of your groups has a role here"


class NoRoleYet(NoRole):
    """Nor is it anybody here so far."""


class SwitchedOff(NotLoggedIn):
    """The user was deactivated here."""

    def __str__(self) -> str:
        return "this user has been deactivated"


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


class SignOnUsers:
    """For any number of threads; `clock` tells seconds since 1970."""

    def __init__(self, rules: SignOnRules, accounts: SignOnAccounts, trail: Trail, clock: Callable[[], float]) -> None:
        self._rules, self._trail, self._clock = rules, trail, clock
        self._users, self._identities, self._sessions = accounts.users, accounts.identities, accounts.sessions

    def admitted(self, visit: Visit, identity: Identity) -> UserRow:
        """The active user of this identity, with its roles of today; made where it comes for the first time. Raises
        NoRole, SwitchedOff, LastAdmin where the groups would take the last admin's role, StorageFailed."""
        wanted = self._rules.roles_of(identity.groups)
        roles = [role for role in self._users.roles() if role.name in wanted]
        known = self._identities.user_of(identity.subject)
        user = None if known is None else self._users.user(known)
        if user is None:
            return self._added(visit, identity, roles)
        if not user.active:
            self._trail.record(nobody(visit), login_deed(user), Result.FAILED)
            raise SwitchedOff
        user = self._changed(visit, user, roles)
        if not roles:
            self._sessions.close_all(user.id)
            self._trail.record(nobody(visit), login_deed(user), Result.FAILED)
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
            self._trail.record(nobody(visit), login_deed(user), Result.FAILED)
            raise
        if changed is None or not changed.active:
            raise SwitchedOff
        self._record(visit, "update", changed, roles)
        return changed

    def _added(self, visit: Visit, identity: Identity, roles: Sequence[RoleRow]) -> UserRow:
        if not roles:
            raise NoRoleYet
        made = self._identified(identity, tuple(role.id for role in roles))
        if made is None:  # another login of the same person was faster
            return self.admitted(visit, identity)
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

    def _record(self, visit: Visit, action: str, user: UserRow, roles: Sequence[RoleRow]) -> None:
        details = {"roles": [role.name for role in roles], "by": "single sign-on"}
        actor = Actor(user.name, user=user.id, address=visit.address, request=visit.request)
        self._trail.record(actor, row_deed(action, "user", user.id, user.name, details), Result.DONE)


def logout_deed(user: UserRow) -> Deed:
    """The session of this user ends."""
    return Deed("logout", "user", str(user.id), user.name)


def login_deed(user: UserRow) -> Deed:
    """That this user comes in, as the trail tells it."""
    return Deed("login", "user", str(user.id), user.name, details=METHOD)


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
