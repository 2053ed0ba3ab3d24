"""Who follows the audit trail is let go when the service stops: at once, with the end of the answer, not cut off."""

from __future__ import annotations

import socket
import urllib.parse
from pathlib import Path

from tests.fronts.rest_api.caller import WAIT_SECONDS, house

END = b"\r\n0\r\n\r\n"
"""The last chunk (RFC 9112, 7.1): the answer is whole."""


def test_a_follower_is_let_go_when_the_service_stops(tmp_path: Path) -> None:
    with house(tmp_path) as running:
        host, port = urllib.parse.urlsplit(running.admin.api).netloc.split(":")
        connection = socket.create_connection((host, int(port)), WAIT_SECONDS)
        fields = {"Host": host, **running.admin.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        connection.sendall(f"GET /api/audit/events HTTP/1.1\r\n{head}\r\n".encode())
        heard = connection.recv(65536)
    with connection:
        while piece := connection.recv(65536):
            heard += piece

    assert heard.endswith(END)
