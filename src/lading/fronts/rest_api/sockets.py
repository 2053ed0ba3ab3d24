"""A WebSocket connection on the event loop, with bounds that uvicorn has not: it takes one of the same places as every
other connection, whoever is there says little until it is known, and who does not read is hung up on.

    BoundedConnection ──upgrade──▶ handshake ──▶ open, FIRST_BYTES in all ──known──▶ open, long messages ──▶ over
                                       └ no WebSocket: 400
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from lading.fronts.http.limits import Limits
from lading.fronts.http.occupancy import Occupancy, no_proxy
from lading.fronts.http.open_socket import EXTENSION
from lading.fronts.rest_api.connections import API_LIMITS, BoundedConnection
from lading.fronts.rest_api.timer import Timer
from lading.wire.tunnel_frames import FRAGMENTS_LIMIT
from lading.wire.tunnel_login import LOGIN_LIMIT, CloseCode

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

FIRST_BYTES = LOGIN_LIMIT
"""That may come over the open socket, in all, before its client is known."""

_NONE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_KNOWN = "known"
"""In place of the address of whoever is known: a site with many agents is one address."""


class BoundedSocket(WebSocketsSansIOProtocol):
    """What uvicorn makes of a connection that speaks WebSocket. Fulfils OpenSocket. Its place is the one that its
    connection had; `limits` and `occupancy` are for all of them."""

    limits: ClassVar[Limits] = API_LIMITS
    occupancy: ClassVar[Occupancy] = Occupancy(API_LIMITS, no_proxy)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stall_timer, self._end_timer = Timer(self.loop), Timer(self.loop)
        self._address = str(transport.get_extra_info("peername")[0])
        self._bytes = 0
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stall_timer.stop()
        self._end_timer.stop()
        self.occupancy.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.handshake_complete and self._address != _KNOWN:
            self._bytes += len(data)
            if self._bytes > FIRST_BYTES:
                self._too_big()
                return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()) or _NONE)
            self.transport.close()
        elif len(self.frames) > FRAGMENTS_LIMIT:
            self._too_big()

    def handle_ping(self) -> None:
        """Its answer is dropped where earlier ones have not been read (RFC 6455, 5.5.3: the latest counts)."""
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(pong)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer.start(self.limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stall_timer.stop()
        super().resume_writing()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # by an answer, which is no mistake of ours: uvicorn writes one down

    async def run_asgi(self) -> None:
        self.scope["extensions"][EXTENSION] = cast("dict[object, object]", self)  # the interface's values are open
        await super().run_asgi()
        self._end_timer.start(self.close_timeout + self.limits.drain_seconds, self.transport.abort)

    # ── OpenSocket

    def known(self, longest: int) -> bool:
        """As OpenSocket has it."""
        if self.disconnected:
            return False
        self.conn.max_message_size = longest
        self.occupancy.leave(self._address)
        self._address = _KNOWN
        self.occupancy.enter(self._address)
        return True

    def abort(self) -> None:
        """As OpenSocket has it."""
        self.transport.abort()

    def _too_big(self) -> None:
        if not self.transport.is_closing():
            self.conn.fail(CloseCode.TOO_BIG)
            self.handle_parser_exception()


def bounded_sockets(connections: type[BoundedConnection]) -> type[BoundedSocket]:
    """For those of these connections that become one."""

    class Bounded(BoundedSocket):
        pass

    Bounded.limits, Bounded.occupancy = connections.limits, connections.occupancy
    return Bounded
