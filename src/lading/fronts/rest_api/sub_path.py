"""Below a path of a host that others live on too, as `https://corp/lading/`: that path is taken off before anything is
routed, and kept, for links and cookies begin with it.

Pure ASGI, in front of all else that answers there.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lading.fronts.http.forwarding import Forwarding
from lading.wire.guard import authority

FIELD = "x-forwarded-prefix"


@dataclass(frozen=True, slots=True)
class SubPath:
    """`public_url` is how others reach us, where that is configured: its path may be ours."""

    inner: ASGIApp
    forwarding: Forwarding
    public_url: str | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            base = self._base(scope)
            scope.setdefault("state", {})["base"] = base
            if base and is_below(scope["path"], base):
                scope["path"] = scope["path"][len(base) :] or "/"
                scope["raw_path"] = (scope.get("raw_path") or b"")[len(base) :] or b"/"
        await self.inner(scope, receive, send)

    def _base(self, scope: Scope) -> str:
        """What a proxy of ours took off; else the public URL's path, where somebody asks below it, or asks by that
        URL's host and port, whose proxy has then taken it off and not said so."""
        headers, peer = Headers(scope=scope), scope["client"][0] if scope.get("client") else ""
        told = self.forwarding.prefix(peer, {FIELD: ", ".join(headers.getlist(FIELD))})
        public = urlsplit(self.public_url or "")
        if told or not public.path:
            return told
        led = headers.get("host", "").lower() in {public.netloc.lower(), authority(public.geturl())}
        return public.path if led or is_below(scope["path"], public.path) else ""


def is_below(path: str, base: str) -> bool:
    """Whether `base` leads to it."""
    return path == base or path.startswith(f"{base}/")


def base_of(request: Request) -> str:
    """What our paths begin with, as the browser sees them: empty, or a path without a slash at its end."""
    return str(getattr(request.state, "base", ""))
