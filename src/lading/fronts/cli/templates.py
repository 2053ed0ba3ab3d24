"""`--format TEMPLATE`: docker's habit of `{{.Field}}`, over the fields that `--format json` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from lading.errors import InputInvalid

_PLACE = re.compile(r"\{\{\s*(json\s+)?\.([A-Za-z0-9_.-]*)\s*\}\}")
_ESCAPES = {r"\t": "\t", r"\n": "\n"}
_EXPORTS = ("sarif", "csv", "cyclonedx")
"""What other scanners print by `--format`."""


class FieldUnknown(InputInvalid):
    """A template that names a field the result does not have."""

    def __init__(self, field: str, known: list[str]) -> None:
        super().__init__(field, known)
        self.field = field
        self.hint = f"There are {', '.join(known)}." if known else None

    def __str__(self) -> str:
        return f"the template asks for {self.field!r}, which this result does not have"


class TemplateInvalid(InputInvalid):
    """A format that is neither table, json nor a template."""

    hint = "Write table, json or a template like '{{.reference}} {{.digest}}'."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        if text in _EXPORTS:
            self.hint = f"As a file for other programs a scan is printed by --export {text}."

    def __str__(self) -> str:
        return f"{self.text!r} is not a format"


def render(template: str, result: Mapping[str, object]) -> str:
    """The template with every `{{.field}}` filled in; `{{json .field}}` as JSON, `{{json .}}` the whole.

    Names match whatever their case, so docker's `{{.Digest}}` works. Raises FieldUnknown, TemplateInvalid.
    """
    if not _PLACE.search(template):
        raise TemplateInvalid(template)
    for written, meant in _ESCAPES.items():
        template = template.replace(written, meant)
    return _PLACE.sub(lambda place: _fill(place, result), template)


def _fill(place: re.Match[str], result: Mapping[str, object]) -> str:
    value: object = result
    for name in filter(None, place[2].split(".")):
        value = _field(value, name)
    if place[1] or isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _field(value: object, name: str) -> object:
    fields: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    for field, inner in fields.items():
        if field.lower() == name.lower():
            return inner
    raise FieldUnknown(name, sorted(fields))
