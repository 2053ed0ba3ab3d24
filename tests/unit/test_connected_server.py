"""A server elsewhere, as the command line is handed it: where its registry is, and what goes there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from lading.engine.cancel import Cancellation
from lading.main.remote import ConnectedServer, Grounds, RegistryInPlain
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import Cancel, Request, Response


class Told:
    """Fulfils Transport: one answer to everything."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _: None) -> Response:
        return Response(200, body=json.dumps(self._answer).encode())


def connected(url: str, address: object, tls: Tls = Tls.VERIFY) -> ConnectedServer:
    grounds = Grounds(
        reached=lambda _url: cast("Any", Told(address)),  # what has connections to close is closed by whoever made it
        logins=cast("Any", None),
        token=None,
        endpoint_of=lambda host: Endpoint(host, tls),
        uploading=cast("Any", None),
        names=None,
    )
    return ConnectedServer(grounds, url, Credential("ann", "lad_secret"))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://lading.corp", {"url": "http://registry.corp:5000"}),
        ("https://lading.corp", {"url": None, "port": 5000, "tls": False}),
        ("https://lading.corp", {"port": 5000}),
    ],
)
def test_a_login_for_tls_does_not_go_over_plain_http(url: str, address: object) -> None:
    with Cancellation() as cancel, pytest.raises(RegistryInPlain, match="has no TLS"):
        connected(url, address)._endpoint(cancel)


@pytest.mark.parametrize(
    ("url", "address", "tls", "host"),
    [
        ("https://lading.corp", {"url": "https://registry.corp"}, Tls.VERIFY, "registry.corp:443"),
        ("https://lading.corp", {"url": "http://registry.corp:5000"}, Tls.HTTP, "registry.corp:5000"),
        ("http://lading.corp", {"port": 5000, "tls": False}, Tls.VERIFY, "lading.corp:5000"),
        ("https://localhost:3000", {"port": 5000, "tls": False}, Tls.VERIFY, "localhost:5000"),
    ],
)
def test_where_it_may_go(url: str, address: object, tls: Tls, host: str) -> None:
    with Cancellation() as cancel:
        assert connected(url, address, tls).registry(cancel) in {host, host.removesuffix(":443")}
