"""One client's connection, from its first byte to its end: request after request on one thread.

idle ──first byte──▶ head ──▶ body and answer ──▶ idle …
                       │            │
                       └── refused ─┴─ cannot go on ──▶ half-closed, drained ──▶ closed
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import time
from enum import Enum
from typing import Protocol

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.fronts.http.answering import Answering
from lading.fronts.http.certificate import Protection, is_secure, say_goodbye, shut
from lading.fronts.http.exchange import Answer, Application, IncomingRequest, LetIn, Peer
from lading.fronts.http.guests import Guests
from lading.fronts.http.hang_ups import HangUps
from lading.fronts.http.head import parse_head
from lading.fronts.http.inflow import Inflow
from lading.fronts.http.limits import Limits
from lading.fronts.http.next_head import NextHead
from lading.fronts.http.outflow import Outflow
from lading.fronts.http.request_body import RequestBody
from lading.fronts.http.waiting import Waiting
from lading.wire.http_framing import (
    DRAIN_LIMIT,
    Head,
    RequestFraming,
    RequestRefused,
    answer_framing,
    request_framing,
)
from lading.wire.message import ConnectionLost, Stalled

log = logging.getLogger("lading.http")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DRAIN_SIZE = 64 * 1024
RETRY_SECONDS = "5"
"""When to come again where there is no room now."""


class _Cut(Exception):
    """An answer broke off after it had begun: closing the connection is all that is left to say."""

    def __init__(self, minor_version: int) -> None:
        super().__init__(minor_version)
        self.minor_version = minor_version


class _Next(Enum):
    """What follows an exchange. Lingering lets the client read an answer while it still sends; where it has sent all it
    had to, the end is told in TLS too."""

    REQUEST = "request"
    FINISH = "finish"
    LINGER = "linger"
    CLOSE = "close"


class Surroundings(Protocol):
    """What a connection asks of its server."""

    @property
    def stopping(self) -> bool:
        """Whether this answer should be the connection's last."""

    @property
    def piece(self) -> int:
        """How many bytes of a body one connection holds in memory."""

    @property
    def guests(self) -> Guests:
        """For whom requests are at work."""

    def idle(self, connection: Connection) -> bool:
        """No request is on its way; False where the server is stopping and the connection should end."""

    def busy(self, connection: Connection) -> bool:
        """A request has begun: a stopping server lets it finish. False where the connection has lost its place."""

    def unserved(self, connection: Connection) -> None:
        """Nothing is done on it: a request is on its way already, or none will come."""

    def served(self, connection: Connection) -> bool:
        """A request is at work. False where the connection has lost its place."""


class Connection:
    """Owns its socket; `run` returns when it is closed."""

    def __init__(
        self,
        connection: socket.socket,
        peer: Peer,
        application: Application,
        *,
        limits: Limits,
        surroundings: Surroundings,
        hang_ups: HangUps,
        certificate: Protection | None = None,
        watches_work: bool = False,
        half_close_leaves: bool = False,
    ) -> None:
        self.peer, self._application = peer, application
        self._watches_work, self._half_close_leaves = watches_work, half_close_leaves
        self._certificate = certificate
        self._limits, self._surroundings, self._hang_ups = limits, surroundings, hang_ups
        self._cancellation = Cancellation()
        self._first = True
        self._use(connection)

    def run(self) -> None:
        """Serve until either side has had enough."""
        try:
            if self._socket.family != socket.AF_UNIX:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            next_step = self._secure()
            while next_step is _Next.REQUEST:
                next_step = self._exchange()
            if next_step is _Next.FINISH:
                say_goodbye(self._socket)
            if next_step is not _Next.CLOSE:
                self._linger()
        except _Cut as cut:
            self._reset_if(cut.minor_version == 0)
        except (ConnectionLost, Stalled, Cancelled, OSError) as error:
            log.debug("%s: %s", self.peer, error)
        finally:
            self._socket.close()

    def refuse(self, answer: Answer) -> None:
        """Give this answer to whatever the client asks, in TLS where there is TLS, and close."""
        try:
            if self._secure() is _Next.REQUEST:
                self._give_up(answer)
            self._drain()
        except (ConnectionLost, Stalled, OSError) as error:
            log.debug("%s: %s", self.peer, error)
        finally:
            self._socket.close()

    def wake(self) -> None:
        """End the wait for a next request; from any thread."""
        with contextlib.suppress(OSError):
            shut(self._socket, socket.SHUT_RD)

    def abort(self) -> None:
        """Stop whatever is going on; from any thread."""
        self._cancellation.cancel()
        with contextlib.suppress(OSError):
            shut(self._socket, socket.SHUT_RDWR)

    def _secure(self) -> _Next:
        """The handshake, where there is TLS: in the connection's own thread, so that it holds nobody else up."""
        if self._certificate is None:
            return _Next.REQUEST
        try:
            secured, self.peer = self._certificate.accept(
                self._socket, self.peer, self._limits.head_seconds, self._wrapped
            )
        except RequestRefused as refused:
            self._use(self._socket)  # as it was before the attempt, which had its own time-out
            self._give_up(_refusal(refused))
            return _Next.LINGER
        self._use(secured)
        return _Next.REQUEST

    def _wrapped(self, connection: socket.socket) -> None:
        """TLS has taken the socket over: this is what can be aborted during the handshake. Who aborted in between shut
        one that was nobody's any more."""
        self._socket = connection
        if self._cancellation.cancelled:
            self.abort()

    def _use(self, connection: socket.socket) -> None:
        """From now on everything comes and goes here."""
        self._socket, waiting = connection, Waiting(connection)
        self._inflow = Inflow(connection, self.peer, waiting)
        self._outflow = Outflow(connection, self.peer, waiting, self._limits)
        self._next = NextHead(self._inflow, self.peer)

    def _exchange(self) -> _Next:
        """One request and its answer."""
        try:
            raw = self._next_head()
            if raw is None:
                return _Next.CLOSE
            head = parse_head(raw)
            framing = request_framing(head)
        except RequestRefused as refused:
            self._give_up(_refusal(refused))
            return _Next.LINGER
        return self._serve(head, framing) if self._surroundings.served(self) else _Next.CLOSE

    def _next_head(self) -> bytes | None:
        """None where the client has nothing more to ask. Raises RequestRefused (408, 414, 431)."""
        return self._next.read(self._limits.head_seconds) if self._begin() else None

    def _begin(self) -> bool:
        """Wait for the first byte of a head, which may have come with the last request (pipelining)."""
        seconds = self._limits.head_seconds if self._first else self._limits.idle_seconds
        self._first = False
        if self._inflow.held:
            self._surroundings.unserved(self)
            return True
        if not self._surroundings.idle(self):
            return False
        try:
            arrived = self._inflow.fill(seconds)
        except Stalled:
            return False
        return self._surroundings.busy(self) and arrived > 0

    def _serve(self, head: Head, framing: RequestFraming) -> _Next:
        body = RequestBody(self._inflow, framing, self.peer, self._limits, self._send_continue)
        answering = Answering(self._outflow, self._surroundings.piece)
        try:
            with (
                self._watched(needed=self._watches_work, half_close=self._half_close_leaves),
                contextlib.closing(self._surroundings.guests.visit(self.peer.address)) as visit,
            ):
                answer = self._application(self._request(head, body, visit.let_in))
                return self._answer(answering, head, framing, body, answer)
        except (ConnectionLost, Stalled, Cancelled):
            raise
        except RequestRefused as refused:
            failure = _refusal(refused)
        except Exception:
            log.exception("%s %s", head.method, head.target.partition("?")[0])
            failure = Answer(500, (("Content-Length", "0"),))
        if answering.begun:
            raise _Cut(head.minor_version)
        self._answer(answering, head, framing, body, failure)
        return _Next.LINGER

    def _request(self, head: Head, body: RequestBody, let_in: LetIn) -> IncomingRequest:
        path, _, query = head.target.partition("?")
        headers = {name: values[0] if len(values) == 1 else ", ".join(values) for name, values in head.by_name.items()}
        secure = is_secure(self._socket)
        return IncomingRequest(head.method, path, query, headers, body, self.peer, self._cancellation, secure, let_in)

    def _answer(
        self, answering: Answering, head: Head, framing: RequestFraming, body: RequestBody, answer: Answer
    ) -> _Next:
        keep_alive = framing.keep_alive and not self._surroundings.stopping
        with contextlib.closing(answer):
            outgoing = answer_framing(head, answer.status, answer.headers, body_read=body.ended, keep_alive=keep_alive)
            made = not self._watches_work and not isinstance(answer.content, (tuple, list))
            with self._watched(needed=made or answer.ends_with_input, half_close=answer.ends_with_input):
                answering.send(answer, outgoing)
        if outgoing.keep_alive:
            return _Next.REQUEST
        return _Next.FINISH if body.ended else _Next.LINGER

    def _watched(self, *, needed: bool, half_close: bool = False) -> contextlib.AbstractContextManager[None]:
        """A body that is made while it is sent may wait long for its next piece, and the client may go meanwhile."""
        if not needed:
            return contextlib.nullcontext()
        return self._hang_ups.watching(self._socket, self._cancellation.cancel, half_close=half_close)

    def _reset_if(self, needed: bool) -> None:
        """For an HTTP/1.0 client the connection's end is the body's: only a reset shows that the body is not whole."""
        if needed:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _send_continue(self) -> None:
        self._outflow.send(_CONTINUE)

    def _give_up(self, answer: Answer) -> None:
        """Answer something that was not understood far enough to have a framing."""
        head = Head("GET", "/", 1, ())
        framing = answer_framing(head, answer.status, answer.headers, body_read=False, keep_alive=False)
        Answering(self._outflow, self._surroundings.piece).send(answer, framing)

    def _linger(self) -> None:
        """Nothing more is done here, so that another may have the place."""
        self._surroundings.unserved(self)
        self._drain()

    def _drain(self) -> None:
        """Half-close, then read what the client still sends, within bounds, so that it can read our last answer."""
        shut(self._socket, socket.SHUT_WR)
        deadline = time.monotonic() + self._limits.drain_seconds
        buffer, drained = memoryview(bytearray(_DRAIN_SIZE)), 0
        while drained < DRAIN_LIMIT and (left := deadline - time.monotonic()) > 0:
            count = self._inflow.receive_into(buffer, left)
            if not count:
                return
            drained += count


def _refusal(refused: RequestRefused) -> Answer:
    text = f"{refused}\n".encode()
    later = (("Retry-After", RETRY_SECONDS),) if refused.status == 503 else ()
    fields = (("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text))), *later)
    return Answer(refused.status, fields, (text,))
