"""`lading user`: who may log in, with which roles; and the way back in for whoever sits at the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from lading.fronts.cli.application import Administration
from lading.fronts.cli.commands.rows import chosen, completed, row_commands
from lading.fronts.cli.commands.user_bundle import bundle
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.secrets import asked_password, password_option
from lading.oci.instants import instant
from lading.services.access import LADING, Grant
from lading.services.identity.identity_records import SignedOn
from lading.services.identity.roles import ADMIN
from lading.services.identity.user_records import RoleRow, UserRow
from lading.services.identity.users import UserEdit, UserForm, has_admin
from lading.services.row_view import role_json, user_json


@click.group(cls=Group)
def user() -> None:
    """Users, their roles and passwords.

    Whoever may write the data folder may do all of this; a server that runs there knows of it at once.
    """


_named = click.argument("name", metavar="NAME|ID", shell_complete=completed("user"))
_roles = click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE",
    shell_complete=completed("role"),
    help="What the user may; may be repeated.",
)


@user.command("ls")
@click.pass_obj
def list_users(invocation: Invocation) -> None:
    """List the users, without anything of their passwords."""
    service = invocation.application.administration
    names = {role.id: role.name for role in service.roles.list(LADING)}

    def row(each: UserRow) -> tuple[str, ...]:
        return (
            str(each.id),
            each.name,
            ", ".join(_names(each, names)) or "-",
            "yes" if each.active else "no",
            "yes" if each.password_hash else "no",
            instant(each.created),
            *_sign_on_cells(known.get(each.id)),
        )

    headings = ("ID", "NAME", "ROLES", "ACTIVE", "PASSWORD", "CREATED", "SIGN-ON", "LAST-LOGIN")
    rows, known = service.users.list(LADING), service.users.signed_on()
    listing = Listing(rows, lambda each: user_json(each, known), headings, row, lambda each: each.name)
    invocation.console.results(invocation.form, listing)


@user.command()
@click.pass_obj
def roles(invocation: Invocation) -> None:
    """List the roles, and what each of them gives."""

    def row(role: RoleRow) -> tuple[str, ...]:
        return (str(role.id), role.name, "yes" if role.built_in else "no", "; ".join(map(_grant, role.grants)) or "-")

    found = invocation.application.administration.roles.list(LADING)
    listing = Listing(found, role_json, ("ID", "NAME", "BUILT IN", "GIVES"), row, lambda role: role.name)
    invocation.console.results(invocation.form, listing)


@user.command()
@click.argument("name")
@_roles
@password_option
@click.option("--no-password", is_flag=True, help="Only API tokens let this user in.")
@click.pass_obj
def add(invocation: Invocation, *, name: str, roles: tuple[str, ...], password: str | None, no_password: bool) -> None:
    """Add a user.

    The password is asked for at a terminal, or comes by --password-stdin or LADING_PASSWORD[_FILE].
    """
    if no_password and password:
        raise click.UsageError("--no-password and --password-stdin exclude each other")
    service = invocation.application.administration
    ids = _ids(service, roles)
    secret = None if no_password else asked_password(invocation, password, twice=True)
    _print(invocation, service.users.add(LADING, UserForm(name, secret, ids)), "added")
    _tell_of_admins(invocation, service)


@user.command("set")
@_named
@click.option("--name", "new_name", metavar="NAME", help="Call the user so from now on.")
@_roles
@click.option("--no-roles", is_flag=True, help="Take all roles away.")
@click.option("--active/--inactive", default=None, help="Whether the user may log in.")
@click.pass_obj
def change(
    invocation: Invocation,
    *,
    name: str,
    new_name: str | None,
    roles: tuple[str, ...],
    no_roles: bool,
    active: bool | None,
) -> None:
    """Change a user; what is not said stays.

    --role replaces all roles that the user has. The last active admin stays one.
    """
    if no_roles and roles:
        raise click.UsageError("--no-roles and --role exclude each other")
    service = invocation.application.administration
    row = chosen(service.users.list(LADING), "user", name)
    ids = _ids(service, roles) if roles or no_roles else None
    _print(invocation, service.users.change(LADING, row.id, UserEdit(new_name, None, active, ids)), "changed")


@user.command()
@_named
@password_option
@click.pass_obj
def reset(invocation: Invocation, name: str, password: str | None) -> None:
    """Let a user in again: a new password, and active whatever was before. Sessions of the user end."""
    users = invocation.application.administration.users
    row = chosen(users.list(LADING), "user", name)
    _print(invocation, users.reset(row.name, asked_password(invocation, password, twice=True)), "has a new password")


user.add_command(bundle)
row_commands(
    user,
    "user",
    lambda service: service.users,
    lambda row: user_json(row, {}),
    "Remove a user, with sessions and tokens.",
    beside=lambda service, row: user_json(row, service.users.signed_on(row.id)),
)


def _ids(service: Administration, names: Sequence[str]) -> tuple[int, ...]:
    """Raises RowUnknown."""
    known = service.roles.list(LADING)
    return tuple(chosen(known, "role", name).id for name in names)


def _print(invocation: Invocation, row: UserRow, done: str) -> None:
    signed_on = invocation.application.administration.users.signed_on(row.id)
    invocation.console.result(invocation.form, user_json(row, signed_on), f"{row.name}   user {done}", row.name)


def _tell_of_admins(invocation: Invocation, service: Administration) -> None:
    admin = chosen(service.roles.list(LADING), "role", ADMIN)
    if not has_admin(service.users.list(LADING), admin):
        invocation.console.say("nobody is an admin yet: lading user add NAME --role admin")


def _sign_on_cells(signed_on: SignedOn | None) -> tuple[str, str]:
    """By which provider, and when last."""
    if signed_on is None:
        return "-", "-"
    return signed_on.issuer, "-" if signed_on.last is None else instant(signed_on.last)


def _names(row: UserRow, names: Mapping[int, str]) -> list[str]:
    return [names[role] for role in row.roles if role in names]


def _grant(grant: Grant) -> str:
    text = " ".join(sorted(grant.permissions))
    if grant.environments is not None:
        text += f" in environments {', '.join(map(str, sorted(grant.environments))) or 'none'}"
    if grant.repositories is not None:
        text += f" for {', '.join(grant.repositories) or 'nothing'}"
    return text
