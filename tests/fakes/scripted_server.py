"""A real HTTP server on loopback whose answers are decided by a function, down to the byte where they break.

    def answer(asked: Asked) -> Reply: ...
    with ScriptedServer(answer) as server:
        transport.send(Request("GET", server.url("/v2/")), ...)

It keeps what it was asked, so a test can count requests, bytes and connections.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self


class Ending(Enum):
    """What becomes of the connection after the reply: kept, closed, reset, or left open in silence."""

    KEEP = "keep"
    FIN = "fin"
    RST = "rst"
    STALL = "stall"


class Asked:
    """A request whose head came; `body` is what was read of it so far, `length` what was announced."""

    def __init__(
        self, head: Sequence[str], read: Callable[[int], bytes], interject: Callable[[bytes], None], connection: int
    ) -> None:
        self.method, self.target, _ = head[0].split(" ", 2)
        self.fields = list(_fields(head[1:]))
        self.headers: Mapping[str, str] = dict(self.fields)
        self.length = int(self.headers.get("content-length", "0"))
        self.connection = connection
        self.body = b""
        self._read = read
        self.interject = interject  # sends bytes before the reply: an interim answer

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands after the question mark."""
        return self.target.partition("?")[2]

    @property
    def complete(self) -> bool:
        """Whether all of the body that was announced has been read."""
        return len(self.body) == self.length

    def stop(self) -> None:
        """Nothing more of the body is read."""
        self._read = _nothing

    def receive(self, count: int | None = None) -> bytes:
        """Read on until `count` bytes of the body are here (None: all of it), or the client hangs up."""
        wanted = self.length if count is None else min(count, self.length)
        pieces = [self.body]
        here = len(self.body)
        while here < wanted and (piece := self._read(min(65536, wanted - here))):
            pieces.append(piece)
            here += len(piece)
        self.body = b"".join(pieces)
        return self.body


def _linger(connection: socket.socket) -> None:
    """Read and drop what the client still sends: closing at once would reset the connection and lose our answer."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def _nothing(_count: int) -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer.

    `read` is how many bytes of the request's body are read before answering (None: all). `declared` is the
    Content-Length (None: that of the body, -1: none at all). `upto` is how many bytes of the body go out before
    `ending` (None: all), `silent` leaves out even the status. `pieces` above 0 sends the body in such small pieces,
    `pause` seconds apart. `raw` replaces the head.
    """

    status: int = 200
    fields: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    read: int | None = None
    declared: int | None = None
    chunked: bool = False
    upto: int | None = None
    ending: Ending = Ending.KEEP
    silent: bool = False
    pieces: int = 0
    pause: float = 0.0
    raw: bytes | None = None

    def head(self) -> bytes:
        """Status line and header as they go out."""
        rows = [f"HTTP/1.1 {self.status} {self.status}"]
        rows += [f"{name}: {value}" for name, value in self.fields]
        if self.chunked:
            rows.append("Transfer-Encoding: chunked")
        elif self.declared != -1 and self.status not in {204, 304}:
            rows.append(f"Content-Length: {len(self.body) if self.declared is None else self.declared}")
        return "\r\n".join([*rows, "", ""]).encode("latin-1")

    def framed(self) -> bytes:
        """The body as it goes out, in chunks of 1,000 bytes where it is chunked."""
        if not self.chunked:
            return self.body
        chunks = [self.body[at : at + 1000] for at in range(0, len(self.body), 1000)]
        return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


_TLS_RECORD = b"\x16"  # somebody speaks TLS to a server that does not: answered as plain HTTP, as nginx and Go do

Answer = Callable[[Asked], Reply]
"""Called when a head came, by several threads; an answer that depends on the body calls `asked.receive()`."""


@dataclass
class Table:
    """Replies by (method, path), each list used up in order, its last one for ever; 404 for what is not there."""

    rows: Mapping[tuple[str, str], Sequence[Reply]]
    used: dict[tuple[str, str], int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Reply:
        key = (asked.method, asked.path)
        replies = self.rows.get(key)
        if not replies:
            return Reply(404)
        with self.lock:
            at = self.used.get(key, 0)
            self.used[key] = at + 1
        return replies[min(at, len(replies) - 1)]


class ScriptedServer:
    """Listens on a free loopback port, a thread per connection; all of them end with `close`."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._answer = answer
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.asked: list[Asked] = []
        self.connections = 0
        self.received = 0  # body bytes
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="scripted-accept")
        self._accepting.start()

    @property
    def authority(self) -> str:
        """host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def url(self, target: str) -> str:
        """Of a path (and query) here."""
        return f"{'https' if self._tls else 'http'}://{self.authority}{target}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections and threads."""
        self._ending.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        with self._lock:
            open_sockets = list(self._sockets)
        for connection in open_sockets:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def hang_up(self) -> None:
        """Closes every connection that is open now, as a server does with idle ones."""
        with self._lock:
            open_sockets = list(self._sockets)
        for connection in open_sockets:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            thread = threading.Thread(target=self._serve, args=(connection, number), name=f"scripted-{number}")
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        with self._lock:
            self._sockets.add(connection)
        try:
            with suppress(OSError):
                self._converse(connection, number)
        finally:
            with self._lock:
                self._sockets.discard(connection)
            connection.close()

    def _converse(self, connection: socket.socket, number: int) -> None:
        incoming = connection.makefile("rb")
        with incoming:
            if incoming.peek(1).startswith(_TLS_RECORD):
                self._reply(
                    connection, "GET", self._answer(Asked(["TLS / 1"], incoming.read, connection.sendall, number))
                )
                return
            while not self._ending.is_set():
                head = list(_head_lines(incoming.readline))
                if not head:
                    return
                asked = Asked(head, incoming.read, connection.sendall, number)
                with self._lock:
                    self.asked.append(asked)
                reply = self._answer(asked)
                asked.receive(reply.read)
                with self._lock:
                    self.received += len(asked.body)
                if not asked.complete and reply.read is None:
                    return
                if not self._reply(connection, asked.method, reply):
                    return
                if not asked.complete:
                    _linger(connection)
                    return

    def _reply(self, connection: socket.socket, method: str, reply: Reply) -> bool:
        if not reply.silent:
            body = b"" if method == "HEAD" else reply.framed()
            if reply.raw is not None:
                connection.sendall(reply.raw)
            else:
                connection.sendall(reply.head())
            self._send(connection, body if reply.upto is None else body[: reply.upto], reply)
        if reply.ending is Ending.STALL:
            self._ending.wait()
        if reply.ending is Ending.RST:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return reply.ending is Ending.KEEP

    def _send(self, connection: socket.socket, body: bytes, reply: Reply) -> None:
        if not reply.pieces:
            connection.sendall(body)
            return
        for at in range(0, len(body), reply.pieces):
            connection.sendall(body[at : at + reply.pieces])
            if self._ending.wait(reply.pause):
                return


def _head_lines(readline: Callable[[], bytes]) -> Iterator[str]:
    while True:
        line = readline()
        if line in {b"\r\n", b"\n", b""}:
            return
        yield line.decode("latin-1").rstrip("\r\n")


def _fields(rows: Sequence[str]) -> Iterator[tuple[str, str]]:
    for row in rows:
        name, _, value = row.partition(":")
        yield name.strip().lower(), value.strip()
