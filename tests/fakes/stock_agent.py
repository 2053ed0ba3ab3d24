"""The stock Hawser agent in edge mode, played: an independent implementation of its side of the protocol "1.0".

    agent = StockAgent("ws://127.0.0.1:3000", token, SocketEngine("/run/docker.sock"))
    with playing(agent): ...        # tests.fakes.stock_playing

It imports nothing of Lading, so that what both believe of the wire is written down twice. As the Go program does, it
handles every frame on its own, writes under one lock, goes on with its streams while the connection is lost, and sends
what they say from then on over the next one, under the old ids. What a server sends that the real one could not read is
in `complaints`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import json
import random
import ssl
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import Enum

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.fakes.stock_engine import Engine, body_members, version_of

PATH = "/api/hawser/connect"
ENGINE_FAULTS = (OSError, EOFError, ValueError)
SESSIONS = 100
"""Streams that a newer agent carries at a time."""

Frame = dict[str, object]


class Variant(Enum):
    """Which of the field: that of December 2025, or a newer one. The protocol's number is the same."""

    OLD = "0.2.14"
    NEW = "0.3.0"


@dataclass(frozen=True)
class Habits:
    """Times are in seconds: tests shorten them. `deaf` is how many cancels come before their stream is registered, and
    are lost."""

    heartbeat: float = 30.0
    request: float = 30.0
    welcome: float = 10.0
    read: float = 60.0
    reconnect: float = 1.0
    longest_reconnect: float = 60.0
    deaf: int = 0


class Unwelcome(Exception):
    """The server let it not in: an `error` frame, or something that is no welcome."""


@dataclass
class StockAgent:
    """One agent; `url` is ws(s)://host:port.

    What it saw may be read from any thread: `refusals` are why it did not get in, `ended` the streams whose end it
    told, by their ids, `waits` the seconds that each of its pings was unanswered.
    """

    url: str
    token: str = field(repr=False)
    engine: Engine
    variant: Variant = Variant.OLD
    name: str = "agent"
    habits: Habits = Habits()
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.connected = threading.Event()
        self.logins = 0
        self.refusals: list[str] = []
        self.complaints: list[str] = []
        self.welcome: Frame = {}
        self.received: list[Frame] = []
        self.ended: list[str] = []
        self.waits: list[float] = []
        self._pinged: float | None = None
        self._socket: ClientConnection | None = None
        self._writing = asyncio.Lock()
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaf = self.habits.deaf

    # ── its life

    async def run(self) -> None:
        """For ever: connects, and connects again."""
        delay = self.habits.reconnect
        while True:
            before = self.logins
            try:
                await self._session()
            except (OSError, WebSocketException, TimeoutError, Unwelcome) as error:
                self.refusals.append(f"{type(error).__name__}: {error}")
            delay = self.habits.reconnect if self.logins > before else delay
            await asyncio.sleep(delay * (random.uniform(0.75, 1.25) if self.variant is Variant.NEW else 1))
            delay = min(delay * 2, self.habits.longest_reconnect)

    def cut(self) -> None:
        """Its connection is gone without a word; called on its loop."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _session(self) -> None:
        """One connection, from the dialling to its loss."""
        longest = None if self.variant is Variant.OLD else 16 * 2**20
        async with connect(
            self.url + PATH,
            ssl=self.tls,
            compression=None,
            user_agent_header="Go-http-client/1.1",
            open_timeout=10,
            close_timeout=1,
            ping_interval=None,
            max_size=longest,
            proxy=None,
        ) as socket:
            await socket.send(json.dumps(await self._hello()))
            self._check_welcome(self._read(await _received(socket, self.habits.welcome)))
            self._socket = socket
            self.logins += 1
            self.connected.set()
            beating = asyncio.ensure_future(self._beat())
            try:
                await self._listen(socket)
            finally:
                beating.cancel()
                self._socket = None
                self.connected.clear()

    async def _hello(self) -> Frame:
        hello: Frame = {
            "type": "hello",
            "version": self.variant.value,
            "protocol": "1.0",
            "agentId": f"id-of-{self.name}",
            "agentName": self.name,
            "token": self.token,
            "dockerVersion": await version_of(self.engine),
            "hostname": f"{self.name}.example",
            "capabilities": ["exec", "metrics", "events", "compose"],
        }
        if self.variant is Variant.NEW:
            hello["tokenHash"] = hashlib.sha256(self.token.encode()).hexdigest()
            hello["capabilities"] = ["exec", "metrics", "events", "compose", "git-sync-delete", "compose-file-names"]
        return hello

    def _check_welcome(self, frame: Frame) -> None:
        """Only its type decides; a member of another kind would keep the Go program from reading it at all."""
        if frame.get("type") != "welcome":
            raise Unwelcome(f"server error: {frame.get('error', '')}")
        self.welcome = frame
        self._expect(frame, "environmentId", int)
        self._expect(frame, "message", str)

    async def _listen(self, socket: ClientConnection) -> None:
        deadline = max(self.habits.read, 2 * self.habits.heartbeat)
        with contextlib.suppress(ConnectionClosed):
            while True:
                frame = self._read(await _received(socket, deadline))
                self.received.append(frame)
                self._start(self._handle(frame))

    async def _beat(self) -> None:
        """Told without being asked: metrics, what containers do, and that it is there."""
        await self._send(_CONTAINER_EVENT)
        while True:
            await self._send({"type": "metrics", "timestamp": int(time.time()), "metrics": _METRICS})
            await asyncio.sleep(self.habits.heartbeat)
            self._pinged = time.monotonic()
            await self._send({"type": "ping", "timestamp": int(time.time())})

    # ── what the server sends

    def _read(self, message: str | bytes) -> Frame:
        if not isinstance(message, str):
            self.complaints.append("a binary message")
            return {}
        frame = json.loads(message)
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            self.complaints.append(f"no frame: {message[:100]}")
            return {}
        return frame

    async def _handle(self, frame: Frame) -> None:
        kind = frame.get("type")
        if kind == "ping":
            self._expect(frame, "timestamp", int)
            await self._send({"type": "pong", "timestamp": int(time.time())})
        elif kind == "pong":
            self._expect(frame, "timestamp", int)
            if self._pinged is not None:
                self.waits.append(time.monotonic() - self._pinged)
                self._pinged = None
        elif kind == "request":
            await self._request(frame)
        elif kind == "stream_end":
            self._expect(frame, "reason", str)
            self._cancel(str(frame.get("requestId")))
        elif kind:
            self.complaints.append(f"unknown frame: {kind}")

    def _cancel(self, request: str) -> None:
        if self._deaf:
            self._deaf -= 1
        elif request in self._streams:
            self._streams[request].cancel()

    async def _request(self, frame: Frame) -> None:
        for name, kind in (("requestId", str), ("method", str), ("path", str), ("headers", dict), ("streaming", bool)):
            self._expect(frame, name, kind)
        if frame.get("streaming"):
            await self._stream(frame)
        else:
            await self._exchange(frame)

    def _expect(self, frame: Frame, name: str, kind: type) -> None:
        value = frame.get(name)
        wrong = kind is int and isinstance(value, bool)
        if value is not None and (wrong or not isinstance(value, kind)):
            self.complaints.append(f"{name} of {frame.get('type')} is {value!r}")

    # ── what it asks its engine

    async def _exchange(self, frame: Frame) -> None:
        """A plain request: the whole answer in one frame, or an error."""
        request = str(frame["requestId"])
        try:
            async with (
                asyncio.timeout(self.habits.request),
                self.engine.ask(*_asked(frame), _headers(frame), self._body(frame)) as answer,
            ):
                content = b"".join([piece async for piece in answer.pieces])
        except TimeoutError:
            await self._fail(request, "context deadline exceeded", "DOCKER_ERROR")
        except ENGINE_FAULTS as error:
            await self._fail(request, str(error), "DOCKER_ERROR")
        else:
            told: Frame = {"type": "response", "requestId": request, "statusCode": answer.status}
            await self._send(told | {"headers": dict(answer.headers)} | body_members(answer.headers, content))

    def _body(self, frame: Frame) -> bytes | None:
        """Old: whatever stands there, as JSON. New: a binary one is decoded."""
        if "body" not in frame:
            return None
        body = frame["body"]
        if self.variant is Variant.NEW and frame.get("isBinary"):
            try:
                return base64.b64decode(str(body), validate=True)
            except binascii.Error as error:
                raise ValueError(f"DECODE_ERROR: {error}") from error
        return json.dumps(body, separators=(",", ":")).encode()

    async def _stream(self, frame: Frame) -> None:
        """Neither status nor headers nor the request's body; whatever happens, it ends as completed."""
        request = str(frame["requestId"])
        if self.variant is Variant.NEW and len(self._streams) >= SESSIONS:
            await self._fail(request, "too many sessions", "SESSION_LIMIT")
        else:
            streaming = self._start(self._pieces(request, frame))
            self._streams[request] = streaming
            await asyncio.wait([streaming])
            self._streams.pop(request, None)
        self.ended.append(request)
        await self._send({"type": "stream_end", "requestId": request, "reason": "completed"})

    async def _pieces(self, request: str, frame: Frame) -> None:
        begun = False
        try:
            async with self.engine.ask(*_asked(frame), _headers(frame), None) as answer:
                begun = True
                async for piece in answer.pieces:
                    data = base64.b64encode(piece).decode()
                    await self._send({"type": "stream", "requestId": request, "data": data})
        except ENGINE_FAULTS as error:
            await self._fail(request, str(error), "READ_ERROR" if begun else "DOCKER_ERROR")

    async def _fail(self, request: str, error: str, code: str) -> None:
        await self._send({"type": "error", "requestId": request, "error": error, "code": code})

    async def _send(self, frame: Frame) -> None:
        """Lost where there is no connection."""
        text = json.dumps(frame)
        async with self._writing:
            if self._socket is not None:
                with contextlib.suppress(ConnectionClosed):
                    await self._socket.send(text)

    def _start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _asked(frame: Frame) -> tuple[str, str]:
    return str(frame["method"]), str(frame["path"])


def _headers(frame: Frame) -> dict[str, str]:
    headers = frame.get("headers")
    return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}


_METRICS = {
    "cpuUsage": 12.5,
    "cpuCores": 2,
    "memoryTotal": 2**33,
    "memoryUsed": 2**32,
    "memoryFree": 2**32,
    "networkRxBytes": 1,
    "networkTxBytes": 1,
    "uptime": 3600,
}
_CONTAINER_EVENT: Frame = {
    "type": "container_event",
    "event": {
        "containerId": "0" * 64,
        "containerName": "web",
        "image": "nginx",
        "action": "start",
        "timestamp": "2026-01-02T03:04:05.000000001Z",
    },
}


async def _received(socket: ClientConnection, seconds: float) -> str | bytes:
    """Not by `wait_for`: before Python 3.12 it forgets a cancel that comes together with the message."""
    async with asyncio.timeout(seconds):
        return await socket.recv()
