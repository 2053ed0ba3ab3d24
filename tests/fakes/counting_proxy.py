"""A TCP proxy on loopback that counts what passes upward and tells when a mark is reached: kills land by bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

PIECE = 256 * 1024


class CountingProxy:
    """Between a client and a server on `port`; `sent` is how many bytes the client's side has passed on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        self._mark: int | None = None
        self._reached = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def mark(self, more: int) -> None:
        """Tell when this many more bytes have passed."""
        with self._lock:
            self._mark = self.sent + more
            self._reached.clear()

    def reached(self, seconds: float) -> bool:
        """Whether the mark is reached, after waiting for it this long."""
        return self._reached.wait(seconds)

    @contextlib.contextmanager
    def running(self) -> Iterator[CountingProxy]:
        """Takes connections inside the block; afterwards none is left."""
        accepting = self._start(self._accept)
        try:
            yield self
        finally:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            accepting.join()  # from here on there are no more sockets and threads than are known
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join()
            for each in self._sockets:
                each.close()

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        """A server that was killed takes nobody: its client is hung up on, as by the server itself."""
        try:
            server = socket.create_connection(("127.0.0.1", self._port))
        except OSError:
            self._end(client)
            return
        self._sockets.append(server)
        self._start(self._upward, client, server)
        self._start(self._downward, server, client)

    def _upward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(PIECE):
                server.sendall(piece)
                self._count(len(piece))
        self._end(server)

    def _downward(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                client.sendall(piece)
        self._end(client)

    def _end(self, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def _count(self, passed: int) -> None:
        with self._lock:
            self.sent += passed
            if self._mark is not None and self.sent >= self._mark:
                self._reached.set()
