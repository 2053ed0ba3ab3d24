"""`lading token`: API tokens, which also work as passwords of the registry."""

from __future__ import annotations

import time

import click

from lading.fronts.cli.commands.rows import chosen, completed, fields_text
from lading.fronts.cli.console import Listing
from lading.fronts.cli.durations import lasting_seconds
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.oci.instants import instant
from lading.services.access import LADING
from lading.services.identity.login_records import TokenRow
from lading.services.identity.tokens import TokenForm
from lading.services.named_rows import RowUnknown
from lading.services.row_view import token_json

_HEADINGS = ("ID", "NAME", "USER", "BEGINS", "SCOPES", "EXPIRES", "USED")


@click.group(cls=Group)
def token() -> None:
    """API tokens, for programs and as registry passwords.

    A token may what its user may, or with --scope less. It is printed once, when it is made, and kept as a hash.
    """


_user = click.option("--user", metavar="NAME|ID", shell_complete=completed("user"), help="Whose they are.")


@token.command("ls")
@_user
@click.pass_obj
def list_tokens(invocation: Invocation, user: str | None) -> None:
    """List the tokens, without their secrets."""
    service = invocation.application.administration
    users = service.users.list(LADING)
    names = {row.id: row.name for row in users}
    wanted = chosen(users, "user", user).id if user else None
    rows = [row for row in service.tokens.list(LADING, everybody=True) if wanted in {None, row.user}]

    def line(row: TokenRow) -> tuple[str, ...]:
        return (
            str(row.id),
            row.name,
            names.get(row.user, str(row.user)),
            row.prefix,
            "all" if row.scopes is None else " ".join(sorted(row.scopes)) or "none",
            "never" if row.expires is None else instant(row.expires),
            "never" if row.used is None else instant(row.used),
        )

    invocation.console.results(invocation.form, Listing(rows, token_json, _HEADINGS, line, lambda row: str(row.id)))


@token.command()
@click.argument("name")
@click.option(
    "--user", required=True, metavar="NAME|ID", shell_complete=completed("user"), help="Whose token it is to be."
)
@click.option("--scope", "scopes", multiple=True, metavar="NOUN:VERB", help="All that it may; may be repeated.")
@click.option("--expires", metavar="TIME", help="How long it lasts, like 12h or 30d; for ever unless said.")
@click.pass_obj
def add(invocation: Invocation, *, name: str, user: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a token, and print it: it is shown this once.

    Standard output holds the token alone, for a script to keep.
    """
    service = invocation.application.administration
    end = time.time() + lasting_seconds(expires) if expires is not None else None
    owner = chosen(service.users.list(LADING), "user", user)
    form = TokenForm(name, frozenset(scopes) if scopes else None, end, owner.id)
    made = service.tokens.add(LADING, form)
    invocation.console.say(f"{made.row.name}   token {made.row.id} of {owner.name}, shown this once:")
    invocation.console.result(invocation.form, token_json(made.row) | {"token": made.secret}, made.secret)


@token.command()
@click.argument("id", type=click.IntRange(1))
@click.pass_obj
def show(invocation: Invocation, id: int) -> None:  # noqa: A002  a row's own word
    """Show one with every field but the secret."""
    rows = invocation.application.administration.tokens.list(LADING, everybody=True)
    row = next((each for each in rows if each.id == id), None)
    if row is None:
        raise RowUnknown("token", id).but(command="lading token ls")
    invocation.console.result(invocation.form, token_json(row), fields_text(token_json(row)), str(id))


@token.command()
@click.argument("id", type=click.IntRange(1))
@click.pass_obj
def rm(invocation: Invocation, id: int) -> None:  # noqa: A002  a row's own word
    """Remove a token by its id: from now on it opens nothing."""
    try:
        invocation.application.administration.tokens.remove(LADING, id)
    except RowUnknown as error:
        raise error.but(command="lading token ls") from error
    invocation.console.result(invocation.form, {"id": id, "removed": True}, f"{id}   token removed", str(id))
