"""Addresses to a connected socket: the next address is tried a moment after the last, and the first to answer wins
(RFC 8305), so that a dead IPv6 route costs 250 ms and not the whole time."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Sequence

from lading.backends.http.addresses import Address
from lading.wire.message import Cancel, ConnectFailed

HEAD_START_SECONDS = 0.25
"""How long an address is alone before the next one is tried (RFC 8305, section 5)."""

_LOOK_SECONDS = 0.1  # how often a cancel is looked for: not every system wakes a connecting socket by shutting it down


def dial(host: str, addresses: Sequence[Address], seconds: float, cancel: Cancel) -> socket.socket:
    """A connected, non-blocking socket. Raises ConnectFailed, Cancelled."""
    race = _Race(host, addresses)
    try:
        winner = race.run(time.monotonic() + seconds, cancel)
    finally:
        race.close()
    if winner is None:
        raise ConnectFailed(host, race.reason(seconds))
    winner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    winner.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return winner


def dial_socket(path: str, seconds: float, cancel: Cancel) -> socket.socket:
    """A connected, non-blocking unix socket. Raises ConnectFailed, Cancelled."""
    starting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        starting.setblocking(False)
        _connect_socket(starting, path, time.monotonic() + seconds, cancel)
    except OSError as error:
        starting.close()
        raise ConnectFailed(path, (error.strerror or "its path is too long for a socket").lower()) from error
    except BaseException:
        starting.close()
        raise
    return starting


def _connect_socket(starting: socket.socket, path: str, deadline: float, cancel: Cancel) -> None:
    """While more knock than the other side lets in, the kernel says so at once and nothing wakes whoever waits."""
    while True:
        cancel.check()
        try:
            starting.connect(path)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            cancel.wait(_LOOK_SECONDS)
        else:
            return


class _Race:
    """Sockets on their way; all but the winner are closed at the end."""

    def __init__(self, host: str, addresses: Sequence[Address]) -> None:
        self._host = host
        self._waiting = list(addresses)
        self._running: dict[int, socket.socket] = {}
        self._fault: int | None = None

    def run(self, deadline: float, cancel: Cancel) -> socket.socket | None:
        next_start = 0.0
        while self._waiting or self._running:
            cancel.check()
            now = time.monotonic()
            if now >= deadline:
                self._fault = None
                return None
            if self._waiting and (now >= next_start or not self._running):
                self._start(self._waiting.pop(0))
                next_start = now + HEAD_START_SECONDS
            winner = self._look(min(_LOOK_SECONDS, max(deadline - now, 0)))
            if winner is not None:
                return winner
        return None

    def _start(self, address: Address) -> None:
        try:
            starting = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:  # a family this kernel does not have
            self._fault = error.errno
            return
        starting.setblocking(False)
        fault = starting.connect_ex(address.place)
        if fault in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:
            self._running[starting.fileno()] = starting
        else:
            self._fault = fault
            starting.close()

    def _look(self, seconds: float) -> socket.socket | None:
        poll = select.poll()
        for number in self._running:
            poll.register(number, select.POLLOUT)
        for number, _ in poll.poll(seconds * 1000) if self._running else ():
            candidate = self._running.pop(number)
            fault = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if fault == 0:
                return candidate
            self._fault = fault
            candidate.close()
        return None

    def reason(self, seconds: float) -> str:
        return f"no answer within {seconds:g} s" if self._fault is None else os.strerror(self._fault).lower()

    def close(self) -> None:
        for loser in self._running.values():
            loser.close()
        self._running.clear()
