"""Agents of Docker hosts that nobody can dial: who is connected, and the tokens that let them in.

They come by WebSocket to the very path that says here who is connected (fronts.edge_api).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from lading.fronts.rest_api.answers import Json, agent_json, agent_token_json
from lading.fronts.rest_api.bodies import AgentTokenBody, RowId
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded, ServerNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.shapes.errors import WebSocketNeeded
from lading.fronts.rest_api.shapes.places import AgentConnections, AgentToken, AgentTokenMade
from lading.fronts.rest_api.told import listed, one
from lading.services.agents.commands import agent_command, stock_command
from lading.services.agents.tokens import AgentTokenForm
from lading.wire.tunnel_frames import PROTOCOL

router = APIRouter(prefix="/api/hawser", tags=["agents"])

INSTRUCTIONS = (
    "Make a token: POST /api/hawser/tokens with the environmentId of an environment of type hawser-edge.",
    "Start the agent with this server's URL and the token; its answer has the whole command.",
    "A proxy in front of this server has to pass WebSockets on.",
)


@router.get("/connect", responses=one(AgentConnections))
def list_agents(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """The agents that are connected, of the environments that you may see."""
    agents = [agent_json(each) for each in product.agents.presences(actor)]
    return {
        "status": "ready",
        "message": "Agents connect here by WebSocket.",
        "protocol": PROTOCOL,
        "activeConnections": len(agents),
        "connections": agents,
    }


@router.post("/connect", status_code=426, responses=one(WebSocketNeeded, 426))
async def connect() -> JSONResponse:
    """What an agent is told that does not ask for a WebSocket."""
    body = {
        "error": "WebSocket required",
        "message": "Agents connect here by WebSocket.",
        "instructions": INSTRUCTIONS,
    }
    return JSONResponse(body, 426, {"Upgrade": "websocket", "Connection": "Upgrade"})


@router.get("/tokens", responses=listed(AgentToken))
def list_agent_tokens(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
    environment: Annotated[RowId | None, Query(alias="environmentId", description="Those of one environment.")] = None,
) -> object:
    """The tokens of the environments that you may see, without their secrets."""
    now = product.clock()
    rows = product.agents.tokens.list(actor, environment)
    return wanted.listed(rows, lambda row: [row.name, row.prefix], lambda row: agent_token_json(row, now))


@router.post("/tokens", status_code=201, responses=one(AgentTokenMade, 201))
def add_agent_token(product: ProductNeeded, actor: ActorNeeded, server: ServerNeeded, body: AgentTokenBody) -> Json:
    """Make the token of an environment's agent, in place of the one before, whose agent is disconnected. It is in this
    answer and never again; the commands start an agent with it, ours or a stock one."""
    expires = None if body.expires_at is None else body.expires_at.timestamp()
    made = product.agents.tokens.add(actor, AgentTokenForm(body.name, body.environment_id or 0, expires))
    return {
        "token": made.secret,
        "tokenId": made.row.id,
        "message": "Keep the token: it is not shown again.",
        "command": agent_command(server, made.secret),
        "stockCommand": stock_command(server, made.secret),
    }


@router.delete("/tokens", status_code=204)
def revoke_named_token(
    product: ProductNeeded,
    actor: ActorNeeded,
    id: Annotated[int, Query()] = 0,  # noqa: A002  a row's own word
) -> Response:
    """The same as of `/tokens/{id}`: programs that manage agents elsewhere ask so."""
    return revoke_token(product, actor, id)


@router.delete("/tokens/{id}", status_code=204)
def revoke_token(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """From now on it lets nobody in, and the agent that it let in is disconnected."""
    product.agents.tokens.revoke(actor, id)
    return Response(status_code=204)
