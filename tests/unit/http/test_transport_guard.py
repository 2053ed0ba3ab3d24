"""Where another host's answer may send us, and that the address checked is the one connected to."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from lading.backends.http.addresses import Address, Closeness, check_referred
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.wire.endpoint import Endpoint
from lading.wire.message import AddressRefused, ConnectFailed, Request
from tests.fakes.scripted_server import Reply, ScriptedServer

NAMES = {
    "public.example": ["8.8.8.8"],
    "mixed.example": ["8.8.8.8", "10.0.0.1"],
    "office.example": ["10.0.0.1"],
    "other-office.example": ["192.168.3.4"],
    "metadata.example": ["169.254.169.254"],
    "here.example": ["127.0.0.1"],
}


def _resolve(host: str, port: int) -> Sequence[Address]:
    return [_address(text, port) for text in NAMES.get(host, [host])]


def _address(text: str, port: int) -> Address:
    return Address(socket.AF_INET6 if ":" in text else socket.AF_INET, (text, port))


@pytest.mark.parametrize(
    ("text", "closeness"),
    [
        ("8.8.8.8", Closeness.PUBLIC),
        ("2001:4860:4860::8888", Closeness.PUBLIC),
        ("10.1.2.3", Closeness.PRIVATE),
        ("172.16.0.1", Closeness.PRIVATE),
        ("192.168.1.1", Closeness.PRIVATE),
        ("100.64.0.1", Closeness.PRIVATE),
        ("fd00::1", Closeness.PRIVATE),
        ("169.254.169.254", Closeness.LINK),
        ("fe80::1%eth0", Closeness.LINK),
        ("224.0.0.1", Closeness.LINK),
        ("127.8.8.8", Closeness.MACHINE),
        ("0.0.0.0", Closeness.MACHINE),
        ("::1", Closeness.MACHINE),
        ("::", Closeness.MACHINE),
        ("::ffff:127.0.0.1", Closeness.MACHINE),
        ("::ffff:8.8.8.8", Closeness.PUBLIC),
        ("64:ff9b::7f00:1", Closeness.MACHINE),
        ("64:ff9b::8.8.8.8", Closeness.PUBLIC),
        ("2002:a00:1::", Closeness.PRIVATE),
    ],
)
def test_how_near_an_address_is(text: str, closeness: Closeness) -> None:
    assert Closeness.of(text) is closeness


@pytest.mark.parametrize(
    ("host", "referrer", "refused"),
    [
        ("public.example", "public.example", False),
        ("public.example", "office.example", False),
        ("office.example", "public.example", True),
        ("mixed.example", "public.example", True),
        ("metadata.example", "public.example", True),
        ("here.example", "public.example", True),
        ("other-office.example", "office.example:5000", False),
        ("metadata.example", "office.example", True),
        ("here.example", "office.example", True),
        ("office.example", "mixed.example", True),
        ("office.example", "here.example:5000", False),
        ("here.example", "[::1]:5000", False),
        ("10.0.0.1", "8.8.8.8:443", True),
        ("office.example", "office.example:5000", False),
        ("mixed.example", "mixed.example:5000", False),
    ],
)
def test_nobody_sends_us_closer_than_he_is_himself(host: str, referrer: str, refused: bool) -> None:
    addresses = _resolve(host, 443)
    if not refused:
        check_referred(host, addresses, referrer, _resolve)
        return
    with pytest.raises(AddressRefused, match=host):
        check_referred(host, addresses, referrer, _resolve)


class _Rebinding:
    """A resolver whose answer for one name changes after it was asked once."""

    def __init__(self, first: str, later: str) -> None:
        self.answers = [first, later]
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        if host != "rebinds.example":
            return _resolve(host, port)
        self.asked += 1
        return [_address(self.answers[min(self.asked, 2) - 1], port)]


def _transport(resolve: _Rebinding) -> HttpTransport:
    return HttpTransport(Endpoint, {}, "lading/test", resolve=resolve, connect_seconds=0.3)


def test_the_address_that_was_checked_is_connected_to(cancel: Cancellation) -> None:
    resolve = _Rebinding("127.0.0.3", "127.0.0.1")  # nobody listens on the first
    transport = _transport(resolve)
    with ScriptedServer(lambda _: Reply()) as server:
        request = Request("GET", f"http://rebinds.example:{server.port}/", referred_by="here.example")
        with pytest.raises(ConnectFailed):
            transport.send(request, cancel)
    transport.close()
    assert resolve.asked == 1
    assert server.connections == 0


@pytest.mark.parametrize("host", ["here.example", "rebinds.example"])
def test_who_sends_us_is_where_he_was_when_we_first_asked_him(host: str, cancel: Cancellation) -> None:
    transport = _transport(_Rebinding("255.255.255.255", "127.0.0.1"))  # no connection goes to the first
    with ScriptedServer(lambda _: Reply()) as server:
        with pytest.raises(ConnectFailed):
            transport.send(Request("GET", "http://rebinds.example:1/"), cancel)
        with pytest.raises(AddressRefused, match=f"sent us to {host}"):
            transport.send(Request("GET", f"http://{host}:{server.port}/", referred_by="rebinds.example:1"), cancel)
    transport.close()
    assert server.connections == 0


def test_a_kept_connection_is_no_way_around_the_guard(cancel: Cancellation) -> None:
    transport = _transport(_Rebinding("127.0.0.1", "127.0.0.1"))
    with ScriptedServer(lambda _: Reply()) as server:
        url = f"http://rebinds.example:{server.port}/"
        assert transport.send(Request("GET", url), cancel).status == 200
        with pytest.raises(AddressRefused, match=r"public\.example sent us to rebinds\.example"):
            transport.send(Request("GET", url, referred_by="public.example"), cancel)
        assert transport.send(Request("GET", url, referred_by="here.example"), cancel).status == 200
    transport.close()
    assert len(server.asked) == 2


def test_behind_a_proxy_a_written_address_is_still_checked(cancel: Cancellation) -> None:
    transport = HttpTransport(
        Endpoint, {"HTTP_PROXY": "http://127.0.0.1:1"}, "lading/test", resolve=_Rebinding("8.8.8.8", "8.8.8.8")
    )
    with pytest.raises(AddressRefused):
        transport.send(Request("GET", "http://169.254.169.254/", referred_by="public.example"), cancel)


def test_the_first_address_that_answers_is_used(cancel: Cancellation) -> None:
    def resolve(host: str, port: int) -> Sequence[Address]:
        return [_address("::1", port), _address("127.0.0.2", 1), _address("127.0.0.1", port)]

    transport = HttpTransport(Endpoint, {}, "lading/test", resolve=resolve)
    with ScriptedServer(lambda _: Reply(body=b"here")) as server:
        assert transport.send(Request("GET", f"http://many.example:{server.port}/"), cancel).body == b"here"
    transport.close()
