"""`lading registry` at a server."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lading.fronts.cli.commands.registry import RegistryTestFailed, secret_of, written_fields
from lading.fronts.cli.far.rows import Noun, print_report
from lading.fronts.cli.far.server import Columns, Row, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.secrets import read_text


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.get("id")),
        word(row, "name"),
        word(row, "url"),
        word(row, "provider") or "generic",
        word(row, "username") or "-",
        "yes" if row.get("hasCredentials") else "no",
        word(row, "tls"),
        "*" if row.get("isDefault") else "",
        word(row, "heldUntil") or "-",
    )


_HEADINGS = ("ID", "NAME", "URL", "PROVIDER", "USER", "LOGIN", "TLS", "DEFAULT", "HELD")
REGISTRIES = Noun("registry", "/api/registries", Columns(_HEADINGS, _cells, lambda row: word(row, "name")))


def add(
    invocation: Invocation,
    *,
    name: str,
    url: str,
    username: str | None,
    password: str | None,
    tls: str | None,
    ca: str | None,
    is_default: bool,
    relay: str | None,
    provider: str | None,
    fields: Sequence[str],
    key: str | None,
) -> None:
    """With what the flags say; the password is sealed there."""
    body = {
        "name": name,
        "url": url,
        "username": username,
        "password": secret_of(invocation, username, password, key),
        "tls": tls,
        "ca": read_text(ca),
        "isDefault": is_default,
        "relay": relay,
        "provider": provider,
        "fields": written_fields(fields) or None,
    }
    REGISTRIES.add(invocation, body)


def change(
    invocation: Invocation,
    *,
    name: str,
    new_name: str | None,
    url: str | None,
    username: str | None,
    password: str | None,
    no_login: bool,
    tls: str | None,
    ca: str | None,
    is_default: bool,
    relay: str | None,
    provider: str | None,
    fields: Sequence[str],
    key: str | None,
) -> None:
    """What is not said stays."""
    if no_login and (username or password or key):
        raise click.UsageError("--no-login forgets the login, and --username, --password-stdin or --key-file give one")
    body = {
        "name": new_name,
        "url": url,
        "username": "" if no_login else username,
        "password": "" if no_login else secret_of(invocation, username, password, key),
        "tls": tls,
        "ca": read_text(ca),
        "isDefault": is_default or None,
        "relay": relay,
        "provider": provider,
        "fields": written_fields(fields) or None,
    }
    REGISTRIES.change(invocation, name, body)


def test(invocation: Invocation, *, name: str) -> None:
    """By the server, step by step."""
    with invocation.cancellable() as cancel:
        row = REGISTRIES.row(invocation, name, cancel)
        told = server_of(invocation).ask("POST", "/api/registries/test", cancel, body={"id": number(row, "id")})
    print_report(invocation, word(row, "name"), told, RegistryTestFailed)


def tags(invocation: Invocation, *, name: str, repository: str) -> None:
    """Of one of its repositories."""
    with invocation.cancellable() as cancel:
        row = REGISTRIES.row(invocation, name, cancel)
        query: dict[str, str | int | None] = {"registry": number(row, "id"), "repository": repository}
        found = server_of(invocation).rows("/api/registry/tags", cancel, query)
    _print_names(invocation, found, "TAG")


def catalog(invocation: Invocation, *, name: str, term: str) -> None:
    """Of it or its provider; where nobody lists any, those that the server has seen."""
    with invocation.cancellable() as cancel:
        row = REGISTRIES.row(invocation, name, cancel)
        query: dict[str, str | int | None] = {"registry": number(row, "id"), "filter": term or None}
        found = server_of(invocation).rows("/api/registry/catalog", cancel, query)
    _print_names(invocation, found, "REPOSITORY")


def _print_names(invocation: Invocation, rows: Sequence[Row], heading: str) -> None:
    Columns((heading,), lambda each: (word(each, "name"),), lambda each: word(each, "name")).print(invocation, rows)


COMMANDS = {
    "catalog": catalog,
    **REGISTRIES.commands(),
    "default": REGISTRIES.default,
    "add": add,
    "set": change,
    "test": test,
    "tags": tags,
}
