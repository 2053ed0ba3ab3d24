"""A way to a registry that counts what is asked there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lading.errors import LadingError
from lading.wire.message import Cancel, Request, Response, Transport

Count = Callable[[str, int], None]
"""A registry's host[:port] and the status of an answer, 0 where there was none. For any thread; returns at once."""


def uncounted(registry: str, status: int) -> None:
    """Nobody counts."""


def _ignored(count: int) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class CountedTransport:
    """Fulfils wire.message.Transport. Everything that belongs to a registry, its token service too, is its own."""

    inner: Transport
    registry: str
    count: Count

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = _ignored) -> Response:
        try:
            response = self.inner.send(request, cancel, passed)
        except LadingError:
            self.count(self.registry, 0)
            raise
        self.count(self.registry, response.status)
        return response
