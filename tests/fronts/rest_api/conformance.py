"""Whether answers are what the API's description says: every one that a Caller sees is held against it.

Here objects are closed: a field that the description does not name fails, though it tells clients that there may be
more one day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema_rs import Draft202012Validator, ValidationError

from lading.fronts.rest_api.application import description

JSON = "application/json"
EVENTS = "text/event-stream"

Node = dict[str, Any]
"""Part of a document, which has no types."""


def check(method: str, path: str, status: int, kind: str, body: bytes) -> None:
    """Fails where the description has something else for this answer; `kind` is its media type. What no route answers
    is none of its business."""
    kind = kind.partition(";")[0]
    operation = _operation(method, urlsplit(path).path)
    if operation is None or not body or kind not in {JSON, EVENTS}:
        return
    asked = f"{method} {path}: {status}"
    key = str(status) if str(status) in operation["responses"] else "default"
    assert key != "default" or status >= 400, f"{asked} is not described"
    content = operation["responses"][key].get("content", {})
    assert kind in content, f"{asked} is described without {kind}"
    schema = json.dumps(content[kind]["schema"], sort_keys=True)
    for value in [json.loads(body)] if kind == JSON else _events(body.decode()):
        wrong = [f"{'/'.join(map(str, each.instance_path))}: {each.message}" for each in _errors(schema, value)]
        assert not wrong, f"{asked}: {'; '.join(wrong)} in {json.dumps(value)[:2000]}"


@cache
def _document() -> Node:
    document: Node = json.loads(json.dumps(description()))
    _close(document["components"]["schemas"])
    _close(document["paths"])
    return document


def _close(node: object) -> None:
    """Every object that says its fields has no others."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            node.setdefault("additionalProperties", False)
        for each in node.values():
            _close(each)
    elif isinstance(node, list):
        for each in node:
            _close(each)


def _errors(schema: str, value: object) -> Iterator[ValidationError]:
    validator = _validator(schema)
    return iter(()) if validator.is_valid(value) else validator.iter_errors(value)


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": _document()["components"]})


@cache
def _routes() -> list[tuple[re.Pattern[str], Mapping[str, Node]]]:
    """In the order in which they are tried."""
    return [(_pattern(path), methods) for path, methods in _document()["paths"].items()]


def _pattern(path: str) -> re.Pattern[str]:
    """A name of an image may have slashes."""
    parts = re.split(r"(\{\w+\})", path)
    taken = {"{image}": ".+"}
    return re.compile("".join(taken.get(part, "[^/]+") if part[:1] == "{" else re.escape(part) for part in parts))


@cache
def _operation(method: str, path: str) -> Node | None:
    for pattern, methods in _routes():
        if method.lower() in methods and pattern.fullmatch(path):
            return methods[method.lower()]
    return None


def _events(text: str) -> Iterator[object]:
    """The data of each; what has been cut is none."""
    for block in text.split("\n\n")[:-1]:
        data = [line.removeprefix("data: ") for line in block.split("\n") if line.startswith("data:")]
        if data:
            yield json.loads("\n".join(data))
