"""A client that speaks bytes: sends what a test wants, however wrong, and reads what comes back."""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

WAIT_SECONDS = 60.0
"""The longest a test waits before it fails; nothing that works needs a fraction of it."""


@dataclass(frozen=True)
class Reply:
    """One answer. `whole` is false where its body was cut."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True
    reason: str = ""


class RawClient:
    """One connection to `address`, or to the unix socket at a path; in TLS where `tls` is given; `strict` takes no end
    that TLS was not told of."""

    def __init__(
        self, address: tuple[str, int] | Path, tls: ssl.SSLContext | None = None, *, strict: bool = False
    ) -> None:
        self.socket = _connected(address)
        if tls and not isinstance(address, Path):
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0], suppress_ragged_eofs=not strict)
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, *pieces: str | bytes) -> Self:
        """Text has its line ends written as in HTTP."""
        for piece in pieces:
            self.socket.sendall(piece.replace("\n", "\r\n").encode() if isinstance(piece, str) else piece)
        return self

    def half_close(self) -> None:
        """Says that nothing more comes; still reads."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def reset(self) -> None:
        """Ends the connection as a crash would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Ends it as a tidy client would, with nothing unread."""
        self.socket.close()

    def head(self) -> Reply:
        """A status line and its fields, "100 Continue" too; no body."""
        while b"\r\n\r\n" not in self._held:
            if not self._more():
                raise ConnectionError(f"no head; only {self._held[:200]!r}")
        raw, _, self._held = self._held.partition(b"\r\n\r\n")
        lines = raw.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        status, _, reason = lines[0].partition(" ")[2].partition(" ")
        return Reply(int(status), headers, b"", reason=reason)

    def reply(self, method: str = "GET") -> Reply:
        """One whole answer to `method`."""
        head = self.head()
        if method == "HEAD" or head.status in {204, 304}:
            return head
        if "content-length" in head.headers:
            body, whole = self._exactly(int(head.headers["content-length"]))
        elif head.headers.get("transfer-encoding") == "chunked":
            body, whole = self._chunks()
        else:
            body, whole = self._to_the_end()
        return replace(head, body=body, whole=whole)

    def at_end(self) -> bool:
        """Whether the server sends nothing more, having closed."""
        return not self._held and not self._more()

    def line(self) -> bytes:
        """Up to the next line end."""
        while b"\n" not in self._held:
            if not self._more():
                return b""
        line, _, self._held = self._held.partition(b"\n")
        return line + b"\n"

    def _exactly(self, count: int) -> tuple[bytes, bool]:
        while len(self._held) < count and self._more():
            pass
        body, self._held = self._held[:count], self._held[count:]
        return body, len(body) == count

    def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        while line := self.line():
            size = int(line, 16)
            piece, whole = self._exactly(size)
            body += piece
            if not whole or not self.line():
                return body, False
            if not size:
                return body, True
        return body, False

    def _to_the_end(self) -> tuple[bytes, bool]:
        try:
            while self._more():
                pass
            whole = True
        except ConnectionResetError:
            whole = False
        body, self._held = self._held, b""
        return body, whole

    def _more(self) -> bool:
        received = self.socket.recv(65536)
        self._held += received
        return bool(received)


def _connected(address: tuple[str, int] | Path) -> socket.socket:
    if not isinstance(address, Path):
        return socket.create_connection(address, WAIT_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(WAIT_SECONDS)
        connection.connect(str(address))
    except BaseException:
        connection.close()
        raise
    return connection
