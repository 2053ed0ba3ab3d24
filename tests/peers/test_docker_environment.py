"""A real Docker engine as an environment: the contract, and what only a daemon can get wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.faults import DaemonUnreachable, NotDocker, PlatformsRefused, PushUnverified
from lading.backends.docker_client.naming import Names
from lading.backends.http.probing import HttpProbe
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.engine.stores import TagUnproven
from lading.errors import Cancelled, NetworkFailed, TlsRefused
from lading.main.environments import EnvironmentBuilder
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.access import LADING
from lading.services.connection_test import ConnectionReport
from lading.services.environment import Access, ConnectionType, Environment, PullOrder, PushOrder
from lading.services.environment_records import EnvironmentRow
from lading.services.environments import Environments
from lading.services.platforms import EVERY
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Event, State
from tests.contract.environments.images_suite import DistributionContract, ImagesContract
from tests.contract.environments.suite import CANCEL, EnvironmentContract, TransferContract, bring, told
from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.embedded import Embedded, embedded
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, PlainSeals
from tests.fakes.root_images import tar_of
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.peers import programs
from tests.peers.programs import RunningDocker, RunningRegistry

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    folder = tmp_path_factory.mktemp("docker-registry")
    with programs.docker_registry(folder, htpasswd=("me", "secret")) as running:
        yield running


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Embedded]:
    with embedded(tmp_path / "lading") as made:
        yield made


@pytest.fixture
def builder(places: Embedded) -> Iterator[EnvironmentBuilder]:
    made = EnvironmentBuilder(places.places, lambda: places.environment, "lading/tests")
    yield made
    made.close()


def row_of(docker: RunningDocker) -> EnvironmentRow:
    return EnvironmentRow(1, "docker", ConnectionType.SOCKET, socket_path=str(docker.socket))


@pytest.fixture
def environment(docker_engine: RunningDocker, builder: EnvironmentBuilder) -> Environment:
    return builder(row_of(docker_engine), None)


def access_of(registry: RunningRegistry, tls: Tls = Tls.VERIFY, ca: str | None = None) -> Access:
    login = Credential(registry.username, registry.password or "", source="tests") if registry.username else None
    return Access("tests", Endpoint(registry.host, tls, ca_pem=ca), login, 1)


class TestDocker(EnvironmentContract, ImagesContract):
    """Through its unix socket."""


class TestDockerTransfers(TransferContract, DistributionContract):
    """Through a registry with a password."""


def names_of(environment: Environment, image: str) -> set[str]:
    return set(environment.image(image, CANCEL).summary.names)


def test_the_answer_to_a_push_is_the_digest_of_docker_itself(
    environment: Environment, docker_engine: RunningDocker, registry: RunningRegistry
) -> None:
    bring(environment, "own/same:1", label="same")
    target = Reference.parse(f"{registry.host}/own/same:1")

    (arrived,) = environment.push(PushOrder("own/same:1", (target,), access_of(registry)), told, CANCEL)

    listed = docker_engine("images", "--digests", "--format", "{{.Digest}}", f"{registry.host}/own/same")
    assert str(arrived.digest) in listed.split()


def test_layers_are_told_of_by_their_short_ids(environment: Environment, registry: RunningRegistry) -> None:
    archive = docker_archive(["own/told:1"], [tar_of({"big": b"z" * 3_000_000})], label="told")
    environment.load(reader(archive), told, CANCEL)
    events: list[Event] = []
    target = Reference.parse(f"{registry.host}/own/told:1")

    environment.push(PushOrder("own/told:1", (target,), access_of(registry)), events.append, CANCEL)

    layers = [event for event in events if isinstance(event, Advanced)]
    assert {len(event.id) for event in layers} == {12}
    assert layers[-1].state is State.DONE
    assert all(event.total is None or event.current <= event.total for event in layers)


def test_a_name_that_was_there_before_a_failed_push_stays(environment: Environment, registry: RunningRegistry) -> None:
    identity = bring(environment, "own/before:1", label="before")
    target = Reference.parse(f"{registry.host}/own/before:1")
    environment.tag(identity, target, CANCEL)
    wrong = Access("tests", Endpoint(registry.host), Credential("me", "wrong"), 9)

    (arrived,) = environment.push(PushOrder(identity, (target,), wrong), told, CANCEL)

    assert arrived.error is not None
    assert str(target) in names_of(environment, identity)


def test_a_name_that_stood_for_another_image_stands_for_it_again(
    environment: Environment, registry: RunningRegistry
) -> None:
    first, second = bring(environment, "own/one:1", label="one"), bring(environment, "own/two:1", label="two")
    target = Reference.parse(f"{registry.host}/own/moved:1")
    environment.tag(first, target, CANCEL)
    wrong = Access("tests", Endpoint(registry.host), Credential("me", "wrong"), 9)

    environment.push(PushOrder(second, (target,), wrong), told, CANCEL)

    assert str(target) in names_of(environment, first)
    assert str(target) not in names_of(environment, second)


def test_an_image_without_another_name_is_not_lost_by_a_failed_push(
    environment: Environment, docker_engine: RunningDocker, registry: RunningRegistry
) -> None:
    identity = docker_engine("import", "-", input=tar_of({"nameless": b"x"})).strip()
    wrong = Access("tests", Endpoint(registry.host), Credential("me", "wrong"), 9)
    target = Reference.parse(f"{registry.host}/own/nameless:1")

    environment.push(PushOrder(identity, (target,), wrong), told, CANCEL)

    assert environment.image(identity, CANCEL).summary.id == identity


def test_what_the_registry_does_not_confirm_is_never_complete(
    environment: Environment, registry: RunningRegistry, docker_engine: RunningDocker
) -> None:
    bring(environment, "own/unproven:1", label="unproven")
    target = Reference.parse(f"{registry.host}/own/unproven:1")
    order = PushOrder("own/unproven:1", (target,), access_of(registry))

    def other(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        return Digest.of(b"another")

    def unreachable(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        raise DaemonUnreachable("somebody", NetworkFailed("x"))

    for prove, kind in ((other, TagUnproven), (unreachable, PushUnverified)):
        with closing(
            HttpTransport(lambda host: Endpoint(host, socket=str(docker_engine.socket)), {}, "t")
        ) as transport:
            docker = DockerEnvironment(transport, "http://docker", "docker", prove, Names())
            (arrived,) = docker.push(order, told, CANCEL)
        assert isinstance(arrived.error, kind)


def test_several_platforms_are_refused(environment: Environment, registry: RunningRegistry) -> None:
    target = Reference.parse(f"{registry.host}/own/all:1")
    with pytest.raises(PlatformsRefused):
        environment.pull(PullOrder(target, access_of(registry), EVERY), told, CANCEL)


def test_a_cancelled_push_ends_at_the_daemon_and_takes_its_name_back(
    environment: Environment, docker_engine: RunningDocker
) -> None:
    """The registry never answers; hanging up is what makes the daemon give up."""
    asked = threading.Event()

    def answer(request: Asked) -> Reply:
        asked.set()
        request.receive()
        stalled.wait(20)
        return Reply(500)

    stalled = threading.Event()
    identity = bring(environment, "own/cancelled:1", label="cancelled")
    with ScriptedServer(answer) as server:
        target = Reference.parse(f"{server.authority}/own/cancelled:1")
        cancel = Cancellation()

        def give_up() -> None:
            asked.wait(20)
            cancel.cancel()

        giving_up = threading.Thread(target=give_up)
        giving_up.start()
        with pytest.raises(Cancelled):
            environment.push(PushOrder(identity, (target,), Access("s", Endpoint(server.authority))), told, cancel)
        giving_up.join()
        stalled.set()

    assert names_of(environment, identity) == {"docker.io/own/cancelled:1"}


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
    environments = Environments(records, PlainSeals(), trail, builder, HttpProbe())
    return environments.test(LADING, kept.id, CANCEL)
