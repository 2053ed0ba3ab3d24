"""The same small client for every registry: blobs up and down over one connection each, several at once.

It does as little as a client can: the kernel moves the bytes (sendfile), nothing is hashed and nothing kept, so that
what is measured is the server.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
_BUFFER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """A file and its digest."""

    path: Path
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Served:
    """A registry that is up, and the token it takes for everything."""

    name: str
    host: str
    token: str

    @property
    def authorization(self) -> str:
        """The field's value."""
        return f"Bearer {self.token}"

    def connection(self) -> http.client.HTTPConnection:
        """A new one."""
        host, _, port = self.host.rpartition(":")
        return http.client.HTTPConnection(host, int(port), timeout=300)


def blob_at(path: Path, content: bytes) -> Blob:
    """This content, written there."""
    path.write_bytes(content)
    return Blob(path, f"sha256:{sha256(content).hexdigest()}", len(content))


def push_blobs(registry: Served, repository: str, blobs: Sequence[Blob]) -> float:
    """All at once, each in one PUT; the seconds from the first request to the last answer."""
    return _together([partial(_put, registry, repository, blob) for blob in blobs])


def pull_blobs(registry: Served, repository: str, blobs: Sequence[Blob]) -> float:
    """All at once; the seconds until the last byte of the last."""
    return _together([partial(_get, registry, repository, blob) for blob in blobs])


def push_image(registry: Served, repository: str, tags: Sequence[str], config: Blob, layers: Sequence[Blob]) -> str:
    """The manifest of blobs that are there; its digest."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config.digest, "size": config.size},
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size} for layer in layers],
    }
    content = json.dumps(document).encode()
    with closing(registry.connection()) as connection:
        for tag in tags:
            fields = {"Authorization": registry.authorization, "Content-Type": MANIFEST}
            connection.request("PUT", f"/v2/{repository}/manifests/{tag}", content, fields)
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status == 201, told
    return f"sha256:{sha256(content).hexdigest()}"


def _put(registry: Served, repository: str, blob: Blob) -> None:
    with closing(registry.connection()) as connection:
        fields = {"Authorization": registry.authorization}
        connection.request("POST", f"/v2/{repository}/blobs/uploads/", headers={**fields, "Content-Length": "0"})
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status == 202, told
        location = urlsplit(answer.getheader("Location") or "")
        query = f"{location.query}&" if location.query else ""
        connection.putrequest("PUT", f"{location.path}?{query}digest={blob.digest}")
        for name, value in {**fields, "Content-Length": str(blob.size)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with blob.path.open("rb") as file:
            _send(connection.sock, file.fileno(), blob.size)
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status == 201, told


def _send(connection: socket.socket, file: int, size: int) -> None:
    connection.settimeout(None)
    sent = 0
    while sent < size:
        sent += os.sendfile(connection.fileno(), file, sent, size - sent)


def _get(registry: Served, repository: str, blob: Blob) -> None:
    with closing(registry.connection()) as connection:
        path = f"/v2/{repository}/blobs/{blob.digest}"
        connection.request("GET", path, headers={"Authorization": registry.authorization})
        answer = connection.getresponse()
        assert answer.status == 200
        buffer, arrived = memoryview(bytearray(_BUFFER)), 0
        while count := answer.readinto(buffer):
            arrived += count
        assert arrived == blob.size


def _together(calls: Sequence[Callable[[], None]]) -> float:
    failed: list[BaseException] = []

    def run(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  told below, on the caller's thread
            failed.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failed:
        raise failed[0]
    return seconds
