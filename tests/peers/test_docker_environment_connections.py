"""The ways to a real Docker engine and from it to registries: TLS on both, and how each is tried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.docker_client.faults import DaemonUnreachable, NotDocker, PushUnverified
from lading.backends.http.probing import HttpProbe
from lading.errors import TlsRefused
from lading.main.environments import EnvironmentBuilder
from lading.oci.reference import Reference
from lading.services.access import LADING
from lading.services.environments.connection_test import ConnectionReport
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.environments import Environments
from lading.services.environments.orders import PullOrder, PushOrder
from lading.services.environments.records import EnvironmentRow
from tests.contract.environments.suite import (
    CANCEL,
    bring,
    told,
)
from tests.fakes.agents import PlayedHub
from tests.fakes.certificates import Authority
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, PlainSeals
from tests.peers import programs
from tests.peers.docker_environments import access_of, environment_builder, guarded_registry, row_of
from tests.peers.programs import RunningDocker, RunningRegistry

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with guarded_registry(tmp_path_factory.mktemp("docker-registry")) as running:
        yield running


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[EnvironmentBuilder]:
    with environment_builder(tmp_path) as made:
        yield made


@pytest.fixture
def environment(docker_engine: RunningDocker, builder: EnvironmentBuilder) -> Environment:
    return builder(row_of(docker_engine), None)


# ── TLS between the daemon and the registry; a daemon checks nobody on 127.0.0.0/8, so it takes another address


@pytest.fixture(scope="module")
def other_address() -> str:
    """An address of this machine that is not loopback's."""
    found = programs.own_address()
    if found is None:
        pytest.skip("this machine has no address but loopback's")
    return found


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_registry(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, other_address: str
) -> Iterator[RunningRegistry]:
    issued = authority.server(other_address)
    folder = tmp_path_factory.mktemp("tls-registry")
    with programs.docker_registry(
        folder, htpasswd=("me", "secret"), tls=(issued.certificate, issued.key), address=other_address
    ) as running:
        yield running


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[RunningDocker]:
    """A daemon that knows the private CA."""
    folder = tmp_path_factory.mktemp("trusting")
    with programs.docker_engine(folder, SSL_CERT_FILE=str(authority.certificate)) as docker:
        yield docker


def test_a_private_ca_that_both_know_serves(
    builder: EnvironmentBuilder, trusting: RunningDocker, tls_registry: RunningRegistry, authority: Authority
) -> None:
    environment = builder(row_of(trusting), None)
    bring(environment, "own/tls:1", label="tls")
    target = Reference.parse(f"{tls_registry.host}/own/tls:1")
    access = access_of(tls_registry, ca=authority.certificate.read_text())

    (arrived,) = environment.push(PushOrder("own/tls:1", (target,), access), told, CANCEL)

    assert arrived.error is None
    assert arrived.digest is not None


def test_what_only_the_daemon_can_reach_is_unverified(
    builder: EnvironmentBuilder, trusting: RunningDocker, tls_registry: RunningRegistry
) -> None:
    """Lading does not know the CA: the daemon is done, and nobody can say that it is true."""
    environment = builder(row_of(trusting), None)
    bring(environment, "own/half:1", label="half")
    target = Reference.parse(f"{tls_registry.host}/own/half:1")

    (arrived,) = environment.push(PushOrder("own/half:1", (target,), access_of(tls_registry)), told, CANCEL)

    assert isinstance(arrived.error, PushUnverified)
    assert arrived.error.code == "unverified"


def test_a_ca_that_the_daemon_does_not_know(environment: Environment, tls_registry: RunningRegistry) -> None:
    bring(environment, "own/untrusted:1", label="untrusted")
    target = Reference.parse(f"{tls_registry.host}/own/untrusted:1")

    (arrived,) = environment.push(PushOrder("own/untrusted:1", (target,), access_of(tls_registry)), told, CANCEL)

    assert isinstance(arrived.error, TlsRefused)
    with pytest.raises(TlsRefused):
        environment.pull(PullOrder(target, access_of(tls_registry)), told, CANCEL)


def test_a_registry_in_plain_http_against_tls(environment: Environment, tmp_path: Path, other_address: str) -> None:
    bring(environment, "own/plain:1", label="plain")
    with programs.docker_registry(tmp_path / "plain", address=other_address) as plain:
        target = Reference.parse(f"{plain.host}/own/plain:1")
        (arrived,) = environment.push(PushOrder("own/plain:1", (target,), access_of(plain)), told, CANCEL)

    assert isinstance(arrived.error, TlsRefused)


# ── TLS between us and the daemon


def test_a_daemon_behind_tls_that_wants_our_certificate(
    builder: EnvironmentBuilder, tmp_path: Path, registry: RunningRegistry
) -> None:
    authority = Authority(tmp_path)
    server, client = authority.server("127.0.0.1"), authority.client()
    port = programs.free_port()
    tls = [
        f"--host=tcp://127.0.0.1:{port}",
        "--tlsverify",
        f"--tlscacert={authority.certificate}",
        f"--tlscert={server.certificate}",
        f"--tlskey={server.key}",
    ]
    row = EnvironmentRow(
        7,
        "tls",
        ConnectionType.DIRECT,
        host="127.0.0.1",
        port=port,
        protocol="https",
        tls_ca=authority.certificate.read_text(),
        tls_cert=client.certificate.read_text(),
    )
    with programs.docker_engine(tmp_path / "docker", tls):
        environment = builder(row, client.key.read_text())
        assert environment.engine(CANCEL).name == "Docker"
        bring(environment, "own/over-tls:1")
        target = Reference.parse(f"{registry.host}/own/over-tls:1")
        (arrived,) = environment.push(PushOrder("own/over-tls:1", (target,), access_of(registry)), told, CANCEL)
        assert arrived.error is None

        with builder.trial(
            EnvironmentRow(
                7, "no", ConnectionType.DIRECT, host="127.0.0.1", port=port, protocol="https", tls_skip_verify=True
            ),
            None,
        ) as stranger:
            with pytest.raises(DaemonUnreachable) as caught:
                stranger.ping(CANCEL)
            assert "certificate" in (caught.value.why or "")


def test_a_registry_is_no_docker_host(builder: EnvironmentBuilder, registry: RunningRegistry) -> None:
    port = int(registry.host.rpartition(":")[2])
    row = EnvironmentRow(8, "no", ConnectionType.DIRECT, host="127.0.0.1", port=port, protocol="http")
    with pytest.raises(NotDocker):
        builder(row, None).engine(CANCEL)


# ── the test of a connection


@pytest.mark.parametrize(
    ("host", "protocol", "failing"),
    [
        ("127.0.0.1", "http", "ping"),
        ("127.0.0.1", "https", "tls"),
        ("no-such-host.invalid", "http", "resolve"),
        ("169.254.169.254", "http", "resolve"),
    ],
)
def test_what_is_no_docker_host_fails_at_its_step(
    builder: EnvironmentBuilder, registry: RunningRegistry, host: str, protocol: str, failing: str
) -> None:
    port = int(registry.host.rpartition(":")[2])
    row = EnvironmentRow(9, "x", ConnectionType.DIRECT, host=host, port=port, protocol=protocol)
    report = tried(builder, row)

    assert not report.success
    assert report.steps[-1].name == failing
    assert len(report.error or "") < 400


def test_a_dead_port_fails_at_connect_and_a_daemon_at_nothing(
    builder: EnvironmentBuilder, docker_engine: RunningDocker
) -> None:
    dead = EnvironmentRow(9, "x", ConnectionType.DIRECT, host="127.0.0.1", port=programs.free_port(), protocol="http")
    assert tried(builder, dead).steps[-1].name == "connect"

    report = tried(builder, row_of(docker_engine))
    assert report.success
    assert report.steps[-1].detail.startswith("Docker 20.10")


def tried(builder: EnvironmentBuilder, row: EnvironmentRow) -> ConnectionReport:
    records, trail = MemoryEnvironments(), KeptTrail()
    kept = records.add_environment(lambda number: replace(row, id=number))
    environments = Environments(records, PlainSeals(), trail, builder, HttpProbe(), hub=PlayedHub())
    return environments.test(LADING, kept.id, CANCEL)
