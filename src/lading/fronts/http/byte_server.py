"""The byte server: HTTP/1.1 with a thread for each connection, for doors through which images move.

Bytes move fastest on blocking threads, and a stalled transfer may hold nothing but its own thread: so there is no pool
to run dry, only a bound on connections. Who comes when it is reached gets the place of the connection that has waited
longest for its next request, or takes long to say what it wants; where all are at work, it gets an answer (503,
Retry-After).
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

from lading.fronts.http.certificate import Protection
from lading.fronts.http.connection import RETRY_SECONDS, Connection
from lading.fronts.http.exchange import Answer, Application, Peer
from lading.fronts.http.guests import Guests
from lading.fronts.http.hang_ups import HangUps
from lading.fronts.http.limits import DEFAULT_LIMITS, Limits
from lading.fronts.http.listening import Address, Listener, ListenFailed, listen
from lading.fronts.http.occupancy import Occupancy, no_proxy
from lading.fronts.http.peer_credentials import credentials
from lading.fronts.http.spare_places import SparePlaces

log = logging.getLogger("lading.http")

_REFUSED_AT_ONCE = 64
_ABORT_SECONDS = 5.0
_PIECE, _SMALL_PIECE = 256 * 1024, 32 * 1024
_FEW = 32
"""So many at once may hold 8 MiB; hundreds of slow clients hold no more than that either."""
_FULL = Answer(503, (("Retry-After", RETRY_SECONDS), ("Content-Length", "0")))


class ByteServer:
    """Listens and serves while it is entered; leaving stops it after `stop_seconds` at most.

    Owns its threads: one that accepts, one that watches for hang-ups, one for each connection.
    """

    def __init__(
        self,
        addresses: Sequence[Address | socket.socket],
        application: Application,
        limits: Limits = DEFAULT_LIMITS,
        *,
        stop_seconds: float = 10.0,
        certificate: Protection | None = None,
        is_proxy: Callable[[str], bool] = no_proxy,
        group: int | None = None,
        watches_work: bool = False,
        half_close_leaves: bool = False,
    ) -> None:
        """`addresses` are host and port, 0 for any free one, or the path of a unix socket, which `group` may use beside
        its owner, or a socket that listens already; with a certificate all speak TLS. `is_proxy` is as Occupancy
        has it. `watches_work`: who hangs up is noticed while the application works too, not only while it is answered
        piece by piece; `half_close_leaves`: no client here stops sending and still waits for its answer, so who does
        has hung up."""
        self._wanted, self._application, self._certificate = addresses, application, certificate
        self._group = group
        self._watches_work, self._half_close_leaves = watches_work, half_close_leaves
        self._limits, self._stop_seconds = limits, stop_seconds
        self._occupancy, self._guests = Occupancy(limits, is_proxy), Guests(limits, is_proxy)
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._threads: dict[Connection, threading.Thread] = {}
        self._spare: SparePlaces[Connection] = SparePlaces(limits.patience_seconds, time.monotonic)
        self._refused = 0
        self._stopping = False

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """What is listened on beside unix sockets, with the ports that were chosen."""
        sockets = [listener.socket for listener in self._listeners]
        return [each.getsockname()[:2] for each in sockets if each.family != socket.AF_UNIX]

    @property
    def stopping(self) -> bool:
        """Whether this answer should be the connection's last."""
        return self._stopping

    @property
    def piece(self) -> int:
        """How many bytes of a body one connection holds in memory: less, where many are at it."""
        return _PIECE if len(self._threads) - len(self._spare) <= _FEW else _SMALL_PIECE

    @property
    def guests(self) -> Guests:
        """For whom requests are at work."""
        return self._guests

    def __enter__(self) -> Self:
        """Raises ListenFailed."""
        try:
            for address in self._wanted:
                if isinstance(address, socket.socket):
                    self._listeners.append(Listener(address))
                else:
                    self._listeners.append(listen(address, self._group))
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
            idle, running = self._spare.idle, dict(self._threads)
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
        self._spare.rests(connection)
        return not self._stopping

    def busy(self, connection: Connection) -> bool:
        """A request has begun: a stopping server lets it finish. False where the connection has lost its place."""
        return self._spare.stirs(connection)

    def unserved(self, connection: Connection) -> None:
        """Nothing is done on it: a request is on its way already, or none will come."""
        self._spare.arrives(connection)

    def served(self, connection: Connection) -> bool:
        """A request is at work. False where the connection has lost its place."""
        return self._spare.is_served(connection)

    def _accept_all(self) -> None:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        by_number = {listener.socket.fileno(): listener.socket for listener in self._listeners}
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
        try:
            local = accepted.family == socket.AF_UNIX
            peer = Peer.local(*credentials(accepted)) if local else Peer(address[0], address[1])
        except OSError as error:  # whoever it was is gone already
            log.debug("cannot tell who connected: %s", error.strerror)
            accepted.close()
            return
        connection = Connection(
            accepted,
            peer,
            self._application,
            limits=self._limits,
            surroundings=self,
            hang_ups=self._hang_ups,
            certificate=self._certificate,
            watches_work=self._watches_work,
            half_close_leaves=self._half_close_leaves,
        )
        self._start(connection, accepted)

    def _start(self, connection: Connection, accepted: socket.socket) -> None:
        address = connection.peer.address
        with self._lock:
            room = self._occupancy.has_room(address) or self._make_room(address)
            if not room and self._refused >= _REFUSED_AT_ONCE:
                accepted.close()
                return
            if room:
                self._occupancy.enter(address)
                self._spare.arrives(connection)
            else:
                self._refused += 1
            thread = threading.Thread(target=self._run, args=[connection, room], name=f"http {address}", daemon=True)
            self._threads[connection] = thread
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread for us now; others will end
            log.warning("cannot serve a connection: %s", error)
            accepted.close()
            self._ended(connection, room)

    def _make_room(self, address: str) -> bool:
        """Whether the end of another connection makes room for one from `address`."""
        same = self._occupancy.is_full(address)

        def fits(connection: Connection) -> bool:
            return not same or connection.peer.address == address

        if idle := self._spare.take_idle(fits):
            idle.wake()
        elif slow := self._spare.take_unserved(fits):
            slow.abort()
        else:
            return False
        return True

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
            self._spare.ends(connection)
            if not room:
                self._refused -= 1
            else:
                self._occupancy.leave(address)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()


def stop_together(servers: Iterable[ByteServer], seconds: float) -> None:
    """`stop` of each, at the same time, so that all have the same `seconds`."""
    threads = [threading.Thread(target=server.stop, args=[seconds], name="stop") for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _join(threads: Iterable[threading.Thread], seconds: float) -> bool:
    """Whether all of them have ended within that time."""
    deadline = time.monotonic() + seconds
    waited_for = list(threads)
    for thread in waited_for:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in waited_for)
