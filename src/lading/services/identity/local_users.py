"""Users of this machine, as the Docker door knows them: by the uid of the process at the other end of a unix socket.

Each has a user row named `uid-<n>`, made when it first comes, with one role and no password. From then on it is a user
like any other: its roles may be changed, and it may be switched off, which is how somebody is kept out. A row that is
removed or renamed is made anew, with the usual role, when its uid comes again.
"""

from __future__ import annotations

from collections.abc import Callable

from lading.errors import InputInvalid
from lading.services.access import LADING, Actor, Denied, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.identity.authentication import Visit
from lading.services.identity.throttling import Seldom
from lading.services.identity.user_records import RoleRow, UserRecords, UserRow
from lading.services.named_rows import NameTaken

RECORD_SECONDS = 60.0
"""That somebody who is switched off came again is recorded at most so often."""


class LocalRoleUnknown(InputInvalid):
    """The setting docker-api-role names a role that nobody has made."""

    command = "lading user roles lists them; --docker-api-role ROLE, or LADING_DOCKER_API_ROLE, chooses one."

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role

    def __str__(self) -> str:
        return f"docker-api-role says {self.role!r}, and there is no such role"


class LocalRoleTooStrong(InputInvalid):
    """The setting docker-api-role names a role that may edit users: everybody who gets to the socket would have it."""

    hint = "Choose a weaker role, as operator is; an admin gives single users more."

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role

    def __str__(self) -> str:
        return f"docker-api-role says {self.role!r}, and whoever of this machine came first would administer Lading"


class SwitchedOff(Denied):
    """A user of this machine whom somebody has switched off."""

    def __init__(self, name: str) -> None:
        super().__init__(Permission.IMAGES_VIEW)
        self.args = (name,)
        self.name = name

    def __str__(self) -> str:
        return f"Permission denied: the user {self.name} is switched off"


class LocalUsers:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(
        self,
        records: UserRecords,
        trail: Trail,
        role: str,
        account: Callable[[int], str | None],
        clock: Callable[[], float],
    ) -> None:
        """`role` is what a new one gets; `account` tells the machine's name of a uid, `clock` seconds since 1970.

        Raises LocalRoleUnknown, LocalRoleTooStrong.
        """
        self._records, self._trail, self._account, self._clock = records, trail, account, clock
        self._role = role
        self._seldom = Seldom(clock, RECORD_SECONDS)
        self._given()

    def actor(self, visit: Visit, uid: int) -> Actor:
        """Who it is. Raises SwitchedOff."""
        row = self._records.user_named(_name(uid)) or self._added(uid)
        actor = Actor(row.name, (), row.id, address=visit.address, request=visit.request)
        if not row.active:
            if self._seldom.now(row.id):
                details = {"method": "unix socket"}
                self._trail.record(actor, Deed("login", "user", str(row.id), row.name, details=details), Result.DENIED)
            raise SwitchedOff(row.name)
        grants = tuple(self._records.grants_of(row.id))
        return Actor(row.name, grants, row.id, address=visit.address, request=visit.request)

    def _added(self, uid: int) -> UserRow:
        role, created = self._given(), self._clock()
        try:
            row = self._records.add_user(
                lambda id: UserRow(id, _name(uid), created=created, roles=(role.id,))  # noqa: A006  a row's own word
            )
        except NameTaken:  # another thread was faster
            found = self._records.user_named(_name(uid))
            if found is None:
                raise
            return found
        details = {"roles": [role.name], "by": "unix socket", "account": self._account(uid)}
        self._trail.record(LADING, Deed("create", "user", str(row.id), row.name, details=details), Result.DONE)
        return row

    def _given(self) -> RoleRow:
        found = next((role for role in self._records.roles() if role.name == self._role), None)
        if found is None:
            raise LocalRoleUnknown(self._role)
        if any(grant.covers(Permission.USERS_EDIT, None, None) for grant in found.grants):
            raise LocalRoleTooStrong(self._role)
        return found


def _name(uid: int) -> str:
    return f"uid-{uid}"
