"""The way to one environment's engine, whichever agent holds its line: the Transport of this room."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

from lading.backends.edge_hub.answer import Answer
from lading.backends.edge_hub.buffer import MEMORY, Buffer
from lading.backends.edge_hub.exchange import READ_AT_ONCE, Asked, Exchange
from lading.backends.edge_hub.failures import AgentAnswerTooLong, AgentTooSlow
from lading.backends.edge_hub.ours import OurExchange
from lading.backends.edge_hub.plain import PlainExchange, whole_body
from lading.backends.edge_hub.seat import Seat
from lading.backends.edge_hub.session import Session
from lading.backends.edge_hub.spill import Spill
from lading.backends.edge_hub.stock import StockStream
from lading.wire.message import BODY_LIMIT, Cancel, ConnectionLost, Request, Response
from lading.wire.tunnel_flow import WINDOW

WHOLE_SECONDS = 120.0
"""How long an answer that is held in memory may take from its head to its end: whoever waits for it has a thread, of
which there are so many, and a host that sends a byte now and then is never silent."""


def _uncounted(_count: int) -> None:
    """Nobody counts."""


class EdgeTransport:
    """Fulfils Transport; only path and query of a URL count. Thread-safe."""

    def __init__(
        self,
        seat: Seat,
        spill: Spill,
        buffer_bytes: int,
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._seat, self._spill, self._buffer_bytes = seat, spill, buffer_bytes
        self._monotonic, self._new_id = monotonic, new_id

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = _uncounted) -> Response:
        """See Transport. Raises AgentAway where no agent is here, AgentCannot, AgentAnswerTooLong, AgentTooSlow; what
        is read of a stream raises AgentStreamTooFar, BufferBehind, BufferFull and BufferUnusable besides."""
        cancel.check()
        session = self._seat.here()
        exchange = self._exchange(request, session, cancel, passed)
        stream = AgentStream(exchange, self._seat, request.stall_seconds, cancel)
        try:
            self._seat.open(exchange, session)
            exchange.send_body(cancel, passed)
            head = exchange.answer.await_head(request.answer_seconds, cancel)
            if request.streamed and 200 <= head.status < 300:
                return Response(head.status, head.headers, stream=stream)
            body = _read_whole(stream, self._monotonic, refused=head.status >= 400)
        except BaseException:
            stream.close()
            cancel.check()
            raise
        stream.close()
        return Response(head.status, head.headers, body)

    def _exchange(self, request: Request, session: Session, cancel: Cancel, passed: Callable[[int], None]) -> Exchange:
        asked = Asked(self._new_id(), request, _path(request.url))
        if session.ours:
            return OurExchange(asked, self._answer(asked, WINDOW, memory=WINDOW))
        body = whole_body(request, session.hello, cancel, passed)
        if request.streamed and body is None:
            return StockStream(asked, self._answer(asked, self._buffer_bytes, memory=MEMORY))
        return PlainExchange(asked, body, self._answer(asked, BODY_LIMIT, memory=BODY_LIMIT), self._monotonic)

    def _answer(self, asked: Asked, limit: int, *, memory: int) -> Answer:
        buffer = Buffer(limit, self._spill, partial(self._seat.broke, asked.id), memory=memory)
        return Answer(buffer, self._monotonic)


class AgentStream:
    """The answer's body as a Reader, which may be silent for `silence` seconds; where it is closed before its end, the
    agent is told to stop."""

    def __init__(self, exchange: Exchange, seat: Seat, silence: float, cancel: Cancel) -> None:
        self._exchange, self._seat, self._cancel = exchange, seat, cancel
        self._silence = silence
        self._open = True
        self._waking = ExitStack()
        self._waking.enter_context(cancel.closing(exchange.answer.wake))

    def readinto(self, buffer: memoryview, /) -> int:
        """What is there, at least one byte; 0 is the end. Raises as `EdgeTransport.send`."""
        if not self._open:
            return 0
        try:
            self._cancel.check()
            count = self._exchange.answer.read(buffer, self._silence, self._cancel)
        except BaseException:
            self.close()
            self._cancel.check()
            raise
        self._exchange.handed_on(count)
        return count

    def close(self) -> None:
        """See Reader."""
        if self._open:
            self._open = False
            self._waking.close()
            self._seat.abandon(self._exchange)
            self._exchange.answer.close()


def _read_whole(stream: AgentStream, monotonic: Callable[[], float], *, refused: bool) -> bytes:
    """The text of a refusal is a courtesy: cut short, the status still stands. Raises AgentAnswerTooLong,
    AgentTooSlow."""
    whole, buffer = bytearray(), memoryview(bytearray(READ_AT_ONCE))
    deadline = monotonic() + WHOLE_SECONDS
    try:
        while count := stream.readinto(buffer):
            whole += buffer[:count]
            if len(whole) > BODY_LIMIT:
                raise AgentAnswerTooLong(BODY_LIMIT)
            if monotonic() >= deadline:
                raise AgentTooSlow(WHOLE_SECONDS)
    except (ConnectionLost, AgentTooSlow):
        if not refused:
            raise
    return bytes(whole)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
