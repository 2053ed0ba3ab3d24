"""Docker Hub's search over a real connection: who is asked, what is asked, and what becomes of odd answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from lading.backends.http.addresses import Address
from lading.backends.http.transport import HttpTransport
from lading.backends.registry_client.client import RegistryClient
from lading.engine.cancel import Cancellation
from lading.errors import LadingError, ProtocolBroken, RateLimited
from lading.wire.endpoint import Endpoint
from tests.fakes.certificates import Authority
from tests.fakes.clock import WaitingClock
from tests.fakes.records import MemoryProfiles, MemoryUploads
from tests.fakes.scripted_server import Reply, ScriptedServer

FOUND = {
    "results": [
        {"name": "nginx", "description": "A web server.", "star_count": 20000, "is_official": True},
        {"name": "acme/nginx", "description": "", "star_count": 1, "is_official": False},
        {"name": "../etc/passwd", "star_count": 9},
    ]
}


@contextmanager
def hub(folder: Path, reply: Reply) -> Iterator[tuple[RegistryClient, ScriptedServer]]:
    """A client for which index.docker.io is a scripted server, with a certificate for that name."""
    authority = Authority(folder)
    context = authority.context(authority.server("index.docker.io"))
    clock = WaitingClock()
    with ScriptedServer(lambda _asked: reply, tls=context) as server:

        def resolve(_host: str, _port: int) -> Sequence[Address]:
            return [Address(socket.AF_INET, ("127.0.0.1", server.port))]

        def endpoint(host: str) -> Endpoint:
            return Endpoint(host, ca_file=str(authority.certificate))

        transport = HttpTransport(endpoint, {}, "lading/tests", resolve=resolve)
        client = RegistryClient(
            transport,
            endpoint,
            lambda _repository: None,
            MemoryProfiles(),
            MemoryUploads(),
            clock=clock,
            report_held=lambda _held: None,
            cancel=Cancellation(pause=clock.pause),
        )
        try:
            yield client, server
        finally:
            transport.close()


def test_hub_is_asked_itself_without_a_login_and_odd_names_are_left_out(tmp_path: Path) -> None:
    with hub(tmp_path, Reply(body=json.dumps(FOUND).encode())) as (client, server):
        hits = client.search_hub("web server")

    (asked,) = server.asked
    assert (asked.path, asked.headers["host"]) == ("/v1/search", "index.docker.io")
    assert "q=web+server" in asked.query
    assert "authorization" not in asked.headers
    assert [(hit.repository.path, hit.stars, hit.official) for hit in hits] == [
        ("library/nginx", 20000, True),
        ("acme/nginx", 1, False),
    ]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(body=b"<html>"), ProtocolBroken),
        (Reply(body=b'{"results": 7}'), ProtocolBroken),
        (Reply(429, [("Retry-After", "100000")]), RateLimited),
        (Reply(404), LadingError),
        (Reply(503), LadingError),
    ],
)
def test_what_hub_answers_instead_is_a_typed_failure(tmp_path: Path, reply: Reply, kind: type[LadingError]) -> None:
    with hub(tmp_path, reply) as (client, _server), pytest.raises(kind):
        client.search_hub("nginx")
