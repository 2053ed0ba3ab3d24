"""Where agents connect to, frame by frame in a test's own hands; it knows nothing of what the frames mean.

with AgentListener() as listener, playing(StockAgent(listener.url, …)):
    line = listener.line()          # the next agent that connects
    hello = line.frame("hello")     # the next frame of this type; others before it are kept in `line.passed`
    line.send({"type": "welcome", …})
"""

from __future__ import annotations

import json
import queue
import ssl
import threading
import time
from types import TracebackType
from typing import Self

from websockets.sync.server import Server, ServerConnection, serve

Frame = dict[str, object]

BOUND_SECONDS = 60.0
"""No test waits so long for a frame, whatever else comes."""


class Line:
    """One agent's connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._ended = threading.Event()
        self.path = connection.request.path if connection.request else ""
        self.headers = dict(connection.request.headers.raw_items()) if connection.request else {}
        self.passed: list[Frame] = []

    def send(self, frame: Frame) -> None:
        """As text."""
        self._connection.send(json.dumps(frame))

    def frame(self, kind: str) -> Frame:
        """The next of this type."""
        deadline = time.monotonic() + BOUND_SECONDS
        while True:
            found: Frame = json.loads(self._connection.recv(deadline - time.monotonic()))
            if found["type"] == kind:
                return found
            self.passed.append(found)

    def close(self) -> None:
        """The connection ends."""
        self._connection.close()
        self._ended.set()

    def hold(self) -> None:
        """Returns when it has been closed from here or there."""
        self._ended.wait()


class AgentListener:
    """On a free port of loopback."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._lines: queue.Queue[Line] = queue.Queue()
        self._all: list[Line] = []
        self._server: Server = serve(
            self._take, "127.0.0.1", 0, ssl=tls, compression=None, ping_interval=None, max_size=None
        )
        scheme = "ws" if tls is None else "wss"
        self.url = f"{scheme}://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="agent-listener")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for line in self._all:
            line.close()
        self._server.shutdown()
        self._thread.join()

    def line(self) -> Line:
        """The next agent that connects."""
        return self._lines.get(timeout=BOUND_SECONDS)

    def welcomed(self) -> Line:
        """The next one, after hello and welcome."""
        line = self.line()
        line.frame("hello")
        line.send({"type": "welcome", "environmentId": 1, "serverId": "tests", "version": "1.0", "message": ""})
        return line

    def _take(self, connection: ServerConnection) -> None:
        line = Line(connection)
        self._all.append(line)
        self._lines.put(line)
        line.hold()
