"""Agents and their tokens as JSON, by the names that agents' own servers use; the token itself is left out."""

from __future__ import annotations

from lading.services.agents.tokens import is_over
from lading.services.hub.hub import AgentPresence
from lading.services.hub.records import AgentTokenRow
from lading.services.json_values import Json, iso


def agent_json(presence: AgentPresence) -> Json:
    """A connected agent: what it says of itself, and since when it is here."""
    hello = presence.hello
    return {
        "environmentId": presence.environment,
        "agentId": hello.agent_id,
        "agentName": hello.agent_name,
        "agentVersion": hello.version,
        "dockerVersion": hello.docker_version,
        "hostname": hello.hostname,
        "capabilities": sorted(hello.capabilities),
        "address": presence.address,
        "connectedAt": iso(presence.connected),
        "lastHeartbeat": iso(presence.seen),
    }


def agent_token_json(row: AgentTokenRow, now: float) -> Json:
    """`now` is seconds since 1970."""
    return {
        "id": row.id,
        "name": row.name,
        "environmentId": row.environment,
        "tokenPrefix": row.prefix,
        "isActive": not is_over(row, now),
        "lastUsed": iso(row.used),
        "createdAt": iso(row.created),
        "expiresAt": iso(row.expires),
    }
