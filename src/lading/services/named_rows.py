"""What all rows with names share: a name is one row's."""

from __future__ import annotations

from lading.errors import NotFound, Refused


class NameTaken(Refused):
    """Another row of this noun has the name already."""

    code = "name_taken"
    hint = "Choose another name."

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(noun, name)
        self.noun, self.name = noun, name

    def __str__(self) -> str:
        return f"there is a {self.noun} {self.name!r} already"


class RowUnknown(NotFound):
    """No row of this noun has the id; the text is fixed for each noun (interfaces §2): "Registry not found"."""

    def __init__(self, noun: str, row: object) -> None:
        super().__init__(noun, row)
        self.noun, self.row = noun, row

    def __str__(self) -> str:
        return f"{self.noun.capitalize()} not found"
