"""Users: added, listed, changed, removed, with their roles and passwords.

    who edits a user must have everything that user has, and everything the new roles give: no editor makes themselves,
    or takes over, somebody with more
    the last active admin stays: not removed, not deactivated, not without the role
    a new password, deactivation and removal end the user's sessions

What is recorded of a change names fields, never a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lading.errors import InputInvalid, Refused
from lading.services.access import LADING, Actor, Permission
from lading.services.audit.audit import Result, Trail, row_deed
from lading.services.audit.trail import admit, refuse
from lading.services.identity.delegation import may_give
from lading.services.identity.identity_records import IdentityRecords, SignedOn
from lading.services.identity.login_records import SessionRecords
from lading.services.identity.passwords import Passwords, new_password
from lading.services.identity.roles import ADMIN, MORE_THAN_ONES_OWN
from lading.services.identity.user_records import Permit, RoleRow, UserRecords, UserRow
from lading.services.named_rows import RowUnknown, known

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
_RESERVED = frozenset({LADING.name, "anonymous"})
"""Names by which the audit trail knows nobody's account."""


class UserInvalid(InputInvalid):
    """A field of a user that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the user's {self.field} {self.rule}"


class LastAdmin(Refused):
    """Without an active admin nobody could give permissions any more."""

    code = "last_admin"
    hint = "Make another user an admin first."

    def __str__(self) -> str:
        return "this is the last active admin"


class UserMoved(Refused):
    """The user's roles were changed by somebody else between our look and our change."""

    code = "conflict"
    hint = "Look again, and repeat what is still wanted."

    def __str__(self) -> str:
        return "the user was changed by somebody else at the same moment"


@dataclass(frozen=True, slots=True)
class UserForm:
    """What somebody wrote of a new user. Without a password it cannot log in; `roles` are ids."""

    name: str
    password: str | None = field(default=None, repr=False)
    roles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UserEdit:
    """What to change of a user; None leaves a field as it is."""

    name: str | None = None
    password: str | None = field(default=None, repr=False)
    active: bool | None = None
    roles: tuple[int, ...] | None = None


class Users:
    """For every door; each method asks for permission and keeps the trail."""

    def __init__(
        self,
        records: UserRecords,
        sessions: SessionRecords,
        passwords: Passwords,
        trail: Trail,
        clock: Callable[[], float],
        *,
        identities: IdentityRecords,
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._sessions, self._passwords = records, sessions, passwords
        self._identities = identities
        self._trail, self._clock = trail, clock

    def list(self, actor: Actor) -> Sequence[UserRow]:
        """In order of id."""
        admit(self._trail, actor, Permission.USERS_VIEW, row_deed("list", "user"))
        return self._records.users()

    def signed_on(self, user: int | None = None) -> Mapping[int, SignedOn]:
        """How those come who are a provider's, by the user's id: for whoever has been given their rows."""
        return self._identities.signed_on(user)

    def get(self, actor: Actor, id: int) -> UserRow:  # noqa: A002  a row's own word
        """Oneself, or with permission anybody. Raises RowUnknown."""
        if actor.user != id:
            admit(self._trail, actor, Permission.USERS_VIEW, row_deed("view", "user", id))
        return self._row(id)

    def add(self, actor: Actor, form: UserForm) -> UserRow:
        """Raises UserInvalid, PasswordInvalid, NameTaken, RowUnknown for a role; Denied for more than the actor has."""
        admit(self._trail, actor, Permission.USERS_EDIT, row_deed("create", "user", name=form.name))
        name = new_name(form.name)
        roles = self._roles(form.roles)
        self._within(actor, "create", roles, None, name)
        sealed = None if form.password is None else self._hashed(form.password, name)
        created = self._clock()
        row = self._records.add_user(
            lambda id: UserRow(id, name, sealed, created=created, roles=_ids(roles))  # noqa: A006  a row's own word
        )
        self._record(actor, "create", row, {"roles": [role.name for role in roles]})
        return row

    def change(self, actor: Actor, id: int, edit: UserEdit) -> UserRow:  # noqa: A002  a row's own word
        """Raises RowUnknown, UserInvalid, PasswordInvalid, NameTaken, LastAdmin, UserMoved; Denied where the user has,
        or would have, more than the actor."""
        admit(self._trail, actor, Permission.USERS_EDIT, row_deed("update", "user", id))
        before = self._row(id)
        roles = None if edit.roles is None else self._roles(edit.roles)
        self._within(actor, "update", (*self._known(before.roles), *(roles or ())), id, before.name)
        name = None if edit.name is None else new_name(edit.name)
        sealed = None if edit.password is None else self._hashed(edit.password, name or before.name)

        def changed(now: UserRow) -> UserRow:
            if now.roles != before.roles:
                raise UserMoved
            return replace(
                now,
                name=now.name if name is None else name,
                password_hash=now.password_hash if sealed is None else sealed,
                active=now.active if edit.active is None else edit.active,
                roles=now.roles if roles is None else _ids(roles),
            )

        row = self._kept(id, changed)
        if sealed is not None or not row.active:
            self._sessions.remove_sessions(id)
        self._record(actor, "update", row, _changes(edit, roles))
        return row

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """With the user's sessions and tokens. Raises RowUnknown, LastAdmin; Denied for who has more than the actor."""
        admit(self._trail, actor, Permission.USERS_EDIT, row_deed("delete", "user", id))
        row = self._row(id)
        self._within(actor, "delete", self._known(row.roles), id, row.name)
        if not self._records.remove_user(id, an_admin_stays(self._records)):
            raise RowUnknown("user", id)
        self._record(actor, "delete", row)

    def reset(self, name: str, password: str) -> UserRow:
        """For whoever sits at the server: this password lets the user in, who is active again.

        Raises RowUnknown, PasswordInvalid.
        """
        found = known(self._records.user_named(name.strip().lower()), "user", name)
        return self.change(LADING, found.id, UserEdit(password=password, active=True))

    def _kept(self, id: int, change: Callable[[UserRow], UserRow]) -> UserRow:  # noqa: A002  a row's own word
        return known(self._records.change_user(id, change, an_admin_stays(self._records)), "user", id)

    def _hashed(self, password: str, name: str) -> str:
        return self._passwords.hash(new_password(password, name))

    def _row(self, id: int) -> UserRow:  # noqa: A002  a row's own word
        return known(self._records.user(id), "user", id)

    def _roles(self, ids: Iterable[int]) -> tuple[RoleRow, ...]:
        """Raises RowUnknown."""
        there = {role.id: role for role in self._records.roles()}
        missing = next((id for id in ids if id not in there), None)  # noqa: A001  a row's own word
        if missing is not None:
            raise RowUnknown("role", missing)
        return tuple(there[id] for id in sorted(set(ids)))  # noqa: A001  a row's own word

    def _known(self, ids: Iterable[int]) -> tuple[RoleRow, ...]:
        """Those that are still there."""
        return tuple(role for role in self._records.roles() if role.id in ids)

    # ── permission and trail

    def _within(
        self,
        actor: Actor,
        action: str,
        roles: Iterable[RoleRow],
        id: int | None,  # noqa: A002  a row's own word
        name: str,
    ) -> None:
        if not may_give(actor, [grant for role in roles for grant in role.grants]):
            deed = row_deed(action, "user", id, name, MORE_THAN_ONES_OWN)
            refuse(self._trail, actor, Permission.USERS_EDIT, deed)

    def _record(self, actor: Actor, action: str, row: UserRow, details: dict[str, object] | None = None) -> None:
        self._trail.record(actor, row_deed(action, "user", row.id, row.name, details), Result.DONE)


def new_name(text: str) -> str:
    """In small letters: names that differ in nothing else are too easily taken for each other. Raises UserInvalid."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        rule = "must have 1 to 64 of a-z, 0-9 and . _ @ + - , a letter or digit first and last"
        raise UserInvalid("name", rule)
    if name in _RESERVED:
        raise UserInvalid("name", f"cannot be {name}: the audit trail uses it")
    return name


def admin_role(roles: Iterable[RoleRow]) -> RoleRow:
    """The built-in one. Raises RowUnknown where Roles.ensure_built_in was not called."""
    return known(next((role for role in roles if role.built_in and role.name == ADMIN), None), "role", ADMIN)


def has_admin(users: Iterable[UserRow], admin: RoleRow) -> bool:
    """Whether one of them is active and has the role."""
    return any(user.active and admin.id in user.roles for user in users)


def an_admin_stays(records: UserRecords) -> Permit | None:
    """Raises LastAdmin at the change after which there would be none; None where there is none to stay: then set-up is
    still to come."""
    admin = admin_role(records.roles())
    if not has_admin(records.users(), admin):
        return None

    def permit(users: Sequence[UserRow]) -> None:
        if not has_admin(users, admin):
            raise LastAdmin

    return permit


def _ids(roles: Iterable[RoleRow]) -> tuple[int, ...]:
    return tuple(role.id for role in roles)


def _changes(edit: UserEdit, roles: Sequence[RoleRow] | None) -> dict[str, object]:
    """For the trail: which fields, and the values of those that are no secret."""
    told = {
        "name": edit.name,
        "active": edit.active,
        "roles": None if roles is None else [role.name for role in roles],
        "password": None if edit.password is None else "changed",
    }
    return {name: value for name, value in told.items() if value is not None}
