"""A process that fetches blobs over HTTP into a content folder, to be killed:

    python -m tests.faults.pulling FOLDER PORT NAME:DIGEST:SIZE…

It says `NAME STATE` when a state begins and `error CLASS` when a blob could not be had; the exit code is then 1.
LADING_TEST_FILE_LIMIT is the largest file it may write, in bytes.
"""

from __future__ import annotations

import http.client
import os
import resource
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import ConnectionLost, Reader
from lading.wire.progress import State
from tests.fakes.blob_server import SOCKET_BUFFER
from tests.fakes.records import MemoryLeases


@dataclass(frozen=True, slots=True)
class HttpContent:
    """A blob of a BlobServer."""

    port: int
    name: str
    size: int

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        return _HttpReader(self, offset, length)


class _HttpReader:
    def __init__(self, content: HttpContent, offset: int, length: int | None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", content.port)
        self._connection.sock = socket.socket()
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        self._connection.sock.connect(("127.0.0.1", content.port))
        end = "" if length is None else str(offset + length - 1)
        headers = {"Range": f"bytes={offset}-{end}"} if offset or end else {}
        self._connection.request("GET", f"/{content.name}", headers=headers)
        self._response = self._connection.getresponse()

    def readinto(self, buffer: memoryview, /) -> int:
        try:
            return self._response.readinto(buffer)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLost("127.0.0.1", str(error)) from error

    def close(self) -> None:
        self._response.close()
        self._connection.close()


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


class Saying:
    """A Track that says each state once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: State | None = None

    def __call__(
        self, state: State, current: int = 0, *, kept: int = 0, detail: str = "", seconds: float | None = None
    ) -> None:
        if state is not self._last:
            say(self._name, state)
        self._last = state


def wanted(arguments: list[str]) -> Iterator[tuple[str, Descriptor]]:
    for argument in arguments:
        name, algorithm, encoded, size = argument.split(":")
        yield name, Descriptor("", Digest.parse(f"{algorithm}:{encoded}"), int(size))


def main(folder: str, port: str, *blobs: str) -> int:
    if limit := os.environ.get("LADING_TEST_FILE_LIMIT"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    store = ContentFolder(Path(folder), MemoryLeases())
    for name, descriptor in wanted(list(blobs)):
        try:
            store.push(descriptor, HttpContent(int(port), name, descriptor.size), Saying(name), Cancellation())
        except LadingError as error:
            say("error", type(error).__name__)
            return 1
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
