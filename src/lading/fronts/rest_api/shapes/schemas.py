"""JSON schemas of shapes: of a TypedDict an object, of an enum its words, of a `list[X]` an array, and so on.

A field's `Annotated[…, "text"]` is its description; a shape's is its docstring.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import Enum
from typing import (
    Annotated,
    Literal,
    NotRequired,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Schema = dict[str, object]

PLACE = "#/components/schemas/"
"""Where shapes stand in the document."""

_PLAIN: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    object: {},
}


def reference(shape: type) -> Schema:
    """To a shape, by its name."""
    return {"$ref": f"{PLACE}{shape.__name__}"}


def named_shapes(module: types.ModuleType) -> Iterator[type]:
    """Those that a module defines."""
    for value in vars(module).values():
        if is_typeddict(value) and value.__module__ == module.__name__:
            yield value


def schema_of(shape: type) -> Schema:
    """Of a TypedDict; other shapes in it are referred to."""
    fields = get_type_hints(shape, include_extras=True)
    schema: Schema = {
        "type": "object",
        "properties": {name: _schema(kind) for name, kind in fields.items()},
    }
    required = [name for name, kind in fields.items() if get_origin(kind) is not NotRequired]
    if required:
        schema["required"] = required
    return schema | _described(shape.__doc__)


def _schema(kind: object) -> Schema:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _described_as(_schema(parts[0]), " ".join(part for part in parts[1:] if isinstance(part, str)))
    if origin is NotRequired:
        return _schema(parts[0])
    return _simple(kind) if origin is None else _composed(origin, parts)


def _composed(origin: object, parts: tuple[object, ...]) -> Schema:
    if origin in {Union, types.UnionType}:
        return _either([_schema(part) for part in parts])
    if origin is Literal:
        return {"type": "string", "enum": list(parts)}
    if origin is list:
        return {"type": "array", "items": _schema(parts[0])}
    assert origin is dict, origin
    return {"type": "object", "additionalProperties": _schema(parts[1])}


def _simple(kind: object) -> Schema:
    if is_typeddict(kind):
        return reference(cast("type", kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [each.value for each in kind]}
    return dict(_PLAIN[kind])


def _either(schemas: list[Schema]) -> Schema:
    """Words of one type, or null, are one schema with several types, as JSON Schema and its readers like it."""
    plain = [each for each in schemas if set(each) == {"type"}]
    if len(plain) == len(schemas):
        return {"type": [each["type"] for each in schemas]}
    return {"anyOf": schemas}


def _described_as(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text} if text else schema


def _described(text: str | None) -> Schema:
    return {"description": " ".join(text.split())} if text else {}
