"""`lading environment` at a server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace

import click

from lading.fronts.cli.commands.distribute import HostsUnsaid
from lading.fronts.cli.commands.environment import EnvironmentTestFailed, dialled, form_of, token_in
from lading.fronts.cli.durations import lasting_seconds
from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.rows import Noun, print_report, said
from lading.fronts.cli.far.server import Columns, Row, chosen, number, refuse_flags, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.oci.instants import instant
from lading.services.environments.environment import ConnectionType
from lading.services.environments.forms import EnvironmentForm
from lading.services.named_rows import RowUnknown
from lading.wire.message import Cancel

AGENT_TOKENS = "/api/hawser/tokens"


def _address(row: Row) -> str:
    match row.get("connectionType"):
        case "socket":
            return f"unix://{word(row, 'socketPath')}"
        case "hawser-edge":
            return "its agent comes to it"
        case "direct" | "hawser-standard":
            return f"{word(row, 'protocol') or 'http'}://{word(row, 'host')}:{number(row, 'port')}"
        case _:
            return "Lading's own store"


def _cells(row: Row) -> tuple[str, ...]:
    protected = "-" if row.get("protocol") != "https" else "skip" if row.get("tlsSkipVerify") else "verify"
    return (
        str(row.get("id")),
        word(row, "name"),
        word(row, "connectionType"),
        _address(row),
        protected,
        "*" if row.get("isDefault") else "",
    )


_HEADINGS = ("ID", "NAME", "TYPE", "ADDRESS", "TLS", "DEFAULT")
ENVIRONMENTS = Noun("environment", "/api/environments", Columns(_HEADINGS, _cells, lambda row: word(row, "name")))


def _body(form: EnvironmentForm) -> Row:
    """By the names that interfaces §2 gives the fields."""

    def camel(name: str) -> str:
        first, *others = name.split("_")
        return first + "".join(map(str.capitalize, others))

    return {camel(name): value for name, value in asdict(form).items()}


def add(
    invocation: Invocation,
    *,
    name: str,
    address: str | None,
    kind: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    tls_skip_verify: bool | None,
    hawser_token: str | None,
    is_default: bool,
) -> None:
    """A Docker host, as the server reaches it."""
    if address is None and kind != ConnectionType.HAWSER_EDGE:
        raise click.UsageError("Missing argument 'ADDRESS'; --type hawser-edge has none.")
    told = form_of(address, kind, (tls_ca, tls_cert, tls_key), tls_skip_verify)
    form = replace(told, name=name, hawser_token=token_in(hawser_token), is_default=is_default or None)
    ENVIRONMENTS.add(invocation, _body(form))


def change(
    invocation: Invocation,
    *,
    name: str,
    address: str | None,
    new_name: str | None,
    kind: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    tls_skip_verify: bool | None,
    hawser_token: str | None,
    is_default: bool,
) -> None:
    """What is not said stays."""
    with invocation.cancellable() as cancel:
        before = ENVIRONMENTS.row(invocation, name, cancel)
    if kind is None and before.get("connectionType") == ConnectionType.HAWSER_STANDARD:
        kind = dialled(address, ConnectionType.HAWSER_STANDARD)
    told = form_of(address, kind, (tls_ca, tls_cert, tls_key), tls_skip_verify)
    form = replace(told, name=new_name, hawser_token=token_in(hawser_token), is_default=is_default or None)
    ENVIRONMENTS.change(invocation, name, _body(form))


def test(invocation: Invocation, *, name: str) -> None:
    """By the server, step by step."""
    with invocation.cancellable() as cancel:
        row = ENVIRONMENTS.row(invocation, name, cancel)
        told = server_of(invocation).ask("POST", f"{ENVIRONMENTS.place(row)}/test", cancel)
    print_report(invocation, word(row, "name"), told, EnvironmentTestFailed)


def distribute(
    invocation: Invocation,
    *,
    image: str,
    to: tuple[str, ...],
    everywhere: bool,
    source: str | None,
    name: str | None,
    platform: str | None,
    no_scan: bool,
    detach: bool,
) -> None:
    """A job there."""
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        rows = server.rows(ENVIRONMENTS.path, cancel)
        body = {
            "image": image,
            "environments": _hosts(rows, to, everywhere=everywhere),
            "env": None if source is None else number(chosen(rows, "environment", source), "id"),
            "as": name,
            "platform": platform,
            "scanAfterPull": not no_scan,
        }
        job = server.started("/api/images/distribute", cancel, body=said(body))
        if detach:
            invocation.console.result(invocation.form, {"jobId": job}, job, job)
            return
        result = result_of(followed(invocation, job, image, cancel))
    invocation.console.result(invocation.form, result, word(result, "message"), word(result, "digest"))


def _hosts(rows: Sequence[Row], to: Sequence[str], *, everywhere: bool) -> list[int]:
    """Raises HostsUnsaid, RowUnknown."""
    names = [name for each in to for name in each.split(",") if name.strip()]
    if everywhere is bool(names):
        raise HostsUnsaid
    if everywhere:
        return [number(row, "id") for row in rows if row.get("connectionType") != ConnectionType.EMBEDDED]
    return [number(chosen(rows, "environment", name), "id") for name in names]


def token(
    invocation: Invocation, *, name: str, expires: str | None, server: str | None, stock: bool, revoke: bool
) -> None:
    """Standard output holds the line to paste alone; with --quiet the token alone."""
    refuse_flags(invocation, server=server is not None)
    with invocation.cancellable() as cancel:
        row = ENVIRONMENTS.row(invocation, name, cancel)
        if revoke:
            _revoke(invocation, row, cancel)
            return
        seconds = None if expires is None else lasting_seconds(expires)
        body = {
            "environmentId": number(row, "id"),
            "expiresAt": None if seconds is None else instant(time.time() + seconds),
        }
        told = server_of(invocation).ask("POST", AGENT_TOKENS, cancel, body=said(body))
    made: Row = told if isinstance(told, dict) else {}
    invocation.console.say(f"{word(row, 'name')}   token {made.get('tokenId')}, shown this once; paste on the host:")
    line = word(made, "stockCommand" if stock else "command")
    invocation.console.result(invocation.form, made, line, word(made, "token"))


def _revoke(invocation: Invocation, row: Row, cancel: Cancel) -> None:
    """Raises RowUnknown where there is none."""
    server, name = server_of(invocation), word(row, "name")
    tokens = server.rows(AGENT_TOKENS, cancel, {"environmentId": number(row, "id")})
    active = [number(token, "id") for token in tokens if token.get("isActive")]
    if not active:
        raise RowUnknown("token", name).but(why=f"the environment {name} has no token")
    for each in active:
        server.ask("DELETE", f"{AGENT_TOKENS}/{each}", cancel)
        told = {"id": each, "environmentId": number(row, "id"), "removed": True}
        invocation.console.result(invocation.form, told, f"{name}   token revoked", str(each))


def agents(invocation: Invocation) -> None:
    """Of the environments whose agents come to the server."""
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        rows = server.rows(ENVIRONMENTS.path, cancel)
        tokens = {
            number(each, "environmentId"): each for each in server.rows(AGENT_TOKENS, cancel) if each.get("isActive")
        }
    edges: list[Row] = [
        {
            "environmentId": row.get("id"),
            "environment": word(row, "name"),
            "connected": row.get("agent") is not None,
            "agent": row.get("agent"),
            "token": tokens.get(number(row, "id")),
        }
        for row in rows
        if row.get("connectionType") == ConnectionType.HAWSER_EDGE
    ]
    headings = ("ENVIRONMENT", "AGENT", "VERSION", "DOCKER", "FROM", "CONNECTED", "TOKEN", "EXPIRES")
    Columns(headings, _edge, lambda row: word(row, "environment")).print(invocation, edges)


def _edge(row: Row) -> tuple[str, ...]:
    agent, token = row.get("agent"), row.get("token")
    here = ["-", "-", "-", "-", "no"]
    if isinstance(agent, dict):
        fields = ("agentName", "agentVersion", "dockerVersion", "address")
        here = [*(word(agent, name) or "-" for name in fields), f"since {word(agent, 'connectedAt')}"]
    lets_in = ("none", "-")
    if isinstance(token, dict):
        lets_in = (f"{word(token, 'tokenPrefix')}…", word(token, "expiresAt") or "never")
    return (word(row, "environment"), *here, *lets_in)


COMMANDS = {
    **ENVIRONMENTS.commands(),
    "token": token,
    "agents": agents,
    "default": ENVIRONMENTS.default,
    "add": add,
    "set": change,
    "test": test,
    "distribute": distribute,
}
