"""A job's fields, read back where it runs: we wrote them, but a row outlives the version that did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lading.errors import StorageFailed
from lading.services.jobs.job import JsonObject


class JobFieldsUnreadable(StorageFailed):
    """A job's row does not hold what its kind needs."""

    code = "interrupted"
    hint = "Another version of Lading may have made the job: start it again."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the job's {self.name} cannot be read"


@dataclass(frozen=True, slots=True)
class JobFields:
    """Every method raises JobFieldsUnreadable."""

    fields: JsonObject

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise JobFieldsUnreadable(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        """A text, if there is one."""
        return None if self.fields.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """One text at least."""
        value = self.fields.get(name)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(each, str) for each in value):
            raise JobFieldsUnreadable(name)
        return tuple(value)

    def whole_number(self, name: str) -> int:
        """A number that must be there."""
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise JobFieldsUnreadable(name)
        return value

    def whole_number_or_none(self, name: str) -> int | None:
        """A number, if there is one."""
        return None if self.fields.get(name) is None else self.whole_number(name)

    def part(self, name: str) -> JobFields | None:
        """Fields in one of them, if it is there."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise JobFieldsUnreadable(name)
        return JobFields(value)

    def truth(self, name: str) -> bool:
        """False where nobody said."""
        return self.fields.get(name) is True

    def truth_or_none(self, name: str) -> bool | None:
        """Yes or no, if somebody said."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise JobFieldsUnreadable(name)
        return value
