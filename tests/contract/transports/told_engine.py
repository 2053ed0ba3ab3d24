"""An engine at a unix socket that does what its paths say, for whoever asks it in whatever way.

They are Docker's, as an agent of ours hands on no others.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

TOLD, MISSING, LINED, LONG, TOO_LONG = "/images/json", "/images/a/json", "/images/a/push", "/images/get", "/info"
BROKEN, SILENT, ENDLESS = "/images/broken/get", "/images/silent/push", "/images/endless/get"
TAKING = "/images/load"

LINES = [b'{"status":"Pushing","id":"%d"}\r\n' % number for number in range(2000)]
ARCHIVE = bytes(range(256)) * 4096 * 3
REFUSAL = b'{"message":"no such thing"}'


class ToldEngine(ThreadingMixIn, UnixStreamServer):
    """`asked` are the requests' lines with their headers; `bodies` what came with them, and whether it was whole."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Told)
        self.path = str(path)
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.bodies: list[tuple[int, bool]] = []
        self.reached_silence, self.hung_up = threading.Event(), threading.Event()
        self.taking, self.took = threading.Event(), threading.Event()


class _Told(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ToldEngine

    def do_GET(self) -> None:
        self.server.asked.append((self.requestline, {name.lower(): text for name, text in self.headers.items()}))
        answers: Mapping[str, Callable[[], None]] = {
            TOLD: lambda: self._say(200, b'{"told":true}'),
            LINED: lambda: self._say_chunks(LINES),
            LONG: lambda: self._say(200, ARCHIVE, "application/x-tar"),
            TOO_LONG: lambda: self._say(200, b" " * 5 * 1024 * 1024),
            BROKEN: self._break,
            SILENT: self._await_hang_up,
            ENDLESS: self._say_for_ever,
            TAKING: self._take,
        }
        answers.get(self.path.partition("?")[0], lambda: self._say(404, REFUSAL))()

    do_POST = do_GET  # noqa: N815  what the library calls

    def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _say_chunks(self, chunks: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in [*chunks, b""]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _break(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2 * len(ARCHIVE)))
        self.end_headers()
        self.wfile.write(ARCHIVE)
        self.close_connection = True

    def _await_hang_up(self) -> None:
        self.server.reached_silence.set()
        self.rfile.read(1)
        self.close_connection = True
        self.server.hung_up.set()

    def _say_for_ever(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while True:
                self.wfile.write(LINES[0] * 100)
        except OSError:
            self.server.hung_up.set()

    def _take(self) -> None:
        self.server.taking.set()
        size, whole = self._read_chunks() if "Transfer-Encoding" in self.headers else self._read_announced()
        self.server.bodies.append((size, whole))
        self.server.took.set()
        if whole:
            self._say(200, json.dumps({"size": size}).encode())
        self.close_connection = True

    def _read_announced(self) -> tuple[int, bool]:
        announced = int(self.headers.get("Content-Length", 0))
        size = len(self.rfile.read(announced))
        return size, size == announced

    def _read_chunks(self) -> tuple[int, bool]:
        """How much came, and whether its last chunk did."""
        size = 0
        while line := self.rfile.readline().strip():
            announced = int(line, 16)
            size += len(self.rfile.read(announced))
            if not self.rfile.readline():
                return size, False
            if not announced:
                return size, True
        return size, False

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def told_engine(folder: Path) -> Iterator[ToldEngine]:
    """Runs until the end of the block."""
    with ToldEngine(folder / "engine.sock") as engine:
        thread = threading.Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield engine
        finally:
            engine.shutdown()
            thread.join()
