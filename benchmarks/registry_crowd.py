"""Many slow clients at one registry, and how soon somebody in a hurry is answered beside them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.registry_client import Blob, Served
from benchmarks.service_memory import watched_memory

READERS, SENDERS = 200, 50
RATE = 10 * 1024
"""Bytes a second of each."""
SAMPLES = 1000
PAUSE_SECONDS = 0.01
_TURNS = 10
"""Of a second: each client gets its share in so many pieces."""


@dataclass(frozen=True, slots=True)
class Crowded:
    """Milliseconds of a manifest's GET: the median, 99 of 100, the longest; alone and beside the crowd. MiB of the
    server: before, and at most."""

    alone: tuple[float, float, float]
    beside: tuple[float, float, float]
    before: float
    most: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many there are, and how often the one in a hurry asks."""

    readers: int = READERS
    senders: int = SENDERS
    samples: int = SAMPLES


def run_crowd(registry: Served, process: int, repository: str, large: Blob, crowd: Crowd) -> Crowded:
    """Of this server process; the repository holds the blob, and an image tagged `1`."""
    path = f"/v2/{repository}/manifests/1"
    with watched_memory([process]) as memory:
        alone = _answers(registry, path, crowd.samples)
        before = memory.now()
        with _trickling(registry, repository, large, crowd):
            beside = _answers(registry, path, crowd.samples)
    return Crowded(alone, beside, before, memory.peak)


def _answers(registry: Served, path: str, samples: int) -> tuple[float, float, float]:
    seconds = []
    with closing(registry.connection()) as connection:
        for _ in range(samples):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": registry.authorization})
            answer = connection.getresponse()
            told = answer.read()
            seconds.append(time.perf_counter() - began)
            assert answer.status == 200, told
            time.sleep(PAUSE_SECONDS)  # the pace at which somebody asks
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000, max(seconds) * 1000


@contextmanager
def _trickling(registry: Served, repository: str, large: Blob, crowd: Crowd) -> Iterator[None]:
    """All of them at it, one thread here moving a little of each in turn."""
    with ExitStack() as stack:
        readers = [stack.enter_context(_reader(registry, repository, large)) for _ in range(crowd.readers)]
        senders = [stack.enter_context(_sender(registry, repository, large)) for _ in range(crowd.senders)]
        over = threading.Event()
        thread = threading.Thread(target=_trickle, args=[readers, senders, over])
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _trickle(readers: Sequence[socket.socket], senders: Sequence[socket.socket], over: threading.Event) -> None:
    piece, room = bytes(RATE // _TURNS), bytearray(RATE // _TURNS)
    while not over.wait(1 / _TURNS):
        for reader in readers:
            assert reader.recv_into(room)
        for sender in senders:
            sender.sendall(piece)


@contextmanager
def _reader(registry: Served, repository: str, large: Blob) -> Iterator[socket.socket]:
    head = f"GET /v2/{repository}/blobs/{large.digest} HTTP/1.1\r\n"
    with _connected(registry) as connection:
        connection.sendall(f"{head}{_fields(registry)}\r\n".encode())
        yield connection


@contextmanager
def _sender(registry: Served, repository: str, large: Blob) -> Iterator[socket.socket]:
    with closing(registry.connection()) as asking:
        asking.request("POST", f"/v2/{repository}/blobs/uploads/", headers={"Authorization": registry.authorization})
        answer = asking.getresponse()
        answer.read()
        location = answer.getheader("Location") or ""
    with _connected(registry) as connection:
        head = f"PATCH {location} HTTP/1.1\r\nContent-Length: {large.size}\r\n"
        connection.sendall(f"{head}{_fields(registry)}\r\n".encode())
        yield connection


@contextmanager
def _connected(registry: Served) -> Iterator[socket.socket]:
    host, _, port = registry.host.rpartition(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)  # what is on its way is not taken yet
        connection.connect((host, int(port)))
        yield connection


def _fields(registry: Served) -> str:
    return f"Host: {registry.host}\r\nAuthorization: {registry.authorization}\r\n"
