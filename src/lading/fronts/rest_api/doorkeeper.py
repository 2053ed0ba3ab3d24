"""What holds for every request before anything is routed: whose door it knocks at, from which page, and how much it
brings how fast; and for every answer: headers that keep browsers careful, one log line, one count.

Pure ASGI, so that streams pass as they are.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.led_here import led_here
from lading.fronts.http.ours import OurNames

log = logging.getLogger("lading.rest")

LONGEST_BODY = 1024 * 1024
"""Bytes of a request's body, where its route does not stream it: forms and JSON are kilobytes."""

BODY_SECONDS = 60.0
"""How long such a body may take, and how long one that is streamed may pause."""

_WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is asked by who watches this process, as balancers do: before HTTP/1.1 nobody had to name a host (RFC 9112,
3.2), and no browser leaves it out."""

_CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}

Observe = Callable[[str, str, int, float], None]
"""Method, route as a template, status, seconds: for the metrics."""


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """`streams` says for method and path whether the route reads its body piece by piece, and bounds it itself."""

    inner: ASGIApp
    names: OurNames
    forwarding: Forwarding
    streams: Callable[[str, str], bool]
    observe: Observe
    body_seconds: float = BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        started, request = time.monotonic(), str(uuid.uuid4())
        headers = Headers(scope=scope)
        scope.setdefault("state", {}).update({"request": request, **self._forwarded(scope, headers)})
        scope["path"] = routed(scope.get("raw_path") or scope["path"].encode())
        answer = _Answer(send, request)
        try:
            refused = self._refused(scope, headers)
            if refused is not None:
                await refused(scope, receive, answer.send)
            else:
                body = _Body(receive, self.body_seconds, streams=self._streams(scope))
                await self.inner(scope, body.receive, answer.send)
        finally:
            self._tell(scope, request, answer.status, time.monotonic() - started)

    def _forwarded(self, scope: Scope, headers: Headers) -> dict[str, object]:
        """Who asks, whether in TLS, and the URL of this server by which that was. A proxy may put what it says into a
        field of its own behind the client's, which is one list (RFC 9110, 5.3)."""
        peer, scheme = scope["client"][0] if scope.get("client") else "", scope["scheme"]
        fields: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in headers.items():
            fields[name].append(value)
        joined = {name: ", ".join(values) for name, values in fields.items()}
        outside = self.forwarding.outside(peer, joined, self.names.public)
        return {
            "address": self.forwarding.client(peer, joined.get("x-forwarded-for")),
            "secure": self.forwarding.is_secure(peer, scheme, headers.get("x-forwarded-proto")),
            "server": outside or f"{scheme}://{joined.get('host', '')}",
        }

    def _refused(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if not hosts and scope["http_version"] == "1.0" and scope["path"] in _WATCHED:
            return None
        led = led_here(self.names, hosts, origins, headers.get("sec-fetch-site"), scope["method"])
        if led is not None:
            return JSONResponse(dict(led.body), led.status)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > LONGEST_BODY and not self._streams(scope):
            return JSONResponse({"error": _TOO_LONG, "code": "invalid"}, 413, _CLOSE)
        return None

    def _streams(self, scope: Scope) -> bool:
        return self.streams(scope["method"], scope["path"])

    def _tell(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self.observe(scope["method"], route, status, seconds)
        well = scope["path"] in _WATCHED and status == 200
        log.log(
            logging.DEBUG if well else logging.INFO,  # a balancer asks every second, and nothing happened
            "%s %s %d",
            scope["method"],
            scope["path"],
            status,
            extra={"request": request, "route": route, "seconds": round(seconds, 4)},
        )


class _Answer:
    """Sends on, with our headers added; remembers the status, 0 where none was sent."""

    def __init__(self, send: Send, request: str) -> None:
        self._send, self._request, self.status = send, request, 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request
            for name, value in _CAREFUL.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


class _Body:
    """A request's body as it comes in. What is too long or too slow ends the request: as an HTTPException, which
    whoever reads the body lets pass."""

    def __init__(self, receive: Receive, seconds: float, *, streams: bool) -> None:
        self._receive, self._seconds, self._streams = receive, seconds, streams
        self._left, self._ends, self._whole = LONGEST_BODY, time.monotonic() + seconds, False

    async def receive(self) -> Message:
        if self._whole:  # what comes now is that the client hung up
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds if self._streams else self._ends - time.monotonic()):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "The body comes too slowly", _CLOSE) from error
        self._whole = not message.get("more_body", False)
        if not self._streams:
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(413, _TOO_LONG, _CLOSE)
        return message


_TOO_LONG = f"The body is longer than {LONGEST_BODY} bytes"
_CLOSE = {"Connection": "close"}


def routed(raw_path: bytes) -> str:
    """A path in which each slash parts two segments: one that belongs to a name stays `%2F`, and a percent sign `%25`.

    So `images/team%2Fhistory` is an image, and `images/team/history` the history of one (`dependencies.ImageName`).
    """
    segments = (unquote(segment) for segment in raw_path.decode("latin-1").split("/"))
    return "/".join(segment.replace("%", "%25").replace("/", "%2F") for segment in segments)
