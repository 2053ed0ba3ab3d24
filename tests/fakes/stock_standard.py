"""The stock Hawser agent in standard mode, played: an HTTP proxy before a Docker engine, with its limits.

    with StandardProxy(SocketEngine("/run/docker.sock"), token="…") as proxy: ... proxy.port

A push is not among what it lets run for as long as it takes: it goes through a client that gives up after 30 seconds in
all, its lines held back; the caller is then told status 200 and a clean end, while the engine is hung up on. It imports
nothing of Lading.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import posixpath
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote

from tests.fakes.own_loop import own_loop
from tests.fakes.stock_agent import ENGINE_FAULTS, Variant
from tests.fakes.stock_engine import Answer, Engine, version_of

HELD_BACK = 4096
"""Bytes of an answer that wait for more where nothing flushes them."""

FAILURES = 10
"""Wrong tokens in a minute, after which a newer one refuses an address."""

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "host",
    }
)


@dataclass(frozen=True)
class Asked:
    """One request, its body whole; of each header the first value, names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """Decoded, without the query."""
        return unquote(self.target.partition("?")[0])

    @property
    def streams(self) -> bool:
        """Whether it may take as long as it takes. The literal `/images/push` is no push of anybody's."""
        path, post = self.path, self.method == "POST"
        return (
            (self.method == "GET" and "/logs" in path)
            or "/attach" in path
            or ("/exec/" in path and "/start" in path)
            or path.endswith("/events")
            or (post and "/build" in path)
            or (post and ("/images/create" in path or "/images/push" in path))
        )


class StandardProxy:
    """Listens on a free port of loopback, on a thread of its own. `limit` is the 30 seconds; `cut` counts the answers
    that it ended."""

    def __init__(
        self,
        engine: Engine,
        token: str = "",
        *,
        variant: Variant = Variant.OLD,
        limit: float = 30.0,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self._engine, self._token, self._variant, self._tls, self._address = engine, token, variant, tls, address
        self.limit = limit
        self.port = 0
        self.cut = 0
        self.asked: list[Asked] = []
        self._failures: list[float] = []
        self._began = time.monotonic()
        self._loop = own_loop("stock-standard")

    def __enter__(self) -> Self:
        self._running = self._loop.__enter__()
        self._running.run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.run(self._close())
        self._loop.__exit__(kind, error, traceback)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._address, 0, ssl=self._tls, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The server that runs it asks for what it raised, and does not expect a cancel."""
        try:
            with contextlib.suppress(*ENGINE_FAULTS):
                while await self._one(reader, writer):
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        try:
            asked = await _asked(reader)
        except asyncio.IncompleteReadError:
            return False
        self.asked.append(asked)
        cleaned = _cleaned(asked.path)
        if cleaned != asked.path:
            _say(writer, 301, "Moved Permanently", {"location": cleaned})
        elif asked.path == "/_hawser/health":
            await self._health(writer)
        elif refusal := self._refusal(asked):
            _say(writer, *refusal)
        elif asked.path == "/_hawser/info":
            _say(writer, 200, json.dumps(await self._info()), {"content-type": "application/json"})
        else:
            return await self._pass_on(asked, reader, writer)
        return True

    # ── its own routes

    async def _health(self, writer: asyncio.StreamWriter) -> None:
        if await version_of(self._engine) == "unknown":
            _say(writer, 503, "Docker unavailable")
        else:
            _say(writer, 200, '{"status":"healthy"}', {"content-type": "application/json"})

    async def _info(self) -> Mapping[str, object]:
        return {
            "agentId": "id-of-standard",
            "agentName": "standard",
            "dockerVersion": await version_of(self._engine),
            "hawserVersion": self._variant.value,
            "mode": "standard",
            "uptime": int(time.monotonic() - self._began),
        }

    def _refusal(self, asked: Asked) -> tuple[int, str] | None:
        """Of a wrong token. An old one takes it in the query too."""
        if not self._token:
            return None
        given = asked.headers.get("x-hawser-token", "")
        if not given and self._variant is Variant.OLD:
            given = parse_qs(asked.target.partition("?")[2]).get("token", [""])[0]
        if hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        now = time.monotonic()
        self._failures = [*(each for each in self._failures if each > now - 60), now]
        if self._variant is Variant.NEW and len(self._failures) > FAILURES:
            return 429, "Too Many Requests"
        return 401, "Unauthorized"

    # ── the engine's

    async def _pass_on(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Who hangs up takes the engine's request with him."""
        passing = asyncio.ensure_future(self._answer(asked, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        await asyncio.wait([passing, leaving], return_when=asyncio.FIRST_COMPLETED)
        for task in (passing, leaving):
            task.cancel()
        results = await asyncio.gather(passing, leaving, return_exceptions=True)
        return results[0] is True and isinstance(results[1], asyncio.CancelledError)

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        headers = {name: value for name, value in asked.headers.items() if name not in _HOP_BY_HOP}
        outgoing = _Outgoing(writer, asked.method, flushed=asked.streams)
        try:
            async with asyncio.timeout(None if asked.streams else self.limit):
                async with self._engine.ask(asked.method, asked.target, headers, asked.body or None) as answer:
                    outgoing.begin(answer)
                    async for piece in answer.pieces:
                        await outgoing.put(piece)
        except (TimeoutError, *ENGINE_FAULTS) as error:
            self.cut += isinstance(error, TimeoutError)
            if not outgoing.begun:
                _say(writer, 502, f"Docker request failed: {str(error) or 'context deadline exceeded'}")
                return True
        return await outgoing.end()


class _Outgoing:
    """An answer on its way to the caller, held back as Go's server does where nothing is flushed."""

    def __init__(self, writer: asyncio.StreamWriter, method: str, *, flushed: bool) -> None:
        self._writer, self._method, self._flushed = writer, method, flushed
        self._held = b""
        self._left: int | None = None
        self._framed = True
        self.begun = False

    def begin(self, answer: Answer) -> None:
        self.begun = True
        length = answer.headers.get("content-length")
        self._left = int(length) if length is not None else None
        self._framed = self._method != "HEAD" and answer.status not in {204, 304}
        headers = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        if length is not None:
            headers["content-length"] = length
        elif self._framed:
            headers["transfer-encoding"] = "chunked"
        self._held = _head(answer.status, headers)

    async def put(self, piece: bytes) -> None:
        if self._left is None:
            self._held += b"%x\r\n%b\r\n" % (len(piece), piece)
        else:
            self._left -= len(piece)
            self._held += piece
        if self._flushed or len(self._held) >= HELD_BACK:
            self._writer.write(self._held)
            self._held = b""
            await self._writer.drain()

    async def end(self) -> bool:
        """A clean one wherever the framing allows it, whatever happened; whether the connection goes on."""
        self._writer.write(self._held + (b"0\r\n\r\n" if self._left is None and self._framed else b""))
        await self._writer.drain()
        return not self._framed or not self._left


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    rows = [f"HTTP/1.1 {status} {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*rows, "", ""]).encode("latin-1")


def _say(writer: asyncio.StreamWriter, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
    body = text.encode()
    plain = {"content-type": "text/plain; charset=utf-8", **(headers or {}), "content-length": str(len(body))}
    writer.write(_head(status, plain) + body)


def _cleaned(path: str) -> str:
    """As Go's multiplexer wants it; anything else it redirects."""
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


async def _asked(reader: asyncio.StreamReader) -> Asked:
    rows = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = rows[0].split(" ")
    headers: dict[str, str] = {}
    for row in filter(None, rows[1:]):
        name, _, value = row.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    body = b"".join([piece async for piece in _body(reader, headers)])
    return Asked(method, target, headers, body)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    elif length := int(headers.get("content-length", "0")):
        yield await reader.readexactly(length)
