"""Users and roles: services.identity.user_records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, literal, select, update

from lading.backends.database.named_rows import next_id, refuse_taken, there
from lading.backends.database.service_tables import role, role_grant, user, user_role
from lading.backends.database.transactions import Transactions, Turn
from lading.services.access import Grant
from lading.services.identity.user_records import Permit, RoleRow, UserRow


class DatabaseUsers:
    """Fulfils UserRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    # ── users

    def users(self) -> Sequence[UserRow]:
        with self._transactions.reading() as connection:
            return _users(connection, select(user))

    def user(self, id: int) -> UserRow | None:  # noqa: A002  the protocol's word
        return self._one(_BY_ID, id)

    def user_named(self, name: str) -> UserRow | None:
        return self._one(_BY_NAME, name)

    def add_user(self, make: Callable[[int], UserRow], permit: Permit | None = None) -> UserRow:
        return self._transactions.written(lambda connection: added_user(connection, make, permit), Turn.PEOPLE)

    def change_user(
        self,
        id: int,  # noqa: A002  the protocol's word
        change: Callable[[UserRow], UserRow],
        permit: Permit | None = None,
    ) -> UserRow | None:
        this = select(user).where(user.c.id == id)

        def work(connection: Connection) -> UserRow | None:
            held = next(iter(_users(connection, this)), None)
            if held is None:
                return None
            row = replace(change(held), id=id)
            refuse_taken(connection, user, id, row.name)
            connection.execute(update(user).where(user.c.id == id), _columns(row))
            connection.execute(delete(user_role).where(user_role.c.user == id))
            _give_roles(connection, row)
            _ask(connection, permit)
            return _users(connection, this)[0]

        return self._transactions.written(work, Turn.PEOPLE)

    def remove_user(self, id: int, permit: Permit | None = None) -> bool:  # noqa: A002  the protocol's word
        def work(connection: Connection) -> bool:
            if not connection.execute(delete(user).where(user.c.id == id)).rowcount:
                return False
            _ask(connection, permit)
            return True

        return self._transactions.written(work, Turn.PEOPLE)

    def grants_of(self, user: int) -> Sequence[Grant]:
        with self._transactions.reading() as connection:
            return [_grant(row) for row in connection.execute(_GRANTS_OF, {"asked": user})]

    def _one(self, wanted: Select[Any], asked: int | str) -> UserRow | None:
        with self._transactions.reading() as connection:
            row = connection.execute(wanted, {"asked": asked}).one_or_none()
            roles = connection.scalars(_ROLES_OF, {"asked": row.id}).all() if row else ()
        return None if row is None else _user(row, roles)

    # ── roles

    def roles(self) -> Sequence[RoleRow]:
        with self._transactions.reading() as connection:
            return _roles(connection, select(role))

    def role(self, id: int) -> RoleRow | None:  # noqa: A002  the protocol's word
        with self._transactions.reading() as connection:
            return next(iter(_roles(connection, select(role).where(role.c.id == id))), None)

    def add_role(self, make: Callable[[int], RoleRow]) -> RoleRow:
        def work(connection: Connection) -> RoleRow:
            made = make(next_id(connection, role))
            refuse_taken(connection, role, made.id, made.name)
            connection.execute(insert(role), {"id": made.id, "name": made.name, "built_in": made.built_in})
            _write_grants(connection, made)
            return made

        return self._transactions.written(work, Turn.PEOPLE)

    def change_role(self, row: RoleRow) -> bool:
        def work(connection: Connection) -> bool:
            if not there(connection, role, row.id):
                return False
            refuse_taken(connection, role, row.id, row.name)
            values = {"name": row.name, "built_in": row.built_in}
            connection.execute(update(role).where(role.c.id == row.id), values)
            connection.execute(delete(role_grant).where(role_grant.c.role == row.id))
            _write_grants(connection, row)
            return True

        return self._transactions.written(work, Turn.PEOPLE)

    def remove_role(self, id: int) -> bool:  # noqa: A002  the protocol's word
        gone = delete(role).where(role.c.id == id)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount > 0, Turn.PEOPLE)


def _users(connection: Connection, wanted: Select[Any]) -> Sequence[UserRow]:
    rows = connection.execute(wanted.order_by(user.c.id)).all()
    ids = wanted.with_only_columns(user.c.id).subquery()
    held: dict[int, list[int]] = {}
    for pair in connection.execute(
        select(user_role).join(ids, ids.c.id == user_role.c.user).order_by(user_role.c.user, user_role.c.role)
    ):
        held.setdefault(pair.user, []).append(pair.role)
    return [_user(row, held.get(row.id, ())) for row in rows]


def added_user(connection: Connection, make: Callable[[int], UserRow], permit: Permit | None = None) -> UserRow:
    """As UserRecords.add_user, within a transaction."""
    made = make(next_id(connection, user))
    refuse_taken(connection, user, made.id, made.name)
    connection.execute(insert(user), _columns(made))
    _give_roles(connection, made)
    _ask(connection, permit)
    return _users(connection, select(user).where(user.c.id == made.id))[0]


def _user(row: Row[Any], roles: Sequence[int]) -> UserRow:
    return UserRow(row.id, row.name, row.password_hash, row.active, row.created, tuple(roles))


def _columns(row: UserRow) -> Mapping[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "password_hash": row.password_hash,
        "active": row.active,
        "created": row.created,
    }


def _give_roles(connection: Connection, row: UserRow) -> None:
    given = select(literal(row.id), role.c.id).where(role.c.id.in_(row.roles))
    connection.execute(insert(user_role).from_select(["user", "role"], given))


def _ask(connection: Connection, permit: Permit | None) -> None:
    if permit is not None:
        permit(_users(connection, select(user)))


def _roles(connection: Connection, wanted: Select[Any]) -> Sequence[RoleRow]:
    rows = connection.execute(wanted.order_by(role.c.id)).all()
    ids = wanted.with_only_columns(role.c.id).subquery()
    grants: dict[int, list[Grant]] = {}
    for row in connection.execute(
        select(role_grant).join(ids, ids.c.id == role_grant.c.role).order_by(role_grant.c.role, role_grant.c.position)
    ):
        grants.setdefault(row.role, []).append(_grant(row))
    return [RoleRow(row.id, row.name, tuple(grants.get(row.id, ())), row.built_in) for row in rows]


def _write_grants(connection: Connection, row: RoleRow) -> None:
    rows = [
        {
            "role": row.id,
            "position": position,
            "permissions": sorted(grant.permissions),
            "environments": _listed(grant.environments),
            "repositories": None if grant.repositories is None else list(grant.repositories),
        }
        for position, grant in enumerate(row.grants)
    ]
    if rows:
        connection.execute(insert(role_grant), rows)


def _listed(numbers: Iterable[int] | None) -> list[int] | None:
    return None if numbers is None else sorted(numbers)


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        frozenset(row.permissions),
        None if row.environments is None else frozenset(row.environments),
        None if row.repositories is None else tuple(row.repositories),
    )


def _grants_of() -> Select[Any]:
    """What the roles of the active user give whose id is the parameter `asked`."""
    return (
        select(role_grant)
        .join(user_role, user_role.c.role == role_grant.c.role)
        .join(user, user.c.id == user_role.c.user)
        .where(user.c.id == bindparam("asked", type_=user.c.id.type), user.c.active)
        .order_by(role_grant.c.role, role_grant.c.position)
    )


# Who asks is looked up at nearly every request. These are made once: to put one together takes longer than to ask it.
_GRANTS_OF = _grants_of()
_BY_ID = select(user).where(user.c.id == bindparam("asked", type_=user.c.id.type))
_BY_NAME = select(user).where(user.c.name == bindparam("asked", type_=user.c.name.type))
_ROLES_OF = (
    select(user_role.c.role)
    .where(user_role.c.user == bindparam("asked", type_=user.c.id.type))
    .order_by(user_role.c.role)
)
