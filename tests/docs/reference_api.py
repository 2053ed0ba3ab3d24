"""docs/reference/api.md, events.md and metrics.md: what a server answers, by its own description and figures."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from lading.fronts.rest_api.application import description
from tests.docs.reference_words import MADE, escaped, flowing, table
from tests.fronts.rest_api.caller import house

Json = Mapping[str, Any]  # OpenAPI's own values


def api() -> str:
    """Every operation, by its subject."""
    document = cast("Json", description())
    subjects: dict[str, list[tuple[str, str, Json]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            subjects.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    head = f"""# The API

{MADE} A running server shows all of it, with bodies and answers, at `/api/docs`, and as OpenAPI at
`/api/openapi.json`; `lading openapi` prints that document.

Programs send `Authorization: Bearer TOKEN` with a token of `lading token add`. Bodies and answers are JSON. What failed
is answered with a status of 400 and above and `{{"error", "code", "hint", "detail"}}` ([codes](error-codes.md)).
"""
    parts = [f"## {subject}\n\n{_operations(rows)}" for subject, rows in subjects.items()]
    return "\n".join([flowing(head), *parts])


def _operations(rows: Sequence[tuple[str, str, Json]]) -> str:
    return table(
        ["", "path", "what", "also in the query"],
        ([method, f"`{path}`", escaped(_what(operation)), _query(operation)] for method, path, operation in rows),
    )


def _what(operation: Json) -> str:
    return str(operation.get("description") or operation["summary"]).split("\n\n")[0]


def _query(operation: Json) -> str:
    return " ".join(f"`{each['name']}`" for each in operation.get("parameters", ()) if each["in"] == "query")


def events() -> str:
    """What streams send, by the shapes that the API's description has."""
    schemas = cast("Json", description())["components"]["schemas"]
    told = {name: shape for name, shape in schemas.items() if str(shape.get("description", "")).startswith("`event:")}
    head = f"""# Events

{MADE} A stream is asked for with `Accept: text/event-stream`: of one job at `/api/jobs/{{id}}` and at the request that
began it, of all jobs at `/api/jobs/events`, of the audit trail at `/api/audit/events`. Each event has a name and one
object of JSON. A stream that was cut is gone on with by `Last-Event-ID` where events have ids.
"""
    return "\n".join([flowing(head), *(_event(name, shape, schemas) for name, shape in told.items())])


def _event(name: str, shape: Json, schemas: Json) -> str:
    rows = (
        [f"`{field}`", _type(value, schemas), escaped(str(value.get("description", "")))]
        for field, value in shape.get("properties", {}).items()
    )
    fields = table(["field", "type", "meaning"], rows) if shape.get("properties") else ""
    return f"## {name}\n\n{escaped(shape['description'])}\n\n{fields}"


def _type(value: Json, schemas: Json) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if "anyOf" in value or "oneOf" in value:
        return " or ".join(_type(each, schemas) for each in value.get("anyOf", value.get("oneOf", ())))
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}), schemas)}"
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    kind = value.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def metrics() -> str:
    """What /metrics has, asked of a server that runs."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as running:
        text = running.admin.get("/metrics").text
    helps = dict(re.findall(r"(?m)^# HELP (\S+) (.*)$", text))
    types = re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text)
    rows = (
        [f"`{name}`", kind, escaped(helps[name])]
        for name, kind in sorted(types)
        if name in helps and not name.endswith("_created")
    )
    head = f"""# Metrics

{MADE} `GET /metrics` takes the permission `metrics:view`, so Prometheus shows a token. Labels never hold names of
images or digests. `deploy/grafana/lading.json` is a board of them.

"""
    return flowing(head) + table(["metric", "type", "meaning"], rows)
