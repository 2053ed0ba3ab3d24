"""Pulls and pushes at the door, and what they tell."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lading.services.jobs.records import JobFilter
from tests.fronts.docker_api.door import Door, Reply

LAYERS = [b"first layer " * 6000, b"second layer " * 6000]
NOTHING: Mapping[str, str] = MappingProxyType({})
Told = Sequence[Mapping[str, Any]]


def lines(reply: Reply) -> Told:
    """Of a stream, which is JSON whatever came of it."""
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    return [json.loads(line) for line in reply.body.split(b"\r\n") if line]


def statuses(told: Told) -> list[str]:
    return [line["status"] for line in told if "status" in line]


def error(told: Told) -> str:
    """The last line's, which says it twice."""
    assert told[-1]["error"] == told[-1]["errorDetail"]["message"]
    return str(told[-1]["error"])


def auth(**members: str) -> Mapping[str, str]:
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(members).encode()).decode()}


def push(door: Door, name: str, login: Mapping[str, str] = NOTHING, /, **query: str) -> Told:
    return lines(door("POST", f"/images/{name}/push", b"", login, query))


def pull(door: Door, name: str, /, **query: str) -> Reply:
    return door.post("/images/create", fromImage=name, **query)


def last_job(door: Door) -> Any:
    return door.product.database.jobs.page(JobFilter(), 0, 1).jobs[0]


def pulled(door: Door, app: str) -> None:
    """It is at the registry, and here no more."""
    push(door, app, tag="1")
    door.delete(f"/images/{app}:1", force="1")
