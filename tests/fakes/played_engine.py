"""An engine for the agent, in a test's own hands: a Transport whose answers a function gives, and bodies that wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from lading.wire.message import Cancel, ConnectFailed, Reader, Request, Response
from tests.fakes.work import BOUND_SECONDS

VERSION = Response(200, {}, b'{"Version":"28.5.0"}')

Answers = Callable[[Request, Cancel], Response]


class PlayedEngine:
    """`answer` is asked for everything but the version, which `version` gives; None: it is down."""

    def __init__(self, answer: Answers | None = None, version: Response | None = VERSION) -> None:
        self.answer, self.version = answer, version
        self.asked: list[Request] = []

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        if request.url.endswith("/version") and not request.streamed:
            if self.version is None:
                raise ConnectFailed("/var/run/docker.sock", "no such file or directory")
            return self.version
        self.asked.append(request)
        assert self.answer is not None
        return self.answer(request, cancel)


class PlayedStream:
    """A Reader whose bytes a test gives one by one; `closed` tells that it was let go of."""

    def __init__(self, cancel: Cancel) -> None:
        self._cancel = cancel
        self._given: queue.Queue[bytes | BaseException] = queue.Queue()
        self._rest = b""
        self.closed = threading.Event()

    def give(self, content: bytes | BaseException) -> None:
        """What is read next; nothing is the end, an error is raised."""
        self._given.put(content)

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._rest:
            with self._cancel.closing(lambda: self._given.put(b"")):
                given = self._given.get()
            self._cancel.check()
            if isinstance(given, BaseException):
                raise given
            self._rest = given
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self.closed.set()


class PlayedStreams:
    """Answers every request with a stream of its own; `next` is that of the one asked next."""

    def __init__(self) -> None:
        self._opened: queue.Queue[PlayedStream] = queue.Queue()

    def __call__(self, _request: Request, cancel: Cancel) -> Response:
        stream = PlayedStream(cancel)
        self._opened.put(stream)
        return Response(200, {}, stream=stream)

    def next(self) -> PlayedStream:
        """Once it is open."""
        return self._opened.get(timeout=BOUND_SECONDS)


def read_all(reader: Reader) -> bytes:
    """What a body holds."""
    whole, buffer = bytearray(), memoryview(bytearray(100_000))
    while count := reader.readinto(buffer):
        whole += buffer[:count]
    return bytes(whole)
