"""Where agents come in: a WebSocket at one path, a login in its first frame, and from then on the hub's line.

    upgrade ──not for us, or from another site's page──▶ an HTTP answer
       └─▶ open ──hello──▶ login ──▶ attached: every message goes to the hub, until the socket is gone
              └ too late, too much      └ refused: the sentence, then closed

Pure ASGI, in front of whatever else answers there.
"""

from __future__ import annotations

import json
import uuid
from concurrent.futures import Executor
from dataclasses import dataclass

from lading.fronts.edge_api.asgi import Asgi, Receive, Scope, Send
from lading.fronts.edge_api.conversation import Conversation, Logins, Visitor
from lading.fronts.edge_api.limits import DEFAULT_LIMITS, EdgeLimits
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.led_here import LedHere, led_here
from lading.fronts.http.open_socket import EXTENSION, OpenSocket
from lading.fronts.http.ours import OurNames
from lading.services.hub.hub import Attach
from lading.wire.tunnel_login import CONNECT_PATH


@dataclass(frozen=True, slots=True)
class EdgeDoor:
    """`inner` answers everything but an agent's WebSocket. `threads` are for logins, which ask the database."""

    inner: Asgi
    agents: Logins
    attach: Attach
    names: OurNames
    forwarding: Forwarding
    threads: Executor
    limits: EdgeLimits = DEFAULT_LIMITS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or scope["path"] != CONNECT_PATH:
            await self.inner(scope, receive, send)
            return
        await receive()  # websocket.connect
        headers = _Headers(scope["headers"])
        refused = led_here(self.names, headers.all("host"), headers.all("origin"))
        if refused is not None:
            await _answer(refused, send)
            return
        visitor = self._visitor(scope, headers)
        await send({"type": "websocket.accept", "headers": [(b"x-request-id", visitor.request.encode())]})
        connection: OpenSocket = scope["extensions"][EXTENSION]
        conversation = Conversation(self.agents, self.attach, self.threads, self.limits, visitor, connection)
        await conversation.run(receive, send)

    def _visitor(self, scope: Scope, headers: _Headers) -> Visitor:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = ", ".join(headers.all("x-forwarded-for")) or None
        return Visitor(self.forwarding.client(peer, forwarded), str(uuid.uuid4()))


class _Headers:
    """Of a request, as ASGI gives them: names in lower case, each as often as it was sent."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def all(self, name: str) -> list[str]:
        return [value.decode("latin-1") for each, value in self._raw if each.decode("latin-1").lower() == name]


async def _answer(refused: LedHere, send: Send) -> None:
    """Instead of a WebSocket (ASGI, websocket.http.response)."""
    body = json.dumps(refused.body).encode()
    headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
