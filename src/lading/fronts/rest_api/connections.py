"""One client's connection to the event loop, with bounds that uvicorn has not: there are so many and no more, a head
may be neither slow nor long, and who does not read what is sent is hung up on.

    connected ──full──▶ 503 and Retry-After, whatever is asked
        └─────head──▶ request ──answer──▶ kept alive (uvicorn's own bound) ──head──▶ …
        └ head_seconds, LONGEST_HEAD          └ stall_seconds without room for what is written

One path may become a WebSocket, and its connection is a BoundedSocket from then on, which takes over the place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lading.fronts.http.limits import DEFAULT_LIMITS, Limits
from lading.fronts.http.occupancy import Occupancy, no_proxy
from lading.fronts.rest_api.live_bodies import EXTENSION, LiveBody
from lading.fronts.rest_api.timer import Timer
from lading.wire.tunnel_login import CONNECT_PATH

LONGEST_HEAD = 64 * 1024
"""Bytes of a request line and its headers."""

API_LIMITS = replace(DEFAULT_LIMITS, connections=4096, per_address=512)
"""Who follows a job holds a connection, and no thread; an office behind one address has many who do."""

_REFUSED_AT_ONCE = 64
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """What uvicorn makes for each connection; `limits` are for all of them, as are `occupancy`, and the `refused` for
    whom there was no room."""

    limits: ClassVar[Limits] = API_LIMITS
    occupancy: ClassVar[Occupancy] = Occupancy(API_LIMITS, no_proxy)
    refused: ClassVar[set[BoundedConnection]] = set()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self._head_timer, self._stall_timer = Timer(self.loop), Timer(self.loop)
        self._in_head, self._head_bytes, self._asked = True, 0, False
        peer = transport.get_extra_info("peername")
        if peer is None:  # it is gone already
            self.refused.add(self)
            transport.abort()
            return
        self._address = str(peer[0])
        if not self.occupancy.has_room(self._address):
            self._turn_away(transport)
            return
        self.occupancy.enter(self._address)
        super().connection_made(transport)
        self._head_timer.start(self.limits.head_seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer.stop()
        self._stall_timer.stop()
        if self in self.refused:
            self.refused.discard(self)
            return
        self.occupancy.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self in self.refused:
            return
        self._head_bytes += len(data)
        if self._asked and self.cycle.response_complete:
            # uvicorn's own timer ends with the first byte after an answer, and an empty line is no request yet.
            self._head_timer.start(self.limits.head_seconds, self._too_slow)
        super().data_received(data)
        if self._in_head and self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(_TOO_LONG)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_timer.start(self.limits.head_seconds, self._too_slow)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_timer.stop()
        super().on_headers_complete()
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        self._asked = True
        # The application has not seen the scope yet: its task begins in the loop's next turn, or after an earlier one.
        self.cycle.scope["extensions"] = {EXTENSION: {"body": LiveBody(self.cycle)}}

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Not while an earlier request's answer is being written, which would go on in the middle of it."""
        if self._asked and not self.cycle.response_complete:
            self.transport.abort()
            return
        super().handle_websocket_upgrade()

    def _should_upgrade(self) -> bool:
        """Where nobody speaks WebSocket, an offer to do so is passed over (RFC 9110, 7.8)."""
        here = self.url.partition(b"?")[0] == CONNECT_PATH.encode() and self.parser.get_method() == b"GET"
        return here and super()._should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing to warn of: whoever offers it goes on without."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer.start(self.limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stall_timer.stop()
        super().resume_writing()

    def _turn_away(self, transport: asyncio.Transport) -> None:
        """The answer before anything is read. What still comes is passed over for a while: closing at once would reset
        the connection, and the answer would be lost with it."""
        self.refused.add(self)
        if len(self.refused) > _REFUSED_AT_ONCE:
            transport.abort()
            return
        transport.write(_FULL)
        if transport.can_write_eof():
            transport.write_eof()
        self._head_timer.start(self.limits.drain_seconds, transport.abort)

    def _too_slow(self) -> None:
        self._refuse(_TOO_SLOW if self._head_bytes else b"")

    def _refuse(self, answer: bytes) -> None:
        """Not where an earlier request's answer is being written, which this one would be taken for."""
        if self._asked and not self.cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(answer)
        self.transport.close()


def bounded(limits: Limits, is_proxy: Callable[[str], bool]) -> type[BoundedConnection]:
    """The connections of one server; `is_proxy` is as Occupancy has it."""

    class Bounded(BoundedConnection):
        pass

    Bounded.limits, Bounded.occupancy, Bounded.refused = limits, Occupancy(limits, is_proxy), set()
    return Bounded
