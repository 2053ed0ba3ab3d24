"""One connected socket that never blocks longer than it may, and that another thread can wake.

The socket itself is always non-blocking: every wait is a poll with a limit, so silence in either direction is noticed,
an answer is heard while a body is still being sent, and `shut`, called by a cancel from any thread, ends the wait.
"""

from __future__ import annotations

import io
import os
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lading.backends.http.addresses import Address
from lading.errors import NetworkFailed
from lading.wire.message import ConnectionLost, Stalled

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFERED = 64 * 1024
"""Bytes that are read ahead while heads and chunk lengths are parsed; longer reads go straight into their buffer."""


class Channel:
    """A TCP connection to `host`. What arrives is read through `inbox`."""

    kernel_sends = True
    """Whether `send_file` works: the bytes go out as they are."""

    def __init__(self, connected: socket.socket, host: str) -> None:
        self.host = host
        self._socket = connected
        self._wants = 0  # the poll events the last attempt waits for
        self.inbox = Inbox(self)

    @property
    def peer(self) -> Address:
        """Who is at the other end. Raises ConnectionLost."""
        try:
            return Address(self._socket.family, self._socket.getpeername())
        except OSError as error:
            raise self._lost(error) from error

    def try_receive(self, buffer: WriteableBuffer) -> int | None:
        """How many bytes came, 0 at the end, None where none are here yet. Raises ConnectionLost."""
        try:
            return self._socket.recv_into(buffer)
        except BlockingIOError:
            self._wants = select.POLLIN
            return None
        except OSError as error:
            raise self._lost(error) from error

    def try_send(self, rest: memoryview) -> int | None:
        """How many bytes went, None where there is no room. Raises ConnectionLost."""
        return self._try(lambda: self._socket.send(rest))

    def try_send_file(self, number: int, position: int, count: int) -> int | None:
        """How many bytes of an open file the kernel sent, None where there is no room. Raises ConnectionLost."""
        return self._try(lambda: os.sendfile(self._socket.fileno(), number, position, count))

    def _try(self, send: Callable[[], int]) -> int | None:
        try:
            return send()
        except BlockingIOError:
            self._wants = select.POLLOUT
            return None
        except OSError as error:
            raise self._lost(error) from error

    def send_all(self, content: bytes, silence: float) -> None:
        """A head or another short text. Raises ConnectionLost, Stalled."""
        rest = memoryview(content)
        while rest:
            sent = self.try_send(rest)
            if sent is None:
                self.wait(silence)
            else:
                rest = rest[sent:]

    def wait(self, silence: float, *, also: int = 0) -> None:
        """Until the last attempt may go on, or one of the poll events `also` is here.

        Raises Stalled, ConnectionLost.
        """
        if not self._poll(self._wants | also, silence):
            raise Stalled(self.host, silence)

    @property
    def wants(self) -> int:
        """The poll events that the last attempt, which could not go on, waits for."""
        return self._wants

    def wait_beside(self, events: int, other: int, seconds: float) -> None:
        """Until one of the poll events is here, or the file of this number has something to read, or time is over.

        Raises ConnectionLost.
        """
        self._poll(events, seconds, other)

    def is_readable(self) -> bool:
        """Whether something arrived that nobody has read: bytes, or the end."""
        return bool(self._poll(select.POLLIN, 0))

    def is_silent(self) -> bool:
        """Whether it may be used again: nothing that nobody asked for has arrived, not even its end."""
        try:
            return not self.inbox.peek() and not self.inbox.ended
        except NetworkFailed:
            return False

    def _poll(self, events: int, seconds: float, other: int | None = None) -> bool:
        number = self._socket.fileno()
        if number < 0:
            raise ConnectionLost(self.host, "it was closed on this side")
        poll = select.poll()
        poll.register(number, events)
        if other is not None:
            poll.register(other, select.POLLIN)
        return bool(poll.poll(max(seconds, 0) * 1000))

    def _lost(self, error: OSError) -> ConnectionLost:
        return ConnectionLost(self.host, (error.strerror or "it was broken off").lower())

    def shut(self) -> None:
        """Ends every wait on this connection, from any thread; it is not usable afterwards.

        By the plain socket's own method: SSLSocket.shutdown would first forget the encryption, and a thread that is
        just sending would go on in plain text.
        """
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself

    def close(self) -> None:
        """Ends every wait too: closed alone, a socket leaves whoever waits for it waiting. Harmless twice."""
        self.shut()
        self._socket.close()


class Inbox(io.RawIOBase):
    """What arrives on a channel, as the standard library's parser wants to read it: buffered, through `ahead`.

    `ended` says that the other side will send no more, `heard` that something came since the exchange began.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._patient = True
        self._silence = 0.0  # longest wait for the next byte, in seconds
        self._deadline: float | None = None  # end of all waiting, on the monotonic clock
        self._whole_seconds = 0.0
        self.ended = False
        self.heard = False
        self.ahead = _Ahead(self, BUFFERED)

    def begin(self, silence: float) -> None:
        """A new exchange, in which nothing may be silent for longer than these seconds."""
        self._silence, self._deadline, self.heard = silence, None, False

    def expect_within(self, seconds: float) -> None:
        """From now on all waiting together may take this long."""
        self._whole_seconds, self._deadline = seconds, time.monotonic() + seconds

    def expect_any_time(self) -> None:
        """From now on only silence is limited."""
        self._deadline = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """None only while `peek` looks. Raises ConnectionLost, Stalled."""
        while (count := self._channel.try_receive(buffer)) is None:
            if not self._patient:
                return None
            self._wait()
        self.ended = count == 0
        self.heard = self.heard or count > 0
        return count

    def _wait(self) -> None:
        if self._deadline is None:
            self._channel.wait(self._silence)
            return
        try:
            self._channel.wait(self._deadline - time.monotonic())
        except Stalled as stalled:
            raise Stalled(self._channel.host, self._whole_seconds) from stalled

    def peek(self) -> bytes:
        """What has arrived already, without taking it or waiting; empty also at the end (`ended`)."""
        self._patient = False
        try:
            return self.ahead.peek(1)
        finally:
            self._patient = True

    def makefile(self, mode: str) -> io.BufferedReader:
        """What the parser calls on what it takes for a socket: always the one reader, so nothing read ahead is lost."""
        assert mode == "rb"
        return self.ahead


class _Ahead(io.BufferedReader):
    """The parser closes its file after each answer; this one stays for the next."""

    def close(self) -> None:
        """The channel is closed, never this."""
