"""The API's description: every answer has a shape, every name is there once, and clients are made from the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from lading.fronts.rest_api.application import description
from lading.fronts.rest_api.shapes.jobs import Job
from lading.fronts.rest_api.shapes.schemas import schema_of
from tests.fronts.rest_api import conformance

KEPT = Path(__file__).parents[3] / "ui" / "openapi.json"
"""From which the web app's types are made."""

EMPTY = {"DELETE", "POST"}
"""Methods whose answers may have no content."""

REDIRECTS = {"/api/auth/oidc/login", "/api/auth/oidc/callback"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:  # the document has no types
    told: dict[str, Any] = json.loads(json.dumps(description()))
    return told


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_answer_has_a_shape(document: dict[str, Any]) -> None:
    shapeless = [
        (method, path, status)
        for method, path, operation in operations(document)
        for status, answer in operation["responses"].items()
        for kind, content in answer.get("content", {}).items()
        if not {"$ref", "type", "oneOf", "anyOf"} & set(content["schema"])
        or (kind == "application/json" and is_anything(content["schema"]))
    ]
    wordless = [
        (method, path)
        for method, path, operation in operations(document)
        if not any(answer.get("content") for status, answer in operation["responses"].items() if status < "3")
        and not (method in EMPTY and "204" in operation["responses"])
        and "426" not in operation["responses"]
        and path not in REDIRECTS
    ]

    assert shapeless == []
    assert wordless == []


def is_anything(schema: dict[str, Any]) -> bool:
    """An object with whatever fields."""
    return schema.get("type") == "object" and not schema.get("properties")


def test_every_failure_is_an_error(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert "default" in operation["responses"], (method, path)
        assert "422" not in operation["responses"], (method, path)


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations(document))

    assert [name for name, count in names.items() if count > 1] == []
    assert all(re.fullmatch("[a-z][A-Za-z]+", name) for name in names), sorted(names)


def test_every_shape_that_is_named_is_there(document: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))

    assert named <= set(document["components"]["schemas"])


def test_every_shape_is_a_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"}), name


def test_the_web_app_is_made_from_this_description(document: dict[str, Any]) -> None:
    """Where it fails: lading openapi > ui/openapi.json, and npm run types in ui/."""
    assert json.loads(KEPT.read_text()) == document


def test_what_may_be_left_out_is_not_required() -> None:
    required = schema_of(Job)["required"]

    assert isinstance(required, list)
    assert "importId" not in required
    assert {"id", "result", "progress"} <= set(required)


TOKEN = {
    "id": 1,
    "name": "a",
    "userId": 1,
    "prefix": "lad_a",
    "scopes": None,
    "createdAt": "2026-01-01T00:00:00Z",
    "expiresAt": None,
    "usedAt": None,
}


@pytest.mark.parametrize(
    ("status", "told"),
    [(200, [TOKEN]), (200, {"items": [TOKEN], "total": 2, "next": 2}), (404, {"error": "Not found", "code": "x"})],
)
def test_what_is_described_conforms(status: int, told: object) -> None:
    conformance.check("GET", "/api/auth/tokens?page=1", status, "application/json", json.dumps(told).encode())


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (200, [TOKEN | {"secret": "x"}]),
        (200, [{name: value for name, value in TOKEN.items() if name != "prefix"}]),
        (200, {"items": [TOKEN]}),
        (200, [TOKEN | {"id": "1"}]),
        (201, TOKEN),
        (404, {"error": "Not found", "because": "x"}),
    ],
)
def test_what_is_not_described_is_found_out(status: int, told: object) -> None:
    with pytest.raises(AssertionError, match="GET /api/auth/tokens"):
        conformance.check("GET", "/api/auth/tokens", status, "application/json", json.dumps(told).encode())
