"""Noticing clients that went away while we have nothing to write to them.

A half-close is no hang-up: the client may still read (docker's attach does so). What counts is a connection that is
reset or closed on both sides, which `poll` reports without being asked. Only where whoever watches says that the client
has nothing more to say, its half-close counts too: over TCP a client that closes says no more than that, until
something is written to it.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_HALF_CLOSED = getattr(select, "POLLRDHUP", 0)
"""Linux alone knows it; elsewhere poll tells a half-close as a hang-up anyway."""


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """One connection, and what to call when it is gone."""

    gone: Callable[[], None]
    events: int


class HangUps:
    """One thread over all watched connections; it sleeps until one is gone or the set of them changes."""

    def __init__(self) -> None:
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="hang-ups", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(
        self, connection: socket.socket, gone: Callable[[], None], *, half_close: bool = False
    ) -> Iterator[None]:
        """While inside, `gone` is called once, on the watching thread, if the client hangs up; `half_close`: or stops
        sending. One that is watched already is watched so from now on."""
        number = connection.fileno()
        with self._lock:
            self._watched[number] = _Watched(gone, _HALF_CLOSED if half_close else 0)
        self._change()
        try:
            yield
        finally:
            with self._lock:
                self._watched.pop(number, None)
            self._change()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped = True
        self._change()
        self._thread.join()
        self._wake.close()
        self._woken.close()

    def _change(self) -> None:
        with suppress(BlockingIOError):  # so many changes are waiting that the thread will look anyway
            self._wake.send(b"\0")

    def _run(self) -> None:
        while not self._stopped:
            with self._lock:
                watched = dict(self._watched)
            for number in self._events(watched):
                self._tell(number, watched[number])

    def _events(self, watched: dict[int, _Watched]) -> list[int]:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        for number, each in watched.items():
            poll.register(number, each.events)
        numbers = [number for number, _ in poll.poll()]
        if self._woken.fileno() in numbers:
            self._woken.recv(4096)
            numbers.remove(self._woken.fileno())
        return numbers

    def _tell(self, number: int, watched: _Watched) -> None:
        """Unless the number belongs to another connection by now."""
        with self._lock:
            current = self._watched.get(number) is watched
            if current:
                del self._watched[number]
        if current:
            watched.gone()
