"""What a push or a pull would come to."""

from __future__ import annotations

from typing import Annotated, TypedDict


class FieldProblem(TypedDict):
    """What is wrong with a field of the request."""

    field: str
    text: str


class RegistryNamed(TypedDict):
    """A configured registry."""

    id: int
    name: str


class PushPreview(TypedDict):
    """Where a push would go."""

    target: Annotated[str | None, "The reference that people read first; null where it cannot be told."]
    targets: list[str]
    registry: RegistryNamed | None
    credential: Annotated[str | None, "Who logs in there."]
    problems: Annotated[list[FieldProblem], "None: it can be asked for."]


class PullPreview(TypedDict):
    """What a pull would bring."""

    reference: str | None
    registry: RegistryNamed | None
    credential: str | None
    problems: list[FieldProblem]
