"""How the stock agent asks the Docker engine beside it: HTTP over the engine's unix socket, as a Go program does.

Independent of what is tested: it knows sockets and HTTP, nothing of Lading.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

RAW_READ = 4096
"""The longest read of an answer's body, in bytes."""

_BINARY = ("octet-stream", "raw-stream", "tar", "gzip")


@dataclass(frozen=True)
class Answer:
    """`pieces` are the raw reads of its body, as they come; header names are lower case, of each the first value."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


class Engine(Protocol):
    """What an agent stands beside."""

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> AbstractAsyncContextManager[Answer]:
        """While inside, the answer is read; leaving earlier hangs up. Raises OSError, EOFError, ValueError."""


@dataclass(frozen=True)
class SocketEngine:
    """A real one at a unix socket. Every request has a connection of its own."""

    path: str

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[Answer]:
        reader, writer = await asyncio.open_unix_connection(self.path, limit=2**20)
        try:
            writer.write(_head(method, target, headers, body) + (body or b""))
            await writer.drain()
            status, fields = await _answer_head(reader)
            yield Answer(status, fields, _body(reader, method, status, fields))
        finally:
            writer.transport.abort()


def _head(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    rows = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    rows += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in {"host", "content-length"}]
    if not any(name.lower() == "user-agent" for name in headers):
        rows.append("User-Agent: Go-http-client/1.1")
    if body is not None or method not in {"GET", "HEAD"}:
        rows.append(f"Content-Length: {len(body or b'')}")
    return "\r\n".join([*rows, "", ""]).encode()


async def _answer_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    while True:
        rows = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(rows[0].split(" ")[1])
        if status >= 200:
            break
    fields: dict[str, str] = {}
    for row in filter(None, rows[1:]):
        name, _, value = row.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return status, fields


async def _body(
    reader: asyncio.StreamReader, method: str, status: int, fields: Mapping[str, str]
) -> AsyncIterator[bytes]:
    if method == "HEAD" or status in {204, 304}:
        return
    if "chunked" in fields.get("transfer-encoding", ""):
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            async for piece in _counted(reader, size):
                yield piece
            await reader.readexactly(2)
        return
    if "content-length" in fields:
        async for piece in _counted(reader, int(fields["content-length"])):
            yield piece
        return
    while piece := await reader.read(RAW_READ):
        yield piece


async def _counted(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count:
        piece = await reader.read(min(RAW_READ, count))
        if not piece:
            raise EOFError("unexpected EOF")
        count -= len(piece)
        yield piece


async def version_of(engine: Engine) -> str:
    """What the hello says of it; `unknown` where it is down."""
    try:
        async with engine.ask("GET", "/version", {}, None) as answer:
            content = b"".join([piece async for piece in answer.pieces])
        return str(json.loads(content)["Version"])
    except (OSError, EOFError, ValueError, KeyError):
        return "unknown"


def body_members(headers: Mapping[str, str], content: bytes) -> dict[str, object]:
    """How a whole body stands in a `response`: text, or base64 where its kind or its bytes look binary. Bytes that look
    printable and are no UTF-8 are damaged on the way: JSON cannot hold them."""
    kind = headers.get("content-type", "")
    if any(word in kind for word in _BINARY) or any(byte < 32 and byte not in b"\t\n\r" for byte in content):
        return {"body": base64.b64encode(content).decode(), "isBinary": True}
    return {"body": content.decode(errors="replace")}
