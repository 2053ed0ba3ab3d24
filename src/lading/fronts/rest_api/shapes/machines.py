"""What machines ask."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Health(TypedDict):
    """Whether it lives, or can work."""

    status: str
    code: NotRequired[str]


class Description(TypedDict):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]
    security: list[dict[str, object]]
