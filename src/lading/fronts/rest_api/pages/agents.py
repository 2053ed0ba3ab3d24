"""The page of Docker hosts that nobody can dial: which are connected, and the one line to paste on another."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lading.errors import LadingError
from lading.fronts.rest_api.answers import iso
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, ServerNeeded
from lading.fronts.rest_api.pages.shown import fields_of, login_first, page, seen, sentence
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.refusals import status_of
from lading.services.access import Actor
from lading.services.agents.commands import agent_command, stock_command
from lading.services.agents.tokens import AgentTokenForm
from lading.services.environments.environment import ConnectionType
from lading.services.environments.forms import EnvironmentForm
from lading.services.environments.records import EnvironmentRow
from lading.services.hub.hub import AgentPresence

router = APIRouter(include_in_schema=False)


@router.get("/agents")
def agents_page(request: Request, product: ProductNeeded, actor: ActorNeeded) -> Response:
    """What is connected, and a form for one more."""
    if actor.user is None and not actor.grants:
        return login_first(request)
    return page(request, "agents.html", hosts=_hosts(product, actor), name="")


@router.post("/agents")
async def add_host(request: Request, product: ProductNeeded, actor: ActorNeeded, server: ServerNeeded) -> Response:
    """Configure an environment, and show what to paste on its host."""
    name = (await fields_of(request)).get("name", "").strip()

    def work() -> Response:
        form = EnvironmentForm(name=name, connection_type=ConnectionType.HAWSER_EDGE.value)
        try:
            row = product.environments.add(actor, form)
            return _told(request, product, actor, server, row)
        except LadingError as error:
            fields = {"hosts": _hosts(product, actor), "name": name, "error": sentence(error)}
            return page(request, "agents.html", status_of(error), **fields)

    return await run_in_threadpool(work)


@router.post("/agents/{id}/token")
def renew_token(
    request: Request,
    product: ProductNeeded,
    actor: ActorNeeded,
    server: ServerNeeded,
    id: int,  # noqa: A002  a row's own word
) -> Response:
    """Another token in place of the one before, whose agent is disconnected."""
    return _told(request, product, actor, server, product.environments.get(actor, id))


def _told(request: Request, product: Product, actor: Actor, server: str, row: EnvironmentRow) -> Response:
    secret = product.agents.tokens.add(actor, AgentTokenForm(row.name, row.id)).secret
    command, stock = agent_command(server, secret), stock_command(server, secret)
    return page(request, "agent_token.html", name=row.name, command=command, stock=stock)


def _hosts(product: Product, actor: Actor) -> list[Mapping[str, object]]:
    rows = seen(lambda: product.environments.list(actor))
    edge = [row for row in rows if row.connection_type is ConnectionType.HAWSER_EDGE]
    return [_host(row, product.agents.presence(row.id)) for row in edge]


def _host(row: EnvironmentRow, agent: AgentPresence | None) -> Mapping[str, object]:
    if agent is None:
        return {"id": row.id, "name": row.name, "connected": False}
    hello = agent.hello
    return {
        "id": row.id,
        "name": row.name,
        "connected": True,
        "agent": f"{hello.agent_name} {hello.version}".strip(),
        "docker": hello.docker_version,
        "since": iso(agent.connected),
    }
