"""The OpenAPI document as a table for people: no script draws it, and nothing is fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

Node = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Operation:
    """One request: what it takes and answers, as pairs of a name and a word on it."""

    method: str
    path: str
    summary: str
    description: str
    takes: Sequence[tuple[str, str]]
    answers: Sequence[tuple[str, str]]


def groups(document: Node) -> Sequence[tuple[str, Sequence[Operation]]]:
    """The operations by their tag, in the document's order."""
    found: dict[str, list[Operation]] = {}
    for path, methods in _node(document["paths"]).items():
        for method, operation in _node(methods).items():
            described = _node(operation)
            tags = cast("Sequence[str]", described.get("tags") or ["other"])
            found.setdefault(tags[0], []).append(_operation(document, path, method, described))
    return list(found.items())


def _operation(document: Node, path: str, method: str, operation: Node) -> Operation:
    answers = [
        (status, str(_node(answer).get("description", ""))) for status, answer in _node(operation["responses"]).items()
    ]
    return Operation(
        method.upper(),
        path,
        str(operation.get("description") or operation.get("summary") or ""),
        "",
        [*_parameters(operation), *_fields(document, operation)],
        [(status, text) for status, text in answers if status != "422"],
    )


def _parameters(operation: Node) -> Iterator[tuple[str, str]]:
    for parameter in cast("Sequence[Node]", operation.get("parameters", ())):
        place = parameter["in"]
        yield (f"?{parameter['name']}=" if place == "query" else str(parameter["name"])), str(place)


def _fields(document: Node, operation: Node) -> Iterator[tuple[str, str]]:
    """Those of a JSON body, whose schema stands among the components."""
    content = _node(_node(operation.get("requestBody")).get("content"))
    schema = _node(_node(content.get("application/json")).get("schema"))
    for name in _node(_resolved(document, schema).get("properties")):
        yield name, "body"


def _resolved(document: Node, schema: Node) -> Node:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    node: Node = document
    for part in reference.removeprefix("#/").split("/"):
        node = _node(node[part])
    return node


def _node(value: object) -> Node:
    return cast("Node", value) if isinstance(value, Mapping) else {}
