"""A Transport without a network: a function answers, and trouble comes as planned.

transport = PlayedTransport(PlayedRegistry())
transport.trouble("PUT", Cut(10))             # the next PUT loses its connection after 10 bytes of its body
transport.trouble("GET", Break(10))           # the next GET's answer breaks after 10 bytes
transport.trouble("PUT", Response(503))       # the next PUT is refused unread
transport.trouble("HEAD", ConnectFailed(…))   # the next HEAD fails so
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from lading.errors import LadingError
from lading.wire.message import Cancel, ConnectionLost, Request, Response

BUFFER = 7


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is lost after so many bytes of the request's body; the other side has those."""

    after: int


@dataclass(frozen=True, slots=True)
class Break:
    """The connection is lost after so many bytes of the answer's body."""

    after: int


Trouble = Cut | Break | Response | LadingError
Answer = Callable[[Request, bytes, bool], Response]
"""From a request, the body that arrived, and whether that was all of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One exchange, as a server's log has it."""

    request: Request
    body: bytes
    status: int | None

    @property
    def line(self) -> str:
        """Method and path with query; with the host where it is not the registry under test."""
        parts = urlsplit(self.request.url)
        return f"{self.request.method} {parts.path}{'?' if parts.query else ''}{parts.query}"

    @property
    def authorization(self) -> str | None:
        """The login that was sent along."""
        return self.request.headers.get("authorization")


class PlayedTransport:
    """Thread-safe as far as its function is; every exchange is kept in `asked`."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lock = threading.RLock()
        self._troubles: defaultdict[str, list[Trouble]] = defaultdict(list)
        self.asked: list[Asked] = []

    def trouble(self, method: str, *troubles: Trouble) -> None:
        """For the next requests of this method, one each."""
        self._troubles[method] += troubles

    @property
    def lines(self) -> list[str]:
        """What was asked, in order."""
        return [asked.line for asked in self.asked]

    @property
    def methods(self) -> str:
        """The same at a glance."""
        return " ".join(asked.request.method for asked in self.asked)

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        """See Transport."""
        cancel.check()
        waiting = self._troubles[request.method]
        trouble = waiting.pop(0) if waiting else None
        if isinstance(trouble, Response):
            return self._keep(request, b"", trouble)
        if isinstance(trouble, LadingError):
            self.asked.append(Asked(request, b"", None))
            raise trouble
        body = _read(request, trouble.after if isinstance(trouble, Cut) else None, passed)
        with self._lock:
            response = self._answer(request, body, not isinstance(trouble, Cut))
        if isinstance(trouble, Cut):
            self.asked.append(Asked(request, body, None))
            raise ConnectionLost(urlsplit(request.url).netloc, "as planned")
        self._keep(request, body, response)
        if request.streamed and 200 <= response.status < 300:
            stream = PlayedStream(response.body, trouble.after if isinstance(trouble, Break) else None)
            return Response(response.status, response.headers, stream=stream)
        return response

    def _keep(self, request: Request, body: bytes, response: Response) -> Response:
        self.asked.append(Asked(request, body, response.status))
        return response


class PlayedStream:
    """An answer's body, a few bytes at a time."""

    def __init__(self, held: bytes, breaks: int | None) -> None:
        self._rest, self._breaks = held, breaks
        self.closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        if self.closed:
            raise ConnectionLost("played", "it was closed")
        if self._breaks == 0:
            raise ConnectionLost("played", "as planned")
        count = min(len(buffer), BUFFER, len(self._rest), len(self._rest) if self._breaks is None else self._breaks)
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        if self._breaks is not None:
            self._breaks -= count
        return count

    def close(self) -> None:
        self.closed = True


def _read(request: Request, most: int | None, passed: Callable[[int], None]) -> bytes:
    if request.content is None:
        return b""
    left = request.body_size if most is None else min(most, request.body_size)
    reader = request.content.open(request.start, request.length)
    body, buffer = bytearray(), bytearray(BUFFER)
    try:
        while left and (count := reader.readinto(memoryview(buffer)[:left])):
            body += buffer[:count]
            left -= count
            passed(count)
    finally:
        reader.close()
    return bytes(body)
