"""An archive to a server by pieces, each sent until it is there (interfaces §2, images/imports)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol
from urllib.parse import quote

from lading.backends.server_client.faults import NotLading, ServerUnreachable
from lading.errors import LadingError
from lading.wire.message import Cancel

PIECE = 8 * 1024 * 1024
"""Bytes; a server takes 16 MiB."""

TRIES = 8

Json = dict[str, object]
Query = Mapping[str, str | int | None]


class Server(Protocol):
    """What sending asks of a server."""

    @property
    def url(self) -> str: ...
    def get(self, path: str, cancel: Cancel) -> Json: ...
    def ask(self, method: str, path: str, cancel: Cancel, *, query: Query | None = None) -> object: ...
    def append(self, path: str, piece: bytes, cancel: Cancel, query: Query) -> Json: ...
    def started(self, path: str, cancel: Cancel, *, query: Query | None = None) -> str: ...


def sent_archive(server: Server, archive: Callable[[int], bytes], cancel: Cancel, query: Query) -> str:
    """As ServerClient.load."""
    begun = server.ask("POST", "/api/images/imports", cancel, query=query)
    arriving = begun.get("id") if isinstance(begun, dict) else None
    if not isinstance(arriving, str) or not arriving:
        raise NotLading(server.url, "a place for an archive")
    path, offset = f"/api/images/imports/{quote(arriving, safe='')}", 0
    try:
        while piece := _whole(archive):
            _append(server, path, offset, piece, cancel)
            offset += len(piece)
        return server.started(f"{path}/commit", cancel, query=query)
    except ServerUnreachable:
        raise  # what has arrived is given up by the server itself, a day later
    except BaseException:
        with suppress(LadingError):
            server.ask("DELETE", path, cancel)
        raise


def _append(server: Server, path: str, offset: int, piece: bytes, cancel: Cancel) -> None:
    """Where the connection broke, the server says how much it has."""
    sent = 0
    for left in reversed(range(TRIES)):
        try:
            if left < TRIES - 1:
                arrived = server.get(path, cancel).get("offset")
                sent = max(0, arrived - offset) if isinstance(arrived, int) else 0
            if sent < len(piece):
                server.append(path, piece[sent:], cancel, {"offset": offset + sent})
        except ServerUnreachable:
            if not left:
                raise
            cancel.wait(2.0 ** (TRIES - left) / 8)
        else:
            return


def _whole(archive: Callable[[int], bytes]) -> bytes:
    """A piece of full length, but for the last: a pipe gives what it has."""
    piece = bytearray()
    while len(piece) < PIECE and (read := archive(PIECE - len(piece))):
        piece += read
    return bytes(piece)
