"""An HTTP proxy on loopback: plain requests in absolute form, CONNECT tunnels, and a login where one is asked for."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class FakeProxy:
    """Forwards one exchange or one tunnel per connection; `asked` holds the request lines it saw, in order.

    `login` is user:password that every request must carry. `refuses` is a status answered to all of them.
    """

    def __init__(self, *, login: str | None = None, refuses: int | None = None) -> None:
        self._login = None if login is None else "Basic " + base64.b64encode(login.encode()).decode()
        self._refuses = refuses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def url(self, login: str = "") -> str:
        """For a proxy variable."""
        return f"http://{f'{login}@' if login else ''}127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
            held = [self._listener, *self._open]
        for each in held:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=work, args=args, name="fake-proxy")
        self._threads.append(thread)
        thread.start()

    def _hold(self, opened: socket.socket) -> bool:
        with self._lock:
            if not self._closed:
                self._open.add(opened)
            return not self._closed

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._hold(client):
                client.close()
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            with suppress(OSError):
                self._exchange(client)
        finally:
            self._release(client)

    def _exchange(self, client: socket.socket) -> None:
        head = _read_head(client)
        if not head:
            return
        first = head.split(b"\r\n", 1)[0].decode()
        with self._lock:
            self.asked.append(first)
            self.heads.append(head)
        refusal = self._refusal(head)
        if refusal:
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % refusal)
            return
        upstream = self._forward(client, first, head)
        try:
            if self._hold(upstream):
                back = threading.Thread(target=_pump, args=(upstream, client), name="fake-proxy-back")
                back.start()
                _pump(client, upstream)
                back.join()
        finally:
            self._release(upstream)

    def _release(self, opened: socket.socket) -> None:
        with self._lock:
            self._open.discard(opened)
        opened.close()

    def _refusal(self, head: bytes) -> int | None:
        if self._refuses is not None:
            return self._refuses
        if self._login is not None and f"proxy-authorization: {self._login}".lower() not in head.decode().lower():
            return 407
        return None

    def _forward(self, client: socket.socket, first: str, head: bytes) -> socket.socket:
        method, target, version = first.split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            upstream = socket.create_connection((host.strip("[]"), int(port)))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return upstream
        parts = urlsplit(target)
        upstream = socket.create_connection((parts.hostname or "", parts.port or 80))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        upstream.sendall(head.replace(first.encode(), f"{method} {path} {version}".encode(), 1))
        return upstream


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(65536)
        if not piece:
            return b""
        head += piece
    return head


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
