"""What went wrong, whatever was asked."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict


class Error(TypedDict):
    """A request that failed: a sentence for people, and what programs go by."""

    error: str
    code: NotRequired[Annotated[str, "One word for the kind of failure."]]
    hint: NotRequired[Annotated[str, "What to do about it."]]
    detail: NotRequired[Annotated[str, "What is behind it, or what another side said."]]
    message: NotRequired[Annotated[str, "Where nobody is logged in: that one has to be."]]


class WebSocketNeeded(TypedDict):
    """What an agent is told that does not ask for a WebSocket."""

    error: str
    message: str
    instructions: list[str]
