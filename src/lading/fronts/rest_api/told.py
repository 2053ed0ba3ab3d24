"""What a route says that it answers, for the API's description: `responses=` of its decorator.

one(User)                       a User
one(User, 201)                  the same, for a new one
array(Scan)                     an array of Scan
choice(Scan, OpenVex)           one of these
listed(User)                    an array; or, asked with `page`, an object with `items` and `total`
started(PushDone)               a job's id; or, where Accept is application/json, how it ended
events(JobSnapshot, JobTick)    server-sent events, each with one of these as its data
file("text/csv")                something that is no JSON
either(array(A), file("b/c"))   whichever is asked for

Shapes are TypedDicts of fronts.rest_api.shapes, and stand in the document by their names (fronts.rest_api.description).
What goes wrong is `Error` everywhere, without being said.
"""

from __future__ import annotations

from typing import Any

from lading.fronts.rest_api.shapes.errors import Error
from lading.fronts.rest_api.shapes.jobs import JobFailed, JobStarted
from lading.fronts.rest_api.shapes.schemas import Schema, reference
from lading.fronts.rest_api.waiting import EVENTS, JSON

Answers = dict[int | str, dict[str, Any]]
"""As the framework takes it."""


def one(shape: type, status: int = 200, text: str = "Done.") -> Answers:
    """One object."""
    return _json(reference(shape), text, status)


def array(shape: type) -> Answers:
    """An array."""
    return _json(_array(shape))


def choice(*shapes: type) -> Answers:
    """One of several objects."""
    return _json(_any_of(*map(reference, shapes)))


def listed(shape: type, **besides: type) -> Answers:
    """An array, or a page of it with `besides`."""
    fields: Schema = {
        "items": _array(shape),
        "total": {
            "type": "integer",
            "description": "How many there are on all pages; of more than 10,000 it may be some minutes old.",
        },
        "next": {"type": "integer", "description": "The next page, where there is one."},
        **{name: reference(each) for name, each in besides.items()},
    }
    page: Schema = {"type": "object", "properties": fields, "required": ["items", "total", *besides]}
    return _json({"oneOf": [_array(shape), page]}, "The whole list; or, asked with `page`, a page of it.")


def started(*results: type) -> Answers:
    """A job, whose result may be one of these."""
    made = _any_of(reference(JobStarted), *map(reference, results))
    failed = _any_of(reference(JobFailed), reference(Error))
    return {
        **_json(made, "The job's id; or its result, where Accept is application/json."),
        **_json(failed, "What was wrong; or how the job failed, where Accept is application/json.", "default"),
    }


def events(*shapes: type) -> Answers:
    """A stream."""
    return _content(EVENTS, _any_of(*map(reference, shapes)), "Server-sent events; each has one of these as its data.")


def file(*kinds: str) -> Answers:
    """Something of one of these media types, whose content others describe."""
    plain = [kind.partition(";")[0] for kind in kinds]
    return either(*(_content(kind, {"type": "object" if kind.endswith("+json") else "string"}) for kind in plain))


def either(*answers: Answers) -> Answers:
    """What one route answers in several ways; the first one's words count."""
    merged: Answers = {}
    for each in answers:
        for status, answer in each.items():
            before = merged.get(status, {"content": {}})
            merged[status] = {**answer, **before, "content": {**answer["content"], **before["content"]}}
    return merged


def _json(schema: Schema, text: str = "Done.", status: int | str = 200) -> Answers:
    return _content(JSON, schema, text, status)


def _content(kind: str, schema: Schema, text: str = "Done.", status: int | str = 200) -> Answers:
    return {status: {"description": text, "content": {kind: {"schema": schema}}}}


def _array(shape: type) -> Schema:
    return {"type": "array", "items": reference(shape)}


def _any_of(*schemas: Schema) -> Schema:
    """Not `oneOf`: what a push came to may well read like what a scan came to, with more fields."""
    return {"anyOf": [*schemas]}
