"""What a PUT costs at least in user space: each byte received, written and hashed once, by blocking threads.

No HTTP, no database, nothing made durable, and the sender in the same process: no server that checks what it keeps can
be faster on this machine by much.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.registry_client import Blob

_PIECE = 1024 * 1024


def floor_put(folder: Path, blobs: Sequence[Blob]) -> float:
    """All at once, over loopback into new files of the folder; the seconds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        senders = [threading.Thread(target=_send, args=[listener.getsockname(), blob]) for blob in blobs]
        began = time.perf_counter()
        for sender in senders:
            sender.start()
        takers = []
        for number, blob in enumerate(blobs):
            arguments = [listener.accept()[0], folder / f"floor{number}", blob.size]
            takers.append(threading.Thread(target=_take, args=arguments))
            takers[-1].start()
        for thread in (*takers, *senders):
            thread.join()
        seconds = time.perf_counter() - began
    for number in range(len(blobs)):
        (folder / f"floor{number}").unlink()
    return seconds


def _send(address: tuple[str, int], blob: Blob) -> None:
    with socket.create_connection(address) as connection, blob.path.open("rb") as file:
        sent = 0
        while sent < blob.size:
            sent += os.sendfile(connection.fileno(), file.fileno(), sent, blob.size - sent)
        assert connection.recv(1) == b"."


def _take(connection: socket.socket, path: Path, size: int) -> None:
    taken, running, room = 0, hashlib.sha256(), memoryview(bytearray(_PIECE))
    with closing(connection), path.open("wb", buffering=0) as file:
        while taken < size:
            count = connection.recv_into(room[: size - taken])
            assert count
            file.write(room[:count])
            running.update(room[:count])
            taken += count
        connection.sendall(b".")
