"""The floor: a standard-library script that moves an image with the same safety as Lading and nothing more.

    floor.py push LAYOUT HOST REPOSITORY TAG...  [--from REPOSITORY]
    floor.py pull HOST REPOSITORY TAG FOLDER
    floor.py copy HOST REPOSITORY TAG HOST REPOSITORY TAG

Push: the tag's HEAD, POST that asks for a mount (from the repository itself unless told otherwise), PUT by the
kernel, the manifest, the tag read back. Pull: sha256 while bytes come, a partial file that is gone on with, fsync,
rename, the folder's fsync. Copy: checked on the way, the last buffer withheld. Five lanes up, three down. It prints the
seconds from its first request to its last proof.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import TypedDict

BUFFER = 256 * 1024
UP, DOWN = 5, 3
ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


class Piece(TypedDict):
    """A descriptor as JSON has it."""

    mediaType: str
    digest: str
    size: int


class Registry:
    """One connection a thread to one host."""

    def __init__(self, host: str) -> None:
        self.host, self._local = host, threading.local()

    def connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            connection = http.client.HTTPConnection(self.host)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._local.connection = connection
        kept = self._local.connection
        assert isinstance(kept, http.client.HTTPConnection)
        return kept

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = self.connection()
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()

    def begin_upload(self, repository: str, digest: str, origin: str) -> str | None:
        """The upload's address; None where the blob is there already."""
        status, headers, _ = self.ask("POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from={origin}")
        assert status in {201, 202}, status
        return None if status == 201 else headers["location"].partition(self.host)[2] + f"&digest={digest}"

    def put(self, path: str, size: int, send: Callable[[socket.socket], None]) -> None:
        """PUT whose body `send` writes into the socket itself."""
        connection = self.connection()
        connection.putrequest("PUT", path)
        connection.putheader("Content-Length", str(size))
        connection.putheader("Content-Type", "application/octet-stream")
        connection.endheaders()
        send(connection.sock)
        response = connection.getresponse()
        response.read()
        assert response.status == 201, response.status

    def tagged(self, repository: str, tag: str) -> str | None:
        status, headers, _ = self.ask("HEAD", f"/v2/{repository}/manifests/{tag}", Accept=ACCEPT)
        return headers["docker-content-digest"] if status == 200 else None

    def manifest(self, repository: str, tag: str) -> tuple[bytes, str]:
        status, headers, raw = self.ask("GET", f"/v2/{repository}/manifests/{tag}", Accept=ACCEPT)
        assert status == 200, status
        assert "sha256:" + hashlib.sha256(raw).hexdigest() == headers["docker-content-digest"]
        return raw, headers["content-type"]

    def tag(self, repository: str, tag: str, raw: bytes, media_type: str, digest: str) -> None:
        status, _, _ = self.ask("PUT", f"/v2/{repository}/manifests/{tag}", raw, Content_Type=media_type)
        assert status == 201, status
        assert self.tagged(repository, tag) == digest


def pieces_of(raw: bytes) -> list[Piece]:
    """Config and layers, the largest first, once each."""
    document = json.loads(raw)
    pieces: list[Piece] = [document["config"], *document["layers"]]
    return sorted({piece["digest"]: piece for piece in pieces}.values(), key=lambda piece: -piece["size"])


def in_lanes(lanes: int, pieces: list[Piece], move: Callable[[Piece], None]) -> None:
    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(move, pieces))


def push(layout: Path, host: str, repository: str, tags: list[str], origin: str | None) -> None:
    index = json.loads((layout / "index.json").read_text())
    root: Piece = index["manifests"][0]
    raw = blob(layout, root["digest"]).read_bytes()
    registry = Registry(host)
    if registry.tagged(repository, tags[0]) == root["digest"]:
        return

    def move(piece: Piece) -> None:
        path = registry.begin_upload(repository, piece["digest"], origin or repository)
        if path is not None:
            with blob(layout, piece["digest"]).open("rb") as file:
                registry.put(path, piece["size"], lambda sock: check_sent(sock.sendfile(file), piece["size"]))

    in_lanes(UP, pieces_of(raw), move)
    for tag in tags:
        registry.tag(repository, tag, raw, root["mediaType"], root["digest"])


def check_sent(sent: int, size: int) -> None:
    assert sent == size, (sent, size)


def pull(host: str, repository: str, tag: str, folder: Path) -> None:
    registry = Registry(host)
    (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    raw, media_type = registry.manifest(repository, tag)
    in_lanes(DOWN, pieces_of(raw), lambda piece: fetch(registry, repository, piece, folder))
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    keep(folder, digest, raw)
    named = {"mediaType": media_type, "digest": digest, "size": len(raw)}
    replace_file(folder / "index.json", json.dumps({"schemaVersion": 2, "manifests": [named]}).encode())


def fetch(registry: Registry, repository: str, piece: Piece, folder: Path) -> None:
    final, partial = blob(folder, piece["digest"]), blob(folder, piece["digest"]).with_suffix(".partial")
    if final.exists():
        return
    check, buffer = hashlib.sha256(), memoryview(bytearray(BUFFER))
    with partial.open("a+b", buffering=0) as file:
        file.seek(0)
        while count := file.readinto(buffer):
            check.update(buffer[:count])
        held = file.tell()
        if held < piece["size"]:
            response = get(registry, repository, piece, held)
            while count := response.readinto(buffer):
                check.update(buffer[:count])
                write_all(file, buffer[:count])
        assert "sha256:" + check.hexdigest() == piece["digest"]
        os.fsync(file.fileno())
    partial.chmod(0o444)
    partial.rename(final)
    sync_folder(final.parent)


def get(registry: Registry, repository: str, piece: Piece, offset: int = 0) -> http.client.HTTPResponse:
    connection = registry.connection()
    headers = {"Range": f"bytes={offset}-{piece['size'] - 1}"} if offset else {}
    connection.request("GET", f"/v2/{repository}/blobs/{piece['digest']}", headers=headers)
    response = connection.getresponse()
    assert response.status == (206 if offset else 200), response.status
    return response


def copy(source: tuple[str, str, str], target: tuple[str, str, str]) -> None:
    origin, registry = Registry(source[0]), Registry(target[0])
    raw, media_type = origin.manifest(source[1], source[2])
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    if registry.tagged(target[1], target[2]) == digest:
        return

    def move(piece: Piece) -> None:
        path = registry.begin_upload(target[1], piece["digest"], target[1])
        if path is not None:
            response = get(origin, source[1], piece)
            registry.put(path, piece["size"], lambda sock: relay(response, sock, piece))
            response.read()

    in_lanes(UP, pieces_of(raw), move)
    registry.tag(target[1], target[2], raw, media_type, digest)


def relay(response: http.client.HTTPResponse, sock: socket.socket, piece: Piece) -> None:
    """Send as it comes; the last buffer only once all of it was right."""
    check, buffer, passed = hashlib.sha256(), memoryview(bytearray(BUFFER)), 0
    while passed < piece["size"] and (count := response.readinto(buffer)):
        check.update(buffer[:count])
        passed += count
        if passed == piece["size"]:
            assert "sha256:" + check.hexdigest() == piece["digest"]
        sock.sendall(buffer[:count])


def blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


def keep(folder: Path, digest: str, raw: bytes) -> None:
    replace_file(blob(folder, digest), raw)


def replace_file(path: Path, raw: bytes) -> None:
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    os.fsync(number)
    os.close(number)


def write_all(file: FileIO, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[file.write(chunk) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["push", "pull", "copy"])
    parser.add_argument("words", nargs="+")
    parser.add_argument("--from", dest="origin")
    options = parser.parse_args()
    words: list[str] = options.words
    began = time.perf_counter()
    if options.verb == "push":
        push(Path(words[0]), words[1], words[2], words[3:], options.origin)
    elif options.verb == "pull":
        pull(words[0], words[1], words[2], Path(words[3]))
    else:
        copy((words[0], words[1], words[2]), (words[3], words[4], words[5]))
    print(json.dumps({"transfer": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
