"""The API's description, an OpenAPI document: what the routes say of themselves, with the shapes that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel

from lading.fronts.rest_api.shapes import (
    accounts,
    audit,
    errors,
    gates,
    images,
    insides,
    job_board,
    jobs,
    machines,
    overview,
    places,
    previews,
    repositories,
    scans,
    signatures,
    statistics,
    trust,
)
from lading.fronts.rest_api.shapes.errors import Error
from lading.fronts.rest_api.shapes.schemas import named_shapes, reference, schema_of
from lading.fronts.rest_api.waiting import JSON

SHAPES = (
    accounts,
    audit,
    errors,
    gates,
    images,
    insides,
    job_board,
    jobs,
    machines,
    overview,
    places,
    previews,
    repositories,
    scans,
    signatures,
    statistics,
    trust,
)

Node = dict[str, Any]
"""Part of the document, which has no types."""


def openapi(app: FastAPI) -> Node:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, routes=app.routes, summary="Move container images."
        )
        schemas: Node = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas |= {shape.__name__: schema_of(shape) for module in SHAPES for shape in named_shapes(module)}
        document["components"]["schemas"] = dict(sorted(schemas.items()))
        document["components"]["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": "session"},
            "token": {"type": "http", "scheme": "bearer"},
        }
        document["security"] = [{"session": []}, {"token": []}]
        for operation in operations(document):
            _answer(operation)
        app.openapi_schema = document
    return app.openapi_schema


def operation_id(route: APIRoute) -> str:
    """The function's name, as clients' languages spell it."""
    return to_camel(route.name)


def operations(document: Node) -> Iterator[Node]:
    """All of them."""
    for path in document["paths"].values():
        yield from cast("Iterator[Node]", path.values())


def _answer(operation: Node) -> None:
    """The framework says of every operation that it may not like the request, in words that are not ours; and where it
    sees a route's own shape, it puts that beside what it guessed."""
    answers: Node = operation["responses"]
    answers.pop("422", None)
    answers.setdefault("default", {"description": "What was wrong.", "content": {JSON: {"schema": reference(Error)}}})
    for answer in answers.values():
        said = {kind: content for kind, content in answer.get("content", {}).items() if content.get("schema")}
        for content in said.values():
            content["schema"] = _said(content["schema"])
        if said:
            answer["content"] = said


def _said(schema: Node) -> Node:
    if schema.get("type") == "array":
        return {"type": "array", "items": _said(schema["items"])}
    return next(({key: schema[key]} for key in ("$ref", "oneOf", "anyOf") if key in schema), schema)
