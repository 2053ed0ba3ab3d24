"""Conversations driven by hand: outcomes in, requests out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from lading.errors import NetworkFailed
from lading.wire.message import Conversation, Request, Response

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Played(Generic[T]):
    """What came of it, and what was asked on the way."""

    result: T
    asked: tuple[Request, ...]

    @property
    def lines(self) -> list[str]:
        """Method and path with query of each request, the host left out."""
        return [line(request) for request in self.asked]


def line(request: Request) -> str:
    """As a registry's access log has it."""
    return f"{request.method} /{request.url.split('/', 3)[3]}"


def play(conversation: Conversation[T], *outcomes: Response | NetworkFailed) -> Played[T]:
    """Answer each request with the next outcome; all of them are needed, and no more."""
    asked = [next(conversation)]
    for outcome in outcomes:
        try:
            request = conversation.send(outcome) if isinstance(outcome, Response) else conversation.throw(outcome)
        except StopIteration as end:
            if outcome is not outcomes[-1]:
                raise AssertionError(f"it ended early, with {end.value!r}") from end
            return Played(end.value, tuple(asked))
        asked.append(request)
    raise AssertionError(f"it goes on: {line(asked[-1])}")


def at_once(conversation: Conversation[T]) -> T:
    """The result of a conversation that asks nothing."""
    try:
        request = next(conversation)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError(f"it asks: {line(request)}")
