"""What all rows with names share: a name is one row's."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from lading.errors import NotFound, Refused

Found = TypeVar("Found")

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)


class NameTaken(Refused):
    """Another row of this noun has the name already."""

    code = "name_taken"
    hint = "Choose another name."

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(noun, name)
        self.noun, self.name = noun, name

    def __str__(self) -> str:
        article = "an" if self.noun[0] in "aeio" else "a"
        return f"there is {article} {self.noun} {self.name!r} already"


class RowUnknown(NotFound):
    """No row of this noun has the id; the text is fixed for each noun (interfaces §2): "Registry not found".

    `row` None: one was to be chosen, and there is none at all."""

    def __init__(self, noun: str, row: object) -> None:
        super().__init__(noun, row)
        self.noun, self.row = noun, row
        self.why = f"There is no {noun} {row!r} in Lading." if row is not None else f"Lading has no {noun} at all."
        self.hint = f"The list of each noun shows what there is; perhaps the {noun} was removed."

    def __str__(self) -> str:
        return f"{self.noun.capitalize()} not found"


def known(row: Found | None, noun: str, wanted: object) -> Found:
    """The row of this noun that was found under `wanted`. Raises RowUnknown."""
    if row is None:
        raise RowUnknown(noun, wanted)
    return row


def changes(before: Row, after: Row) -> list[str]:
    """What is not the same in two states of one row, by the names of interfaces §2: for the trail, which holds no
    secret and says all the same that one was changed."""
    names = [field.name for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)]
    return [_OUTSIDE.get(name) or camel_case(name) for name in names]


def camel_case(name: str) -> str:
    """As JSON spells what Python calls so."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


_OUTSIDE = {
    "sealed": "password",
    "tls_key_sealed": "tlsKey",
    "hawser_token_sealed": "hawserToken",
    "provider_fields": "fields",
    "provider_sealed": "secretFields",
}
