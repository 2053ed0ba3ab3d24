"""`lading user` at a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from lading.fronts.cli.far.rows import Noun
from lading.fronts.cli.far.server import Columns, Row, chosen, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.secrets import asked_password
from lading.wire.message import Cancel

ROLES = "/api/roles"


def _cells(row: Row) -> tuple[str, ...]:
    return (str(row.get("id")), word(row, "username"), "yes" if row.get("active") else "no", word(row, "createdAt"))


USERS = Noun(
    "user",
    "/api/users",
    Columns(("ID", "NAME", "ACTIVE", "CREATED"), _cells, lambda row: word(row, "username")),
)


def list_users(invocation: Invocation) -> None:
    """With their roles by name."""
    with invocation.cancellable() as cancel:
        rows = server_of(invocation).rows(USERS.path, cancel)
        names = {number(role, "id"): word(role, "name") for role in server_of(invocation).rows(ROLES, cancel)}

    def cells(row: Row) -> tuple[str, ...]:
        held = row.get("roles")
        roles = ", ".join(names.get(each, "?") for each in held) if isinstance(held, list) else ""
        password = "yes" if row.get("hasPassword") else "no"
        number_, name, active, created = _cells(row)
        said = row.get("signOn")
        sign_on: Row = said if isinstance(said, dict) else {}
        by, last = word(sign_on, "issuer") or "-", word(sign_on, "lastLoginAt") or "-"
        return (number_, name, roles or "-", active, password, created, by, last)

    headings = ("ID", "NAME", "ROLES", "ACTIVE", "PASSWORD", "CREATED", "SIGN-ON", "LAST-LOGIN")
    Columns(headings, cells, lambda row: word(row, "username")).print(invocation, rows)


def roles(invocation: Invocation) -> None:
    """What each of them gives."""
    with invocation.cancellable() as cancel:
        rows = server_of(invocation).rows(ROLES, cancel)

    def cells(row: Row) -> tuple[str, ...]:
        grants = row.get("grants")
        given = "; ".join(_grant(each) for each in grants if isinstance(each, dict)) if isinstance(grants, list) else ""
        return (str(row.get("id")), word(row, "name"), "yes" if row.get("builtIn") else "no", given or "-")

    Columns(("ID", "NAME", "BUILT IN", "GIVES"), cells, lambda row: word(row, "name")).print(invocation, rows)


def add(invocation: Invocation, *, name: str, roles: tuple[str, ...], password: str | None, no_password: bool) -> None:
    """With a password, or with none."""
    if no_password and password:
        raise click.UsageError("--no-password and --password-stdin exclude each other")
    with invocation.cancellable() as cancel:
        ids = _ids(invocation, roles, cancel)
    secret = None if no_password else asked_password(invocation, password, twice=True)
    USERS.add(invocation, {"username": name, "password": secret, "roles": ids})


def change(
    invocation: Invocation,
    *,
    name: str,
    new_name: str | None,
    roles: tuple[str, ...],
    no_roles: bool,
    active: bool | None,
) -> None:
    """What is not said stays."""
    if no_roles and roles:
        raise click.UsageError("--no-roles and --role exclude each other")
    with invocation.cancellable() as cancel:
        ids = _ids(invocation, roles, cancel) if roles or no_roles else None
    USERS.change(invocation, name, {"username": new_name, "active": active, "roles": ids})


def reset(invocation: Invocation, *, name: str, password: str | None) -> None:
    """A new password, and active whatever was before."""
    secret = asked_password(invocation, password, twice=True)
    USERS.change(invocation, name, {"password": secret, "active": True})


def _ids(invocation: Invocation, names: Sequence[str], cancel: Cancel) -> list[int]:
    known = server_of(invocation).rows(ROLES, cancel) if names else ()
    return [number(chosen(known, "role", name), "id") for name in names]


def _grant(grant: Mapping[str, object]) -> str:
    def words(name: str) -> str:
        value = grant.get(name)
        return " ".join(map(str, value)) if isinstance(value, list) else ""

    text = words("permissions")
    if grant.get("environments") is not None:
        text += f" in environments {words('environments') or 'none'}"
    if grant.get("repositories") is not None:
        text += f" for {words('repositories') or 'nothing'}"
    return text


COMMANDS = {**USERS.commands(), "ls": list_users, "roles": roles, "add": add, "set": change, "reset": reset}
