"""`lading environment token` and `agents`: hosts that come to us, and what lets them in."""

from __future__ import annotations

import time
from dataclasses import dataclass

import click

from lading.fronts.cli.commands.rows import chosen, completed
from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.durations import lasting_seconds
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.oci.instants import instant
from lading.services.access import LADING
from lading.services.agents.commands import agent_command, stock_command
from lading.services.agents.tokens import AgentTokenForm, is_over
from lading.services.agents.view import agent_json, agent_token_json
from lading.services.environments.environment import ConnectionType
from lading.services.hub.hub import AgentPresence
from lading.services.hub.records import AgentTokenRow
from lading.services.named_rows import RowUnknown

_HEADINGS = ("ENVIRONMENT", "AGENT", "VERSION", "DOCKER", "FROM", "CONNECTED", "TOKEN", "EXPIRES")
_named = click.argument("name", metavar="NAME|ID", shell_complete=completed("environment"))


@click.command(cls=Command)
@_named
@click.option("--expires", metavar="TIME", help="How long it lasts, like 12h or 30d; for ever unless said.")
@click.option("--server", metavar="URL", help="How the host reaches this server; --public-url unless said.")
@click.option("--stock", is_flag=True, help="Print what starts a stock agent in Docker.")
@click.option("--revoke", is_flag=True, help="Take the token back instead: its agent is thrown out.")
@click.pass_obj
def token(
    invocation: Invocation, *, name: str, expires: str | None, server: str | None, stock: bool, revoke: bool
) -> None:
    """Make the token of an environment's agent, and print what to paste on its host.

    It is shown this once, and kept as a hash. The token before opens nothing any more. Standard output holds the line
    alone; with --quiet the token alone.
    """
    if revoke:
        _revoke(invocation, name)
        return
    service = invocation.application.administration
    environment = chosen(service.environments.list(LADING), "environment", name)
    now = time.time()
    end = now + lasting_seconds(expires) if expires is not None else None
    made = service.agents.tokens.add(LADING, AgentTokenForm("", environment.id, end))
    reached = server or service.public_url or service.own_url
    if server is None and service.public_url is None:
        invocation.console.warn(f"--public-url is not set: see that the host reaches {reached}, or say --server")
    ours, theirs = agent_command(reached, made.secret), stock_command(reached, made.secret)
    invocation.console.say(f"{environment.name}   token {made.row.id}, shown this once; paste on the host:")
    record: Record = agent_token_json(made.row, now) | {
        "token": made.secret,
        "command": ours,
        "stockCommand": theirs,
    }
    invocation.console.result(invocation.form, record, theirs if stock else ours, made.secret)


def _revoke(invocation: Invocation, name: str) -> None:
    service = invocation.application.administration
    environment = chosen(service.environments.list(LADING), "environment", name)
    rows = [row for row in service.agents.tokens.list(LADING, environment.id) if row.active]
    if not rows:
        raise RowUnknown("token", environment.name).but(
            why=f"the environment {environment.name} has no token",
            command=f"lading environment token {environment.name}: makes one",
        )
    for row in rows:
        service.agents.tokens.revoke(LADING, row.id)
        told: Record = {"id": row.id, "environmentId": environment.id, "removed": True}
        invocation.console.result(invocation.form, told, f"{environment.name}   token revoked", str(row.id))


@dataclass(frozen=True, slots=True)
class _Edge:
    """An environment whose agent comes to us; what is there of it."""

    id: int
    name: str
    agent: AgentPresence | None
    token: AgentTokenRow | None


@click.command(cls=Command)
@click.pass_obj
def agents(invocation: Invocation) -> None:
    """List the environments whose agents come to us: which are connected, and by what token they get in."""
    service = invocation.application.administration
    rows = [row for row in service.environments.list(LADING) if row.connection_type is ConnectionType.HAWSER_EDGE]
    here = {each.environment: each for each in service.agents.presences(LADING)}
    active = {row.environment: row for row in service.agents.tokens.list(LADING) if row.active}
    edges = [_Edge(row.id, row.name, here.get(row.id), active.get(row.id)) for row in rows]
    now = time.time()

    def record(edge: _Edge) -> Record:
        return {
            "environmentId": edge.id,
            "environment": edge.name,
            "connected": edge.agent is not None,
            "agent": None if edge.agent is None else agent_json(edge.agent),
            "token": None if edge.token is None else agent_token_json(edge.token, now),
        }

    invocation.console.results(
        invocation.form, Listing(edges, record, _HEADINGS, lambda edge: _line(edge, now), lambda edge: edge.name)
    )


def _line(edge: _Edge, now: float) -> tuple[str, ...]:
    return (edge.name, *_presence(edge.agent), *_token(edge.token, now))


def _presence(agent: AgentPresence | None) -> tuple[str, ...]:
    if agent is None:
        return "-", "-", "-", "-", "no"
    hello = agent.hello
    return hello.agent_name, hello.version, hello.docker_version, agent.address, f"since {instant(agent.connected)}"


def _token(row: AgentTokenRow | None, now: float) -> tuple[str, str]:
    if row is None:
        return "none", "-"
    if row.expires is None:
        return f"{row.prefix}…", "never"
    return f"{row.prefix}…", "expired" if is_over(row, now) else instant(row.expires)
