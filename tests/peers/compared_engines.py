"""A real dockerd and the Docker door, with the same image, asked the same."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from tests.fronts.docker_api import door as doors

NAME = "fields.example/team/app:1"
PREFIX = "/v1.41"


class _Socket(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class Engines:
    """Both with the same image; `relay` is a door of ours to the same dockerd."""

    dockerd: Path
    door: doors.Door
    relay: doors.Door

    def ask(self, method: str, path: str, **query: str) -> tuple[doors.Reply, doors.Reply]:
        """What dockerd answers, and what the door does."""
        return self.theirs(method, path, None, query), self.door(method, PREFIX + path, query=query)

    def theirs(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> doors.Reply:
        asked = f"{PREFIX}{path}?{urlencode(query or {})}"
        with closing(_Socket(self.dockerd)) as connection:
            connection.request(method, asked, body, {"Content-Type": "application/x-tar"} if body else {})
            answer = connection.getresponse()
            return doors.Reply(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
            )


def shape(value: object) -> object:
    """The fields of an answer and the kinds of their values; a list is as its first member."""
    match value:
        case dict():
            return {name: shape(each) for name, each in value.items()}
        case list():
            return [shape(value[0])] if value else []
        case bool() | None:
            return value if value is None else "truth"
        case int() | float():
            return "number"
        case _:
            return "text"
