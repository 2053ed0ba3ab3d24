"""A small HTTP server of blobs on loopback: ranges, counts of what was asked and given, and a gate to hold it at."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Self

STEP = 64 * 1024
SOCKET_BUFFER = 64 * 1024
"""Small, so that few bytes are given and never received when a client is killed."""

BOUND_SECONDS = 120.0
"""No client is waited for longer."""


class BlobServer:
    """Serves `blobs` under /<name>, with a media type where `types` has one.

    `given` counts body bytes handed to the network, `asked` GET requests by name. With a gate, bodies without
    a media type are held after their first byte until it is set. `hold_at` holds them all at a count.
    """

    def __init__(
        self,
        blobs: Mapping[str, bytes],
        gate: threading.Event | None = None,
        types: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.blobs, self.gate, self.types = blobs, gate, types
        self.asked: Counter[str] = Counter()
        self.offsets: list[int] = []
        self.given = 0
        self._most: int | None = None
        self._moved = threading.Condition()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def wait_until(self, given: int) -> None:
        """Until so many bytes have been given. Raises AssertionError where they are not in BOUND_SECONDS."""
        with self._moved:
            assert self._moved.wait_for(lambda: self.given >= given, BOUND_SECONDS), f"{self.given} of {given} bytes"

    def wait_for(self, name: str) -> None:
        """Until somebody has asked for this blob. Raises AssertionError where nobody does in BOUND_SECONDS."""
        with self._moved:
            assert self._moved.wait_for(lambda: self.asked[name] > 0, BOUND_SECONDS), f"nobody asked for {name}"

    def hold_at(self, given: int | None) -> None:
        """Gives no more once so many bytes have been given; None: gives all."""
        with self._moved:
            self._most = given
            self._moved.notify_all()

    def begin(self, name: str, offset: int) -> None:
        with self._moved:
            self.asked[name] += 1
            self.offsets.append(offset)
            self._moved.notify_all()

    def may_give(self, most: int) -> int:
        """How many of the next `most` bytes to give now; waits while held."""
        with self._moved:
            self._moved.wait_for(lambda: self._most is None or self.given < self._most)
            return most if self._most is None else min(most, self._most - self.given)

    def gave(self, count: int) -> None:
        with self._moved:
            self.given += count
            self._moved.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.hold_at(None)
        if self.gate is not None:
            self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    block_on_close = True

    def __init__(self, blobs: BlobServer) -> None:
        self.blobs = blobs
        super().__init__(("127.0.0.1", 0), _Answering)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what these tests are about."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # so that a TLS client's hello is refused with a status, as registries do
    server: _Server

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        super().setup()

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        if (part := self._head()) is not None:
            self.server.blobs.begin(self._name, part[0])
            self._body(memoryview(self.server.blobs.blobs[self._name])[slice(*part)])

    @property
    def _name(self) -> str:
        return self.path.removeprefix("/")

    def _head(self) -> tuple[int, int] | None:
        """Sends status and fields; answers which bytes come, None where there are none."""
        blob = self.server.blobs.blobs.get(self._name)
        if blob is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        end = int(wanted[2]) + 1 if wanted and wanted[2] else len(blob)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Type", self.server.blobs.types.get(self._name, "application/octet-stream"))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(blob)}")
        self.end_headers()
        return start, end

    def _body(self, body: memoryview) -> None:
        first = True
        while body:
            count = self.server.blobs.may_give(min(1 if first else STEP, len(body)))
            self.wfile.write(body[:count])
            self.server.blobs.gave(count)
            body = body[count:]
            if first and self.server.blobs.gate is not None and self._name not in self.server.blobs.types:
                self.server.blobs.gate.wait()
            first = False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Nobody reads it."""
