"""The byte server: HTTP/1.1 with a thread for each connection, for doors through which images move.

Bytes move fastest on blocking threads, and a stalled transfer may hold nothing but its own thread: so there is no pool
to run dry, only a bound on connections. Who comes when it is reached gets the place of the connection that has waited
longest for its next request, and where all are at work an answer (503, Retry-After).
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from lading.errors import StorageFailed
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.connection import Connection
from lading.fronts.http.exchange import Answer, Application, Peer
from lading.fronts.http.hang_ups import HangUps
from lading.fronts.http.limits import DEFAULT_LIMITS, Limits
from lading.fronts.http.occupancy import Occupancy, no_proxy

log = logging.getLogger("lading.http")

_BACKLOG = 1024
_REFUSED_AT_ONCE = 64
_ABORT_SECONDS = 5.0
_PIECE, _SMALL_PIECE = 256 * 1024, 32 * 1024
_FEW = 32
"""So many at once may hold 8 MiB; hundreds of slow clients hold no more than that either."""
_FULL = Answer(503, (("Retry-After", "5"), ("Content-Length", "0")))


class ListenFailed(StorageFailed):
    """An address that cannot be listened on: taken, not ours, or not allowed."""

    code = "listen"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host, self.port, self.reason = host, port, reason

    def __str__(self) -> str:
        return f"cannot listen on {self.host}:{self.port}: {self.reason}"


class ByteServer:
    """Listens and serves while it is entered; leaving stops it after `stop_seconds` at most.

    Owns its threads: one that accepts, one that watches for hang-ups, one for each connection.
    """

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        application: Application,
        limits: Limits = DEFAULT_LIMITS,
        *,
        stop_seconds: float = 10.0,
        certificate: ServerCertificate | None = None,
        is_proxy: Callable[[str], bool] = no_proxy,
    ) -> None:
        """`addresses` are host and port, 0 for any free one; with a certificate all of them speak TLS. `is_proxy` is as
        Occupancy has it."""
        self._wanted, self._application, self._certificate = addresses, application, certificate
        self._limits, self._stop_seconds = limits, stop_seconds
        self._occupancy = Occupancy(limits, is_proxy)
        self._listeners: list[socket.socket] = []
        self._lock = threading.Lock()
        self._threads: dict[Connection, threading.Thread] = {}
        self._idle: dict[Connection, bool] = {}  # in the order in which they became idle; True for all
        self._refused = 0
        self._stopping = False

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """What is listened on, with the ports that were chosen."""
        return [listener.getsockname()[:2] for listener in self._listeners]

    @property
    def stopping(self) -> bool:
        """Whether this answer should be the connection's last."""
        return self._stopping

    @property
    def piece(self) -> int:
        """How many bytes of a body one connection holds in memory: less, where many are at it."""
        return _PIECE if len(self._threads) - len(self._idle) <= _FEW else _SMALL_PIECE

    def __enter__(self) -> Self:
        """Raises ListenFailed."""
        try:
            for host, port in self._wanted:
                self._listeners.append(_listen(host, port))
        except ListenFailed:
            self._close_listeners()
            raise
        self._hang_ups = HangUps()
        self._wake, self._woken = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept_all, name="accept", daemon=True)
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop(self._stop_seconds)

    def stop(self, seconds: float) -> None:
        """No new connections; idle ones end now, requests have `seconds` to finish, then they are cut off."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
        self._wake.close()
        self._accepting.join()
        self._woken.close()
        self._close_listeners()
        with self._lock:
            idle, running = list(self._idle), dict(self._threads)
        for connection in idle:
            connection.wake()
        if not _join(running.values(), seconds):
            for connection in running:
                connection.abort()
            _join(running.values(), _ABORT_SECONDS)
        self._hang_ups.stop()

    def idle(self, connection: Connection) -> bool:
        """No request is on its way; False where the server is stopping and the connection should end.

        Without the lock, which every request would take twice: it counts as idle before it looks, and `stop` says so
        before it looks who is idle, so that one of them sees the other.
        """
        self._idle[connection] = True
        return not self._stopping

    def busy(self, connection: Connection) -> bool:
        """A request has begun: a stopping server lets it finish. False where the connection has lost its place."""
        return self._idle.pop(connection, False)

    def _accept_all(self) -> None:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        by_number = {listener.fileno(): listener for listener in self._listeners}
        for number in by_number:
            poll.register(number, select.POLLIN)
        while not self._stopping:
            for number, _ in poll.poll():
                if number in by_number:
                    self._accept(by_number[number])

    def _accept(self, listener: socket.socket) -> None:
        try:
            accepted, address = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # the client is gone already, or we are out of file numbers: others may end
            log.warning("cannot accept a connection: %s", error.strerror)
            select.select([self._woken], [], [], 0.1)
            return
        peer = Peer(address[0], address[1])
        connection = Connection(
            accepted,
            peer,
            self._application,
            limits=self._limits,
            surroundings=self,
            hang_ups=self._hang_ups,
            certificate=self._certificate,
        )
        self._start(connection, accepted)

    def _start(self, connection: Connection, accepted: socket.socket) -> None:
        address = connection.peer.address
        with self._lock:
            left = None if self._occupancy.has_room(address) else self._longest_idle(address)
            room = left is not None or self._occupancy.has_room(address)
            if not room and self._refused >= _REFUSED_AT_ONCE:
                accepted.close()
                return
            if room:
                self._occupancy.enter(address)
            else:
                self._refused += 1
            thread = threading.Thread(target=self._run, args=[connection, room], name=f"http {address}", daemon=True)
            self._threads[connection] = thread
        if left:
            left.wake()
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread for us now; others will end
            log.warning("cannot serve a connection: %s", error)
            accepted.close()
            self._ended(connection, room)

    def _longest_idle(self, address: str) -> Connection | None:
        """The one whose end would make room for another from `address`; nobody else will end it."""
        same = self._occupancy.is_full(address)
        candidates = [idle for idle in list(self._idle) if not same or idle.peer.address == address]
        return next((idle for idle in candidates if self._idle.pop(idle, False)), None)

    def _run(self, connection: Connection, room: bool) -> None:
        try:
            if room:
                connection.run()
            else:
                connection.refuse(_FULL)
        finally:
            self._ended(connection, room)

    def _ended(self, connection: Connection, room: bool) -> None:
        address = connection.peer.address
        with self._lock:
            del self._threads[connection]
            self._idle.pop(connection, False)
            if not room:
                self._refused -= 1
            else:
                self._occupancy.leave(address)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Raises ListenFailed."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenFailed(host, port, error.strerror or str(error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenFailed(host, port, error.strerror or str(error)) from error
    return listener


def _join(threads: Iterable[threading.Thread], seconds: float) -> bool:
    """Whether all of them have ended within that time."""
    deadline = time.monotonic() + seconds
    waited_for = list(threads)
    for thread in waited_for:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in waited_for)
