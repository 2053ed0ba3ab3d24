"""A WebSocket to a server (RFC 6455), over a connection that websocket_dial made.

One thread receives, and moves meanwhile what others send: an encrypted connection serves one thread at a time. A pair
of sockets wakes it when there is something new to send.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI

from lading.backends.http.channel import Channel
from lading.backends.http.refusals import SocketClosed, UpgradeRefused
from lading.wire.message import Cancel, ConnectFailed, ConnectionLost
from lading.wire.shown_text import shown_text
from lading.wire.tunnel_frames import FRAGMENTS_LIMIT
from lading.wire.tunnel_login import CloseCode

log = logging.getLogger("lading.websocket")
log.setLevel(logging.WARNING)  # below that the library writes down what goes over the wire: tokens too

LONGEST = 16 * 1024 * 1024
"""Bytes of one message from the other side."""

ROOM = 1024 * 1024
"""Bytes on their way out beyond which `room` waits."""

MOST_WAITING = 256 * 1024 * 1024
"""Bytes on their way out, and FRAME_COST for each message, beyond which the other side is given up: it has us answer
and reads nothing of it."""

FRAME_COST = 128
"""Bytes that a message takes in memory besides its own."""

MOST_UNSENT = 64
"""Frames that wait for the wire beyond which its pings go unanswered (RFC 6455, 5.5.3: the latest counts)."""

GOODBYE_SECONDS = 2.0
"""How long a close waits for its answer."""

_READ_AT_ONCE = 256 * 1024
_WOKEN = b"\0"


class WebSocket:
    """See fronts.agent.connection.Connection."""

    def __init__(
        self, channel: Channel, uri: WebSocketURI, user_agent: str, *, goodbye_seconds: float, most_waiting: int
    ) -> None:
        self._channel, self._goodbye_seconds, self._most_waiting = channel, goodbye_seconds, most_waiting
        self._protocol = ClientProtocol(uri, max_size=LONGEST, logger=log)
        self._user_agent = user_agent
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._messages: deque[str | bytes] = deque()
        self._parts: list[bytes] = []  # of a message that comes in fragments
        self._is_text = False
        self._leaving: deque[memoryview] = deque()  # of frames, as they go over the wire
        self._buffer = bytearray(_READ_AT_ONCE)
        self._waiting = threading.Condition()
        self._outbox: deque[str | bytes] = deque()
        self._outbox_size = 0
        self._over = self._too_slow = False
        self._called = False

    # ── for any thread

    def send(self, frame: str | bytes) -> None:
        with self._waiting:
            if self._over:
                return
            self._outbox.append(frame)
            self._outbox_size += len(frame) + FRAME_COST
            if self._outbox_size > self._most_waiting:
                self._too_slow = True
                self._end()
        self._nudge()

    def room(self, cancel: Cancel) -> None:
        with cancel.closing(self._look_again), self._waiting:
            while self._outbox_size > ROOM and not self._over:
                cancel.check()
                self._waiting.wait()
        cancel.check()

    def wake(self) -> None:
        self._called = True
        self._nudge()

    def _nudge(self) -> None:
        with suppress(OSError):  # full: it is awake already; closed: nobody sleeps
            self._waker.send(_WOKEN)

    def _look_again(self) -> None:
        with self._waiting:
            self._waiting.notify_all()

    # ── for the one that receives

    def open(self, seconds: float) -> None:
        """The opening handshake. Raises UpgradeRefused, ConnectFailed, ConnectionLost."""
        request = self._protocol.connect()
        request.headers["User-Agent"] = self._user_agent
        self._protocol.send_request(request)
        deadline = time.monotonic() + seconds
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            if time.monotonic() >= deadline:
                raise ConnectFailed(self._channel.host, f"no WebSocket within {seconds:g} s")
            self._move(deadline - time.monotonic(), lambda: self._protocol.state is not State.CONNECTING)
        refused = self._protocol.handshake_exc
        if refused is not None:
            status = refused.response.status_code if isinstance(refused, InvalidStatus) else None
            raise UpgradeRefused(self._channel.host, status) from refused

    def receive(self, seconds: float) -> str | bytes | None:
        if not self._messages:
            self._move(seconds, lambda: bool(self._messages) or self._protocol.state is not State.OPEN)
        if self._messages:
            return self._messages.popleft()
        if self._protocol.state is not State.OPEN:
            self._send()  # the answer to its goodbye
            raise self._reason()
        return None

    def close(self, code: int, reason: str) -> None:
        deadline = time.monotonic() + self._goodbye_seconds
        with suppress(ConnectionLost):
            self._take_outbox(all_of_it=True)
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
            while self._protocol.state is State.CLOSING and time.monotonic() < deadline:
                self._move(deadline - time.monotonic(), lambda: self._protocol.state is State.CLOSED)
        self.drop()

    def drop(self) -> None:
        """Ends it without a word; harmless twice."""
        with self._waiting:
            self._end()
        self._channel.close()
        self._waker.close()
        self._woken.close()

    def _end(self) -> None:
        """Under the lock: nothing goes out any more."""
        self._over = True
        self._outbox.clear()
        self._outbox_size = 0
        self._waiting.notify_all()

    def _move(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Sends what is to be sent and takes what has come, until it is enough, somebody wakes us or time is over.

        Raises ConnectionLost.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._take_outbox()
            events = self._send() | self._take(deadline)
            if self._too_slow:
                raise ConnectionLost(self._channel.host, "it does not read what it asks for")
            left = deadline - time.monotonic()
            if enough() or self._is_done or self._called or left <= 0:
                self._called = False
                return
            self._channel.wait_beside(events, self._woken.fileno(), left)
            with suppress(BlockingIOError):
                self._woken.recv(4096)

    @property
    def _is_done(self) -> bool:
        return self._protocol.state is State.CLOSED or self._protocol.handshake_exc is not None

    def _take_outbox(self, *, all_of_it: bool = False) -> None:
        """A little at a time, so that what waits is counted as waiting."""
        while (all_of_it or len(self._leaving) < 4) and self._protocol.state is State.OPEN:
            with self._waiting:
                if not self._outbox:
                    return
                frame = self._outbox.popleft()
                self._outbox_size -= len(frame) + FRAME_COST
                self._waiting.notify_all()
            if isinstance(frame, str):
                self._protocol.send_text(frame.encode())
            else:
                self._protocol.send_binary(frame)
            self._collect()

    def _collect(self) -> None:
        self._leaving += [memoryview(part) for part in self._protocol.data_to_send() if part]

    def _send(self) -> int:
        """The poll events it waits for."""
        self._collect()
        while self._leaving:
            sent = self._channel.try_send(self._leaving[0])
            if sent is None:
                return self._channel.wants
            if sent == len(self._leaving[0]):
                self._leaving.popleft()
                self._take_outbox()
            else:
                self._leaving[0] = self._leaving[0][sent:]
        return 0

    def _take(self, deadline: float) -> int:
        """The poll events it waits for. What it has to say of its own, and never ends, is left for the next time."""
        while True:
            count = self._channel.try_receive(self._buffer)
            if count is None:
                return self._channel.wants
            if count == 0:
                self._protocol.receive_eof()
            else:
                self._protocol.receive_data(self._buffer[:count])
            self._answer_pings()
            for event in self._protocol.events_received():
                if isinstance(event, Frame):
                    self._heard(event)
            if count == 0:
                return 0
            if self._messages or self._called or time.monotonic() >= deadline:
                return select.POLLIN

    def _answer_pings(self) -> None:
        """The library has written the answers; they are dropped where earlier ones have not been read."""
        answers = self._protocol.data_to_send()
        if len(self._leaving) < MOST_UNSENT or self._protocol.state is not State.OPEN:
            self._leaving += [memoryview(part) for part in answers if part]

    def _heard(self, frame: Frame) -> None:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            if len(self._parts) > FRAGMENTS_LIMIT:
                self._protocol.fail(CloseCode.TOO_BIG, "too many fragments")
            return
        whole = b"".join(self._parts)
        self._parts.clear()
        self._messages.append(whole.decode("utf-8", "replace") if self._is_text else whole)

    def _reason(self) -> ConnectionLost:
        close = self._protocol.close_rcvd
        if close is not None:
            return SocketClosed(self._channel.host, int(close.code), shown_text(close.reason))
        return ConnectionLost(self._channel.host, "it was broken off")
