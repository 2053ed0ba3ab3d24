"""What holds for every request before anything is routed: whose door it knocks at, from which page, and how much it
brings; and for every answer: headers that keep browsers careful, one log line, one count.

Pure ASGI, so that streams pass as they are.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames

log = logging.getLogger("lading.rest")

LONGEST_BODY = 1024 * 1024
"""Bytes of a request's body, where its route does not stream it: forms and JSON are kilobytes."""

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


class _BodyTooLong(Exception):
    """More came than any route here takes."""


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """`streams` says for method and path whether the route reads its body piece by piece, and bounds it itself."""

    inner: ASGIApp
    names: OurNames
    forwarding: Forwarding
    streams: Callable[[str, str], bool]
    observe: Observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        started, request = time.monotonic(), str(uuid.uuid4())
        headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else ""
        scope.setdefault("state", {}).update(
            {
                "request": request,
                "address": self.forwarding.client(peer, headers.get("x-forwarded-for")),
                "secure": self.forwarding.is_secure(peer, scope["scheme"], headers.get("x-forwarded-proto")),
            }
        )
        answer = _Answer(send, request)
        try:
            refused = self._refused(scope, headers)
            if refused is not None:
                await refused(scope, receive, answer.send)
            else:
                await self.inner(scope, self._bounded(scope, receive), answer.send)
        except _BodyTooLong:
            if not answer.status:
                await _too_long()(scope, receive, answer.send)
        finally:
            self._tell(scope, request, answer.status, time.monotonic() - started)

    def _refused(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        if not self.names.permits_host(host):
            text = f"This server does not go by the name {host!r}"
            hint = "If it should, start it with --public-url."
            return JSONResponse({"error": text, "hint": hint}, 421)
        if not self.names.permits_origin(headers.get("origin"), host):
            return JSONResponse(
                {"error": "Permission denied", "detail": "The page that asks is from another site."},
                403,
            )
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > LONGEST_BODY and not self.streams(scope["method"], scope["path"]):
            return _too_long()
        return None

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        if self.streams(scope["method"], scope["path"]):
            return receive
        left = LONGEST_BODY

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _BodyTooLong
            return message

        return counted

    def _tell(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self.observe(scope["method"], route, status, seconds)
        log.info(
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


def _too_long() -> JSONResponse:
    text = f"The body is longer than {LONGEST_BODY} bytes"
    return JSONResponse({"error": text, "code": "invalid"}, 413, {"Connection": "close"})
