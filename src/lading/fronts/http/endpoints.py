"""Requests that no endpoint of a door on the byte server takes; each door answers them in its own protocol's words."""

from __future__ import annotations

from collections.abc import Sequence

from lading.errors import InputInvalid, NotFound


class EndpointUnknown(NotFound):
    """A path at which this door has nothing."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"there is nothing at {self.path[:200]!r}"


class MethodRefused(InputInvalid):
    """A method that this path does not have; `allowed` are those it has."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(method, allowed)
        self.method, self.allowed = method, tuple(allowed)

    def __str__(self) -> str:
        return f"{self.method} is not possible here"


class FormTooLong(InputInvalid):
    """A form beyond the limit in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"a form has at most {self.limit} bytes"
