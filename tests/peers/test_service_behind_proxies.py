"""`docs/how-to/proxies.md` as it stands, with names and ports exchanged: real proxies in front of a real service."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.websocket_client import WebSocketClient
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.documented_proxies import configured
from tests.peers.service_process import BOUND_SECONDS, PASSWORD, Service

Start = Callable[[Path, str, int], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def caddy(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """With nothing of its own: no port to govern it by, no certificates it would get by itself."""
    folder.mkdir()
    file, log = folder / "Caddyfile", folder / "caddy.log"
    file.write_text("{\n    admin off\n    auto_https disable_redirects\n    grace_period 1s\n}\n" + configuration)
    command = [
        "env",
        f"HOME={folder}",
        str(programs.find("caddy")),
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        str(file),
    ]
    with programs.process(command, log) as child:
        programs.wait_for_port(port, child, log)
        yield


@contextlib.contextmanager
def haproxy(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """In the foreground."""
    folder.mkdir()
    file, log = folder / "haproxy.cfg", folder / "haproxy.log"
    file.write_text(configuration)
    with programs.process([str(programs.find("haproxy")), "-db", "-f", str(file)], log) as child:
        programs.wait_for_port(port, child, log)
        yield


PROXIES: dict[str, tuple[str, Start]] = {
    "nginx": ("nginx", programs.nginx),
    "caddy": ("caddy", caddy),
    "haproxy": ("haproxy", haproxy),
}


@dataclass(frozen=True)
class Front:
    """A service behind a proxy that speaks TLS."""

    service: Service
    port: int
    authority: Authority

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def connection(self) -> http.client.HTTPSConnection:
        trusting = ssl.create_default_context(cafile=self.authority.certificate)
        return http.client.HTTPSConnection("localhost", self.port, timeout=BOUND_SECONDS, context=trusting)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.peer(name)) for name in PROXIES])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    language, start = PROXIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    port, authority = programs.free_port(), Authority(folder)
    url = f"https://localhost:{port}"
    settings = {
        "LADING_PUBLIC_URL": url,
        "LADING_REGISTRY_PUBLIC_URL": url,
        "LADING_TRUSTED_PROXIES": "127.0.0.1",
    }
    service = Service(folder / "data", settings)
    configuration = configured(language, authority.server("localhost"), folder, service, port)
    with service.running(), start(folder / "proxy", configuration, port):
        yield Front(service, port, authority)


def test_a_browser_logs_in_and_its_cookie_stays_in_tls(front: Front) -> None:
    with contextlib.closing(front.connection()) as connection:
        body = json.dumps({"username": "admin", "password": PASSWORD})
        headers = {"Content-Type": "application/json", "Origin": front.url}
        connection.request("POST", "/api/auth/login", body, headers)
        answer = connection.getresponse()
        answer.read()

    cookie = answer.getheader("set-cookie") or ""
    assert answer.status == 200
    assert "Secure" in cookie


def test_images_pass_in_both_directions(front: Front, tmp_path: Path) -> None:
    digest = layouts.five_layers(tmp_path / "layout")
    name = f"localhost:{front.port}/team/app:1"
    laptop = Lading(tmp_path / "laptop", (("LADING_TLS_CA", str(front.authority.certificate)),))
    laptop("login", f"localhost:{front.port}", "-u", "admin", "--password-stdin", stdin=front.service.token.encode())

    pushed = laptop("-q", "copy", f"oci:{tmp_path / 'layout'}:v1", name)
    pulled = laptop("-q", "pull", name)

    assert pushed.strip() == pulled.strip() == f"localhost:{front.port}/team/app:1@{digest}"


def test_clients_are_led_back_through_the_proxy(front: Front) -> None:
    """The token service and the uploads are where the client came from, in TLS, though we are spoken to without."""
    login = base64.b64encode(f"admin:{front.service.token}".encode()).decode()
    with contextlib.closing(front.connection()) as connection:
        connection.request("GET", "/v2/")
        challenged = connection.getresponse()
        challenged.read()
        connection.request("POST", "/v2/team/app/blobs/uploads/", headers={"Authorization": f"Basic {login}"})
        begun = connection.getresponse()
        begun.read()

    realm = f'Bearer realm="{front.url}/v2/token",service="localhost:{front.port}"'
    assert (challenged.status, challenged.getheader("www-authenticate")) == (401, realm)
    assert begun.status == 202
    assert (begun.getheader("location") or "").startswith(f"{front.url}/v2/team/app/blobs/uploads/")


def test_agents_come_through_the_proxy(front: Front) -> None:
    made = front.service.ask("POST", "/api/environments", {"name": "rack", "connectionType": "hawser-edge"})[1]
    made = front.service.ask("POST", "/api/hawser/tokens", {"environmentId": made["id"]})[1]
    assert str(made["command"]).startswith(f"lading agent --server {front.url} --token ")
    trusting = ssl.create_default_context(cafile=front.authority.certificate)
    with WebSocketClient(("localhost", front.port), tls=trusting) as client:
        client.say(type="hello", protocol="1.0", agentName="rack 3", token=made["token"])
        assert client.hear()["type"] == "welcome"
        client.say(type="ping", timestamp=1_700_000_000)
        while client.hear()["type"] != "pong":
            pass


def test_events_arrive_while_the_stream_is_open(front: Front) -> None:
    with contextlib.closing(front.connection()) as connection:
        sent = {"Authorization": f"Bearer {front.service.token}", "Accept": "text/event-stream"}
        connection.request("GET", "/api/audit/events", headers=sent)
        answer = connection.getresponse()
        assert answer.status == 200

        front.service.ask("POST", "/api/roles", {"name": "seen live", "grants": []})

        seen = b""
        while b"seen live" not in seen:
            line = answer.readline()
            assert line, seen
            seen += line
