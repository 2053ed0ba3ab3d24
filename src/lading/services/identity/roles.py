"""Roles: the four that come with Lading, and those that people make.

admin       everything
operator    images, environments, registries, repositories, scans and jobs, whatever there is to do with them
publisher   pulls, tags, pushes and scans images, and has them signed
viewer      looks at them
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from lading.errors import InputInvalid, Refused
from lading.services.access import EVERYTHING, Actor, Grant, Permission
from lading.services.audit.audit import Result, Trail, row_deed
from lading.services.audit.trail import admit, refuse
from lading.services.identity.delegation import may_give
from lading.services.identity.user_records import RoleRow, UserRecords
from lading.services.named_rows import NameTaken, RowUnknown, known
from lading.services.row_rules import NAME_RULE, row_name

ADMIN = "admin"
MOST_GRANTS = 50
MOST_PATTERNS = 200
"""Of each kind in one grant."""


def _grant(*permissions: str) -> tuple[Grant, ...]:
    return (Grant(frozenset(permissions)),)


BUILT_IN: Mapping[str, tuple[Grant, ...]] = {
    ADMIN: _grant(EVERYTHING),
    "operator": _grant(
        "images:*",
        "environments:*",
        "registries:*",
        "repositories:*",
        "scans:*",
        Permission.POLICIES_VIEW,
        Permission.EXCEPTIONS_VIEW,
        Permission.TRUST_VIEW,
        Permission.TRUST_SIGN,
        "jobs:*",
        "metrics:view",
        "settings:view",
    ),
    "publisher": _grant(
        Permission.IMAGES_VIEW,
        Permission.IMAGES_PULL,
        Permission.IMAGES_PUSH,
        Permission.IMAGES_TAG,
        Permission.ENVIRONMENTS_VIEW,
        Permission.REGISTRIES_VIEW,
        Permission.REPOSITORIES_VIEW,
        Permission.REPOSITORIES_PULL,
        Permission.REPOSITORIES_PUSH,
        Permission.SCANS_VIEW,
        Permission.SCANS_RUN,
        Permission.POLICIES_VIEW,
        Permission.EXCEPTIONS_VIEW,
        Permission.TRUST_VIEW,
        Permission.TRUST_SIGN,
    ),
    "viewer": _grant(
        Permission.IMAGES_VIEW,
        Permission.ENVIRONMENTS_VIEW,
        Permission.REGISTRIES_VIEW,
        Permission.REPOSITORIES_VIEW,
        Permission.SCANS_VIEW,
        Permission.POLICIES_VIEW,
        Permission.EXCEPTIONS_VIEW,
        Permission.TRUST_VIEW,
        Permission.JOBS_VIEW,
    ),
}

PERMISSIONS = frozenset({EVERYTHING, *Permission, *(f"{permission.partition(':')[0]}:*" for permission in Permission)})
"""Every pattern of permissions that means something."""

_REPOSITORY_PATTERN = re.compile(r"[A-Za-z0-9._:/*-]{1,255}")


class RoleInvalid(InputInvalid):
    """A field of a role that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the role's {self.field} {self.rule}"


class BuiltInStays(Refused):
    """The roles that come with Lading are the same everywhere."""

    hint = "Make a role of your own beside it."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the role {self.name} comes with Lading, and cannot be changed or removed"


@dataclass(frozen=True, slots=True)
class RoleForm:
    """What somebody wrote of a role."""

    name: str
    grants: tuple[Grant, ...] = ()


class Roles:
    """For every door; each method asks for permission and keeps the trail."""

    def __init__(self, records: UserRecords, trail: Trail) -> None:
        self._records, self._trail = records, trail

    def ensure_built_in(self) -> None:
        """They are there, and give what this version says. Raises StorageFailed."""
        there = {role.name: role for role in self._records.roles() if role.built_in}
        for name, grants in BUILT_IN.items():
            if name not in there:
                with suppress(NameTaken):  # by another process that begins at the same moment
                    self._records.add_role(partial(_built_in, name))
            elif there[name].grants != grants:
                self._records.change_role(_built_in(name, there[name].id))

    def list(self, actor: Actor) -> Sequence[RoleRow]:
        """In order of id."""
        admit(self._trail, actor, Permission.USERS_VIEW, row_deed("list", "role"))
        return self._records.roles()

    def get(self, actor: Actor, id: int) -> RoleRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.USERS_VIEW, row_deed("view", "role", id))
        return self._row(id)

    def add(self, actor: Actor, form: RoleForm) -> RoleRow:
        """Raises RoleInvalid, NameTaken; Denied where it gives more than the actor has."""
        admit(self._trail, actor, Permission.USERS_EDIT, row_deed("create", "role", name=form.name))
        name, grants = _name(form.name), _checked(form.grants)
        self._within(actor, "create", grants, name)
        row = self._records.add_role(lambda id: RoleRow(id, name, grants))  # noqa: A006  a row's own word
        self._record(actor, "create", row)
        return row

    def change(self, actor: Actor, id: int, form: RoleForm) -> RoleRow:  # noqa: A002  a row's own word
        """Raises RowUnknown, RoleInvalid, NameTaken, BuiltInStays; Denied where it gave or gives more than the actor
        has."""
        admit(self._trail, actor, Permission.USERS_EDIT, row_deed("update", "role", id))
        before = self._own(id)
        after = RoleRow(id, _name(form.name), _checked(form.grants))
        self._within(actor, "update", (*before.grants, *after.grants), before.name, id)
        if not self._records.change_role(after):
            raise RowUnknown("role", id)
        self._record(actor, "update", after)
        return after

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """Those who had it have it no longer. Raises RowUnknown, BuiltInStays."""
        admit(self._trail, actor, Permission.USERS_EDIT, row_deed("delete", "role", id))
        row = self._own(id)
        self._within(actor, "delete", row.grants, row.name, id)
        if not self._records.remove_role(id):
            raise RowUnknown("role", id)
        self._record(actor, "delete", row)

    def _row(self, id: int) -> RoleRow:  # noqa: A002  a row's own word
        return known(self._records.role(id), "role", id)

    def _own(self, id: int) -> RoleRow:  # noqa: A002  a row's own word
        row = self._row(id)
        if row.built_in:
            raise BuiltInStays(row.name)
        return row

    def _within(
        self,
        actor: Actor,
        action: str,
        grants: Sequence[Grant],
        name: str,
        id: int | None = None,  # noqa: A002  a row's own word
    ) -> None:
        if not may_give(actor, grants):
            deed = row_deed(action, "role", id, name, MORE_THAN_ONES_OWN)
            refuse(self._trail, actor, Permission.USERS_EDIT, deed)

    def _record(self, actor: Actor, action: str, row: RoleRow) -> None:
        details = {"grants": [grant_json(grant) for grant in row.grants]}
        self._trail.record(actor, row_deed(action, "role", row.id, row.name, details), Result.DONE)


MORE_THAN_ONES_OWN: Mapping[str, object] = {"reason": "more than the actor has"}
"""What the trail says of somebody who would have given, or taken, what they do not have themselves."""


def grant_json(grant: Grant) -> dict[str, object]:
    """A grant as JSON: None is all of them."""
    return {
        "permissions": sorted(grant.permissions),
        "environments": None if grant.environments is None else sorted(grant.environments),
        "repositories": None if grant.repositories is None else list(grant.repositories),
    }


def _built_in(name: str, id: int) -> RoleRow:  # noqa: A002  a row's own word
    return RoleRow(id, name, BUILT_IN[name], built_in=True)


def _name(name: str) -> str:
    named = row_name(name)
    if named is None:
        raise RoleInvalid("name", NAME_RULE)
    return named


def _checked(grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """Raises RoleInvalid."""
    if len(grants) > MOST_GRANTS:
        raise RoleInvalid("grants", f"are more than {MOST_GRANTS}")
    for grant in grants:
        check_permissions("grants", grant.permissions)
        if any(environment < 1 for environment in grant.environments or ()):
            raise RoleInvalid("environments", "are ids of environments")
        if max(len(grant.environments or ()), len(grant.repositories or ())) > MOST_PATTERNS:
            raise RoleInvalid("grants", f"name more than {MOST_PATTERNS} environments or repositories")
        for pattern in grant.repositories or ():
            if not _REPOSITORY_PATTERN.fullmatch(pattern):
                raise RoleInvalid("repositories", "are names in which * stands for any run of characters")
    return grants


def check_permissions(field: str, permissions: frozenset[str]) -> None:
    """Whether each is a permission, `noun:*` or `*`. Raises RoleInvalid naming `field`."""
    unknown = sorted(permissions - PERMISSIONS)
    if unknown:
        raise RoleInvalid(field, f"say {unknown[0][:100]!r}, and there is no such permission")
