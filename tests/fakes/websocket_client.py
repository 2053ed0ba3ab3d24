"""A WebSocket client of RFC 6455 alone, that sends what a test wants, however wrong: no program's library is in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from tests.fakes.raw_client import WAIT_SECONDS, Reply

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Closed(Exception):
    """The server closed it so."""

    code: int
    reason: str


class WebSocketClient:
    """One connection to `path` at `address`; `reply` is what answers the upgrade."""

    def __init__(
        self,
        address: tuple[str, int],
        path: str = "/api/hawser/connect",
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.socket = socket.create_connection(address, WAIT_SECONDS)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])
        self._held = b""
        key = base64.b64encode(os.urandom(16))
        sent = {
            "Host": f"{address[0]}:{address[1]}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Version": "13",
        } | dict(headers or {})
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items() if value)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.reply = self._answer()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        assert self.reply.status != 101 or self.reply.headers["sec-websocket-accept"] == accept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, **frame: object) -> None:
        """A text message with this JSON object."""
        self.send(TEXT, json.dumps(frame).encode())

    def send(self, opcode: int, content: bytes = b"", *, fin: bool = True) -> None:
        """One frame."""
        self.socket.sendall(framed(opcode, content, fin=fin))

    def hear(self) -> Any:
        """The JSON object of the next text message."""
        opcode, content = self.receive()
        assert opcode == TEXT, opcode
        return json.loads(content)

    def receive(self) -> tuple[int, bytes]:
        """The next frame, whatever it is but a close. Raises Closed; EOFError where the server hangs up."""
        first, second = self._exactly(2)
        assert first & 0x80, "the server fragments"
        assert not second & 0x80, "the server masks"
        length = second & 0x7F
        if length >= 126:
            (length,) = struct.unpack("!H" if length == 126 else "!Q", self._exactly(2 if length == 126 else 8))
        content = self._exactly(length)
        if first & 0x0F == CLOSE:
            (code,) = struct.unpack("!H", content[:2]) if content else (1005,)
            raise Closed(code, content[2:].decode())
        return first & 0x0F, content

    def close(self, code: int = 1000) -> None:
        """Says so, and waits for the answer."""
        self.send(CLOSE, struct.pack("!H", code))
        with suppress(Closed, EOFError):
            self._read_on()

    def ended(self) -> Closed | None:
        """How the server ends it, whatever it says before; None where it hangs up without a word."""
        try:
            self._read_on()
        except Closed as closed:
            return closed
        except (EOFError, ConnectionError):
            pass
        return None

    def _read_on(self) -> None:
        """Until it ends. Fails after so long, though the server may go on to ping."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            self.receive()
            assert time.monotonic() < deadline, f"the connection is still open after {WAIT_SECONDS:g} s"

    def _exactly(self, count: int) -> bytes:
        while len(self._held) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self._held += piece
        content, self._held = self._held[:count], self._held[count:]
        return content

    def _answer(self) -> Reply:
        """Of the upgrade, with its body where it was refused."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._exactly(1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        status = int(lines[0].split()[1])
        body = b"" if status == 101 else self._exactly(int(headers.get("content-length", "0")))
        return Reply(status, headers, body)


def framed(opcode: int, content: bytes = b"", *, fin: bool = True) -> bytes:
    """A client's frame, masked (RFC 6455, 5.2)."""
    mask = os.urandom(4)
    length = len(content)
    if length < 126:
        size = struct.pack("!B", 0x80 | length)
    elif length < 1 << 16:
        size = struct.pack("!BH", 0x80 | 126, length)
    else:
        size = struct.pack("!BQ", 0x80 | 127, length)
    key = (mask * (length // 4 + 1))[:length]
    masked = (int.from_bytes(content, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")
    return bytes([(0x80 if fin else 0) | opcode]) + size + mask + masked
