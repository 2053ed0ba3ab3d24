"""Wake-ups between processes at one SQLite database: a datagram to every listener, after the commit.

    <data>/wake/<pid>-<n>   the unix socket of one who listens; it goes with its listener, or when somebody finds that
                            nobody listens there any more. The folder is 0700
    a datagram              topics, a NUL between them

A datagram arrives within about a millisecond. One that does not is made up for by looking at `PRAGMA data_version`,
which changes with every commit on another connection: twice a second, and only while somebody listens.
"""

from __future__ import annotations

import itertools
import os
import selectors
import socket
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from lading.backends.database.database_file import connect
from lading.backends.database.failures import DatabaseUnwritable, translating
from lading.services.wakes import TOPIC_BYTES, Woken, spelt, told_safely

LOOK_SECONDS = 0.5
"""How late a lost wake-up is made up for."""

NAME_BYTES = 90
"""What a unix socket's address holds everywhere is a little over a hundred bytes, its name in our folder among them."""

TOPICS = 100
"""Of one datagram. One for each topic would let go of the interpreter as often, and queues hold few of them."""

_numbers = itertools.count(1)


class DatagramWakes:
    """Fulfils services.wakes.Wakes for the database at `path`, which is there."""

    def __init__(self, path: Path) -> None:
        self._path, self._folder = path, path.parent / "wake"

    def tell(self, *topics: str) -> None:
        """To everybody who listens now; one whose queue is full looks anyway."""
        spelt_out = [spelt(topic) for topic in topics]
        said = ["\0".join(spelt_out[at : at + TOPICS]).encode() for at in range(0, len(spelt_out), TOPICS)]
        with suppress(OSError), _short(self._folder) as folder, _datagrams() as sender:
            sender.setblocking(False)
            for name in os.listdir(self._folder):
                self._send(sender, f"{folder}/{name}", said)

    def _send(self, sender: socket.socket, address: str, said: Iterable[bytes]) -> None:
        try:
            for datagram in said:
                sender.sendto(datagram, address)
        except ConnectionRefusedError:  # its process has ended without a word
            with suppress(OSError):
                os.unlink(address)
        except OSError:
            return

    @contextmanager
    def listening(self, woken: Woken) -> Iterator[None]:
        """Raises DatabaseFailed."""
        with translating(self._path):
            connection = connect(self._path)
        with closing(connection), self._bound() as receiver, _ended_with(_Listener(connection, receiver, woken)):
            yield

    @contextmanager
    def _bound(self) -> Iterator[socket.socket]:
        name = f"{os.getpid()}-{next(_numbers)}"
        with _datagrams() as receiver:
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                (self._folder / name).unlink(missing_ok=True)  # of an earlier process with our number
                with _short(self._folder) as folder:
                    receiver.bind(f"{folder}/{name}")
            except OSError as error:
                raise DatabaseUnwritable(self._folder / name, error.strerror or str(error)) from error
            try:
                yield receiver
            finally:
                (self._folder / name).unlink(missing_ok=True)


class _Listener:
    """The thread of one who listens. It ends when `stop` is called."""

    def __init__(self, connection: sqlite3.Connection, receiver: socket.socket, woken: Woken) -> None:
        self._connection, self._receiver, self._woken = connection, receiver, woken
        self._stopping, self._stopped = socket.socketpair()
        self._seen = self._version()
        receiver.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="wakes")
        self._thread.start()

    def stop(self) -> None:
        """Returns when it is not calling any more."""
        self._stopping.close()
        self._thread.join()
        self._stopped.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._receiver, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            look = time.monotonic() + LOOK_SECONDS
            while True:
                ready = {key.fileobj for key, _ in selector.select(max(look - time.monotonic(), 0))}
                if self._stopped in ready:
                    return
                for topic in dict.fromkeys(self._heard()):
                    told_safely(self._woken, topic)
                if time.monotonic() >= look:
                    self._look()
                    look = time.monotonic() + LOOK_SECONDS

    def _heard(self) -> Iterator[str]:
        with suppress(BlockingIOError):
            while True:
                yield from self._receiver.recv(TOPICS * (TOPIC_BYTES + 1)).decode(errors="replace").split("\0")

    def _look(self) -> None:
        version = self._version()
        if version != self._seen:
            self._seen = version
            told_safely(self._woken, None)

    def _version(self) -> int | None:
        """None where it cannot be read now: then there may be news as well."""
        try:
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return None
        return version


@contextmanager
def _ended_with(listener: _Listener) -> Iterator[None]:
    try:
        yield
    finally:
        listener.stop()


def _datagrams() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A name for the folder that leaves room in a unix socket's address: by its descriptor, where its own is long."""
    if len(os.fsencode(folder)) <= NAME_BYTES - 20 or not os.path.isdir("/proc/self/fd"):
        yield str(folder)
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)
