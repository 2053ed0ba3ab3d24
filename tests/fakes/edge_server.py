"""A server for agents, in a test's own hands, independent of ours: frames as JSON, pieces as the bytes they are.

with EdgeServer() as server:
    line = server.login()                      # the next agent, after hello and welcome
    line.ask("GET", "/images/json")            # → the request's id
    line.next("head")                          # the next frame of this type; pieces go to `line.bodies`
"""

from __future__ import annotations

import json
import queue
import socket
import ssl
import threading
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

BOUND_SECONDS = 60.0
"""No test waits so long for a frame, whatever else comes."""


class EdgeLine:
    """One agent's connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.over = threading.Event()
        self.path = connection.request.path if connection.request else ""
        self.hello: dict[str, Any] = {}
        self.bodies: defaultdict[str, bytes] = defaultdict(bytes)
        """What came of each answer's body, from where it was known before."""
        self.seen: list[dict[str, Any]] = []

    def send(self, frame: dict[str, Any]) -> None:
        self._connection.send(json.dumps(frame))

    def raw(self, message: str | bytes) -> None:
        self._connection.send(message)

    def next(self, kind: str, request: str | None = None) -> dict[str, Any]:
        """The next frame of this type, of this request; pieces before it are kept, pings are answered."""
        deadline = time.monotonic() + BOUND_SECONDS
        while True:
            frame = self._frame(deadline)
            if frame is not None and frame["type"] == kind and request in {None, frame.get("requestId")}:
                return frame

    def pieces(self, request: str, size: int) -> bytes:
        """The body of an answer, when so many bytes of it are here."""
        deadline = time.monotonic() + BOUND_SECONDS
        while len(self.bodies[request]) < size:
            self._frame(deadline)
        return self.bodies[request]

    def _frame(self, deadline: float) -> dict[str, Any] | None:
        """Raises TimeoutError: an agent that goes on to say something may never say what a test waits for."""
        message = self._connection.recv(deadline - time.monotonic())
        if isinstance(message, bytes):
            request, offset = str(uuid.UUID(bytes=message[:16])), int.from_bytes(message[16:24], "big")
            body = self.bodies[request]
            assert offset <= len(body), "a piece is missing"
            self.bodies[request] = body[:offset] + message[24:] + body[offset + len(message) - 24 :]
            return None
        frame: dict[str, Any] = json.loads(message)
        self.seen.append(frame)
        if frame["type"] == "ping":
            self.send({"type": "pong", "timestamp": frame["timestamp"]})
        return frame

    def ask(self, method: str, path: str, **more: Any) -> str:
        """A request; its id."""
        request = str(uuid.uuid4())
        frame = {"type": "request", "requestId": request, "method": method, "path": path, "headers": {}}
        self.send({**frame, "streaming": True, **more})
        return request

    def piece(self, request: str, offset: int, content: bytes) -> None:
        """Of a request's body."""
        self.raw(uuid.UUID(request).bytes + offset.to_bytes(8, "big") + content)

    def received(self, request: str, count: int) -> None:
        self.send({"type": "received", "requestId": request, "count": count})

    def cancel(self, request: str) -> None:
        self.send({"type": "stream_end", "requestId": request, "reason": "cancelled"})

    def cut(self) -> None:
        """The connection is gone, without a word."""
        with suppress(OSError):
            self._connection.socket.shutdown(socket.SHUT_RDWR)
        self.over.set()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """With a word."""
        self._connection.close(code, reason)
        self.over.set()

    def gone(self) -> tuple[int, str]:
        """Reads until the agent has closed; the code and reason of its goodbye."""
        deadline = time.monotonic() + BOUND_SECONDS
        try:
            while True:
                self._frame(deadline)
        except ConnectionClosed as closed:
            self.over.set()
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


class EdgeServer:
    """On a free port of loopback; `url` is http:// or https://."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._waiting: queue.Queue[EdgeLine] = queue.Queue()
        self._all: list[EdgeLine] = []
        self._server = serve(
            self._take, "127.0.0.1", 0, ssl=tls, compression=None, ping_interval=None, max_size=None, max_queue=None
        )
        self.port = int(self._server.socket.getsockname()[1])
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="edge-server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for line in self._all:
            line.cut()
        self._server.shutdown()
        self._thread.join()

    def line(self) -> EdgeLine:
        """The next agent that connects, before its hello was read."""
        return self._waiting.get(timeout=BOUND_SECONDS)

    def login(self, requests: dict[str, int] | None = None, *, ours: bool = True) -> EdgeLine:
        """The next one, after hello and welcome; `requests` are those it is to go on with."""
        line = self.line()
        line.hello = line.next("hello")
        welcome: dict[str, Any] = {"type": "welcome", "environmentId": 7, "serverId": "tests", "version": "1.0"}
        if ours:
            welcome["capabilities"] = ["lading-streams"]
            welcome["requests"] = [{"requestId": name, "received": count} for name, count in (requests or {}).items()]
        line.send(welcome)
        return line

    def _take(self, connection: ServerConnection) -> None:
        line = EdgeLine(connection)
        self._all.append(line)
        self._waiting.put(line)
        line.over.wait()
