"""Policies of a house, and what they are asked about."""

from __future__ import annotations

from typing import Any

from tests.fronts.rest_api.caller import JSON, Answer, House

POLICY = {"name": "p", "action": "pull", "mode": "enforce"}


def opened(house: House) -> None:
    """No policy and no exception is left of a test."""
    for noun in ("policies", "exceptions"):
        for row in house.admin.get(f"/api/{noun}").json:
            assert house.admin("DELETE", f"/api/{noun}/{row['id']}").status == 204


def made(house: House, **fields: object) -> dict[str, Any]:
    answer = house.admin.post("/api/policies", {**POLICY, **fields})
    assert answer.status == 201, answer.text
    policy: dict[str, Any] = answer.json
    return policy


def pull(house: House, image: str, **fields: object) -> Answer:
    return house.admin.post("/api/images/pull", {"image": image, **fields}, Accept=JSON)


def records(house: House, **wanted: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    found: list[dict[str, Any]] = house.admin.get(f"/api/audit?{query}&limit=200").json
    return found
