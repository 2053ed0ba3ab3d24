"""Agents that come to the service over TLS, and standard ones that are dialled over it."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.backends.docker_client.faults import AgentTokenRefused, DaemonUnreachable
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from tests.contract.environments.suite import CANCEL
from tests.fakes.certificates import Authority
from tests.fakes.pushing_engine import IMAGE, PushingEngine
from tests.fakes.stock_agent import Habits, StockAgent, Variant
from tests.fakes.stock_playing import playing
from tests.fakes.stock_standard import StandardProxy
from tests.peers.docker_environments import environment_builder
from tests.peers.service_process import BOUND_SECONDS, Service, stop, until

TOKEN = "a token of the tests"
QUICK = Habits(reconnect=0.05, longest_reconnect=0.2)


@dataclass
class TlsService(Service):
    """Asked over TLS."""

    trusted: Path = field(default_factory=Path)

    def connection(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.trusted))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=BOUND_SECONDS, context=context)

    def edge(self, name: str) -> tuple[int, str]:
        """A new environment and a token for it."""
        status, made = self.ask("POST", "/api/environments", {"name": name, "connectionType": "hawser-edge"})
        assert status == 201, made
        environment = int(str(made["id"]))
        status, made = self.ask("POST", "/api/hawser/tokens", {"name": "t", "environmentId": environment})
        assert status == 201, made
        return environment, str(made["token"])

    def agents(self) -> list[str]:
        """The names of those that are connected."""
        found = self.ask("GET", "/api/hawser/connect")[1]["connections"]
        assert isinstance(found, list)
        return [each["agentName"] for each in found]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[TlsService]:
    shown = authority.server("127.0.0.1", "localhost")
    settings = {"LADING_TLS_CERT": str(shown.certificate), "LADING_TLS_KEY": str(shown.key)}
    made = TlsService(tmp_path_factory.mktemp("service") / "data", settings, trusted=authority.certificate)
    with made.running():
        yield made


@pytest.mark.parametrize("variant", Variant)
def test_a_stock_agent_comes_over_tls(service: TlsService, authority: Authority, variant: Variant) -> None:
    environment, token = service.edge(f"stock {variant.name}")
    trusting = ssl.create_default_context(cafile=str(authority.certificate))
    agent = StockAgent(
        f"wss://127.0.0.1:{service.port}", token, PushingEngine(), variant, variant.name, QUICK, tls=trusting
    )
    with playing(agent):
        assert agent.connected.wait(BOUND_SECONDS)
        status, told = service.text("GET", f"/api/images?env={environment}")
    assert status == 200
    assert [image["id"] for image in json.loads(told)] == [IMAGE]
    assert agent.complaints == []
    assert agent.welcome["environmentId"] == environment


def test_our_agent_comes_over_tls(service: TlsService, authority: Authority, tmp_path: Path) -> None:
    _, token = service.edge("ours")
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TOKEN": token, "AGENT_NAME": "ours"}
    surroundings |= {
        "DOCKHAND_SERVER_URL": f"wss://127.0.0.1:{service.port}/api/hawser/connect",
        "CA_CERT": str(authority.certificate),
        "DOCKER_SOCKET": str(tmp_path / "none.sock"),
    }
    with (tmp_path / "agent.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "lading", "agent"], env=surroundings, stdout=log, stderr=log)
    try:
        until(lambda: "ours" in service.agents(), "our agent is connected")
    finally:
        stop(child)
    assert token not in (tmp_path / "agent.log").read_text()
    assert token not in service.log.read_text()


def test_a_standard_agent_is_dialled_over_tls(authority: Authority, tmp_path: Path) -> None:
    context = authority.context(authority.server("127.0.0.1"))
    trusted = authority.certificate.read_text()
    with (
        environment_builder(tmp_path) as builder,
        StandardProxy(PushingEngine(), TOKEN, tls=context, variant=Variant.NEW) as proxy,
    ):

        def row(ca: str | None, *, skip: bool = False) -> EnvironmentRow:
            kind = ConnectionType.HAWSER_STANDARD
            return EnvironmentRow(
                1, "far", kind, host="127.0.0.1", port=proxy.port, protocol="https", tls_ca=ca, tls_skip_verify=skip
            )

        for right in (row(trusted), row(None, skip=True)):
            (found,) = builder(right, TOKEN).images(CANCEL)
            assert found.id == IMAGE
        with pytest.raises(DaemonUnreachable) as unknown:
            builder(row(None), TOKEN).ping(CANCEL)
        with pytest.raises(AgentTokenRefused) as refused:
            builder(row(trusted), "another").ping(CANCEL)
    assert "certificate" in (unknown.value.why or "")
    assert "another" not in str(refused.value)
    assert all("token=" not in asked.target for asked in proxy.asked)
