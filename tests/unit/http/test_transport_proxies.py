"""The way to a host: which proxy, how it is asked, and how its refusals are told."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.backends.http.proxies import Proxies
from lading.backends.http.refusals import ProxyInvalid, ProxyRefused, ProxyUnsupported
from lading.backends.http.target import Target
from lading.engine.cancel import Cancellation
from lading.wire.endpoint import Endpoint
from lading.wire.message import BytesContent, ConnectFailed, Request
from tests.fakes.certificates import Authority
from tests.fakes.proxy import FakeProxy
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.unit.http.conftest import Opens

ALL = {"HTTP_PROXY": "http://plain:1", "HTTPS_PROXY": "http://secure:2"}


def spared(value: str) -> Mapping[str, str]:
    return ALL | {"NO_PROXY": value}


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://r.example/", None),
        (ALL, "http://r.example/", "plain:1"),
        (ALL, "https://r.example/", "secure:2"),
        ({"ALL_PROXY": "any:3"}, "https://r.example/", "any:3"),
        ({"https_proxy": "lower:4", "HTTPS_PROXY": "upper:5"}, "https://r.example/", "lower:4"),
        ({"HTTPS_PROXY": "http://bare"}, "https://r.example/", "bare:80"),
        (ALL, "http://localhost:5000/", None),
        (ALL, "http://my.localhost:5000/", None),
        (ALL, "http://127.0.0.9:5000/", None),
        (ALL, "http://[::1]:5000/", None),
        (spared("*"), "http://r.example/", None),
        (spared("r.example"), "http://r.example/", None),
        (spared("r.example"), "http://sub.r.example/", None),
        (spared(".example"), "http://r.example/", None),
        (spared("*.example"), "http://r.example/", None),
        (spared("R.Example"), "http://r.example/", None),
        (spared("r.example"), "http://other-r.example/", "plain:1"),
        (spared("a, r.example b"), "http://r.example/", None),
        (spared("r.example:80"), "http://r.example/", None),
        (spared("r.example:81"), "http://r.example/", "plain:1"),
        (spared("10.0.0.0/8"), "http://10.1.2.3/", None),
        (spared("10.0.0.0/8"), "http://11.1.2.3/", "plain:1"),
        (spared("10.0.0.0/8"), "http://r.example/", "plain:1"),
        (spared("10.1.2.3"), "http://10.1.2.3:5000/", None),
        (spared("fd00::/8"), "http://[fd00::5]/", None),
        (spared("[fd00::5]:5000"), "http://[fd00::5]:5000/", None),
    ],
)
def test_the_way_is_chosen_as_the_variables_say(environment: Mapping[str, str], url: str, proxy: str | None) -> None:
    chosen = Proxies(environment).route(Target.parse(url))
    assert (None if chosen is None else str(chosen)) == proxy


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "https"])
def test_another_kind_of_proxy_is_refused_without_showing_its_password(scheme: str) -> None:
    proxies = Proxies({"HTTPS_PROXY": f"{scheme}://me:hunter2@host:1080"})
    with pytest.raises(ProxyUnsupported, match=f"HTTPS_PROXY names a proxy of kind '{scheme}'") as caught:
        proxies.route(Target.parse("https://r.example/"))
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("value", ["http://", "http://h:port", "http://[::1"])
def test_a_proxy_that_cannot_be_read_is_named_by_its_variable(value: str) -> None:
    with pytest.raises(ProxyInvalid, match="HTTP_PROXY"):
        Proxies({"HTTP_PROXY": value}).route(Target.parse("http://r.example/"))


def test_a_proxys_login_is_no_part_of_its_text() -> None:
    proxy = Proxies({"HTTP_PROXY": "http://me:p%40ss@host:3128"}).route(Target.parse("http://r.example/"))
    assert proxy is not None
    assert proxy.authorization is not None
    assert base64.b64decode(proxy.authorization.removeprefix("Basic ")) == b"me:p@ss"
    assert proxy.authorization not in repr(proxy)


def _beyond(server: ScriptedServer) -> str:
    """An address of this machine that the transport does not take for this machine: only the proxy must reach it."""
    return f"0.0.0.0:{server.port}"


def test_plain_http_is_asked_of_the_proxy_by_its_whole_url(opens: Opens, cancel: Cancellation) -> None:
    with ScriptedServer(lambda asked: Reply(body=asked.receive())) as server, FakeProxy(login="me:secret") as proxy:
        transport = opens(environment={"HTTP_PROXY": proxy.url("me:secret")})
        url = f"http://{_beyond(server)}/v2/?a=b"
        response = transport.send(Request("PUT", url, content=BytesContent(b"body")), cancel)

    assert response.body == b"body"
    assert proxy.asked == [f"PUT {url} HTTP/1.1"]


def test_tls_goes_through_a_tunnel_that_sees_no_header(opens: Opens, cancel: Cancellation, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    endpoint = Endpoint("any", ca_file=str(authority.certificate))
    tls = authority.context(authority.server("0.0.0.0"))
    with ScriptedServer(lambda _: Reply(body=b"hello"), tls=tls) as server, FakeProxy(login="me:secret") as proxy:
        transport = opens(endpoint, {"HTTPS_PROXY": proxy.url("me:secret")})
        for _ in range(2):
            request = Request("GET", f"https://{_beyond(server)}/", {"Authorization": "Bearer secret"})
            assert transport.send(request, cancel).body == b"hello"

    assert proxy.asked == [f"CONNECT {_beyond(server)} HTTP/1.1"]
    assert b"Bearer" not in proxy.heads[0]
    assert server.connections == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_missing_proxy_login_names_the_proxy(opens: Opens, cancel: Cancellation, scheme: str) -> None:
    with FakeProxy(login="me:secret") as proxy:
        transport = opens(environment={"ALL_PROXY": proxy.url("me:wrong")})
        with pytest.raises(ProxyRefused, match=f"proxy 127.0.0.1:{proxy.port} answered 407") as caught:
            transport.send(Request("GET", f"{scheme}://r.example/"), cancel)
    assert caught.value.hint
    assert "wrong" not in repr(caught.value)


def test_a_tunnel_that_is_refused_names_proxy_and_host(opens: Opens, cancel: Cancellation) -> None:
    with FakeProxy(refuses=403) as proxy:
        transport = opens(environment={"HTTPS_PROXY": proxy.url()})
        with pytest.raises(ProxyRefused, match=f"r.example: the proxy 127.0.0.1:{proxy.port} answered 403"):
            transport.send(Request("GET", "https://r.example/"), cancel)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_away_is_named(opens: Opens, cancel: Cancellation, scheme: str) -> None:
    with FakeProxy() as proxy:
        environment = {"ALL_PROXY": proxy.url()}
    with pytest.raises(ConnectFailed, match=f"r.example: the proxy 127.0.0.1:{proxy.port} cannot be used: "):
        opens(environment=environment).send(Request("GET", f"{scheme}://r.example/"), cancel)


def test_a_proxy_without_address_is_named(opens: Opens, cancel: Cancellation) -> None:
    transport = opens(environment={"HTTP_PROXY": "http://nowhere.invalid:3128"})
    with pytest.raises(ConnectFailed, match=r"the proxy nowhere\.invalid:3128 cannot be used: its name does not"):
        transport.send(Request("GET", "http://r.example/"), cancel)
