"""What is remembered of users and roles: UserRecords, the protocol that the database fulfils, and its rows.

A removed row's id is never given out again: grants name environments by id, and jobs and the audit trail name users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.services.access import Grant


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user. `password_hash` None: no password lets this user in. `created` is seconds since 1970, `roles` are ids
    in ascending order."""

    id: int
    name: str
    password_hash: str | None = field(default=None, repr=False)
    active: bool = True
    created: float = 0.0
    roles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One role and what it gives. `built_in` roles come with Lading."""

    id: int
    name: str
    grants: tuple[Grant, ...] = ()
    built_in: bool = False


Permit = Callable[[Sequence[UserRow]], None]
"""Called with all users as they would be, before that is kept; what it raises undoes the change: `the last one who may
edit users stays`. It asks the records nothing."""


class UserRecords(Protocol):
    """Rows by id. Durable when a method returns. Every method raises StorageFailed."""

    def users(self) -> Sequence[UserRow]:
        """All, in order of id."""

    def user(self, id: int) -> UserRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def user_named(self, name: str) -> UserRow | None:
        """By name, letter for letter."""

    def add_user(self, make: Callable[[int], UserRow], permit: Permit | None = None) -> UserRow:
        """A new row; `make` gets its id. With `permit` exactly one of several that begin at once can be the first user.

        Roles that are not there are left out. Raises NameTaken and what `permit` does.
        """

    def change_user(
        self,
        id: int,  # noqa: A002  a row's own word
        change: Callable[[UserRow], UserRow],
        permit: Permit | None = None,
    ) -> UserRow | None:
        """The row as `change` makes it of what it is then, with its roles; None where there is none. All in one
        transaction, so that of two changes at once none is lost. Raises NameTaken, and what `change` and `permit`
        do."""

    def remove_user(self, id: int, permit: Permit | None = None) -> bool:  # noqa: A002  a row's own word
        """With its roles, sessions and tokens. Whether there was one. Raises what `permit` does."""

    def grants_of(self, user: int) -> Sequence[Grant]:
        """Of all roles of an active user, in one question; nothing where the user is inactive or not there."""

    def roles(self) -> Sequence[RoleRow]:
        """All, in order of id."""

    def role(self, id: int) -> RoleRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def add_role(self, make: Callable[[int], RoleRow]) -> RoleRow:
        """A new row; `make` gets its id. Raises NameTaken."""

    def change_role(self, row: RoleRow) -> bool:
        """Replaces the row of its id, and its grants; False where there is none. Raises NameTaken."""

    def remove_role(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Those who had it have it no longer. Whether there was one."""
