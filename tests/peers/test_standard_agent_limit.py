"""A real Docker engine behind a standard agent, which ends every push after so long: 30 seconds, here mostly less."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.faults import (
    AgentTokenRefused,
    DaemonUnreachable,
    EngineAway,
    ExportCut,
    PushCannotConverge,
)
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.standard_agent import Limit, StandardAgent
from lading.backends.http.transport import HttpTransport
from lading.errors import LadingError
from lading.oci.reference import Reference
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.orders import Access, Arrived, PushOrder
from lading.services.environments.records import EnvironmentRow
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Request, Response
from lading.wire.progress import Event, Noted
from tests.contract.environments.suite import CANCEL, told
from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive, read_to_end, reader
from tests.fakes.embedded import embedded
from tests.fakes.root_images import tar_of
from tests.fakes.stock_engine import Answer, Engine, SocketEngine
from tests.fakes.stock_standard import StandardProxy
from tests.fakes.upload_gate import UploadGate
from tests.peers.docker_environments import access_of, environment_builder, row_of
from tests.peers.programs import RunningDocker, RunningRegistry, docker_registry, get

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]

LIMIT = 1.5
LAYER_BYTES = 4_000_000
TOKEN = "s3cret"


@dataclass(frozen=True)
class Breaking:
    """An Engine that goes away in the middle of every export."""

    inner: Engine

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[Answer]:
        async with self.inner.ask(method, target, headers, body) as answer:
            broken = "/images/get?" in target
            yield replace(answer, pieces=_begun(answer.pieces)) if broken else answer


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield piece
        raise EOFError("unexpected EOF")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def gate(registry: RunningRegistry) -> Iterator[UploadGate]:
    with UploadGate(int(registry.host.rpartition(":")[2])) as made:
        yield made


@dataclass(frozen=True)
class LettingThrough:
    """A Transport: with each push so many layers get to the registry, no more."""

    inner: StandardAgent
    gate: UploadGate
    count: int

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        if "/push?" in request.url:
            self.gate.let(self.count)
        return self.inner.send(request, cancel, passed)


@dataclass
class Host:
    """What is pushed from it, and how."""

    environment: Environment
    proxy: StandardProxy
    events: list[Event]

    def push(self, source: str, access: Access, target: str) -> Arrived:
        order = PushOrder(source, (Reference.parse(target),), access)
        return self.environment.push(order, self.events.append, CANCEL)[0]


@pytest.fixture
def open_host(docker_engine: RunningDocker, tmp_path: Path) -> Iterator[Callable[[UploadGate, int], Host]]:
    """Behind an agent that knows the token."""
    with ExitStack() as stack:
        places = stack.enter_context(embedded(tmp_path / "lading")).places
        proxy = stack.enter_context(StandardProxy(SocketEngine(str(docker_engine.socket)), TOKEN, limit=LIMIT))

        def opened(gate: UploadGate, count: int) -> Host:
            http = stack.enter_context(closing(HttpTransport(Endpoint, {}, "t")))
            agent = StandardAgent(http, "attic", TOKEN, Limit(LIMIT))
            environment = DockerEnvironment(
                LettingThrough(agent, gate, count),
                f"http://127.0.0.1:{proxy.port}",
                "attic",
                places.prove,
                Names(),
            )
            return Host(environment, proxy, [])

        yield opened


@pytest.fixture
def layers(docker_engine: RunningDocker, tmp_path: Path) -> Iterator[str]:
    """An image of two layers that no registry has; its name."""
    tars = [tar_of({"content": random.randbytes(LAYER_BYTES)}) for _ in range(2)]
    with environment_builder(tmp_path / "loading") as builder:
        direct = builder(row_of(docker_engine), None)
        direct.load(reader(docker_archive(["standard/layers:1"], tars)), told, CANCEL)
        yield "standard/layers:1"
        direct.remove("standard/layers:1", True, CANCEL)


def test_a_push_that_is_cut_is_repeated_until_all_layers_are_there(
    open_host: Callable[[UploadGate, int], Host], gate: UploadGate, registry: RunningRegistry, layers: str
) -> None:
    host = open_host(gate, 1)
    target = f"127.0.0.1:{gate.port}/standard/layers:1"

    arrived = host.push(layers, replace(access_of(registry), endpoint=Endpoint(f"127.0.0.1:{gate.port}")), target)

    assert arrived.error is None
    assert host.proxy.cut == 2  # two layers and a config
    assert sum(isinstance(event, Noted) for event in host.events) == 2
    assert json.loads(get(registry, "/v2/standard/layers/tags/list")[0])["tags"] == ["1"]


def test_a_layer_that_does_not_go_in_that_time_ends_it_and_is_named(
    open_host: Callable[[UploadGate, int], Host], gate: UploadGate, registry: RunningRegistry, layers: str
) -> None:
    host = open_host(gate, 0)
    target = f"127.0.0.1:{gate.port}/standard/never:1"

    arrived = host.push(layers, replace(access_of(registry), endpoint=Endpoint(f"127.0.0.1:{gate.port}")), target)

    assert isinstance(arrived.error, PushCannotConverge)
    assert host.proxy.cut == 2
    assert len(arrived.error.left) == 2
    assert "the agent at attic ends every answer after 1.5 s" in str(arrived.error)
    assert Reference.parse(target) not in map(Reference.parse, host.environment.image(layers, CANCEL).summary.names)
    assert not [asked for asked in registry.asked() if "standard/never/manifests" in asked.path and asked.status < 300]


@pytest.mark.proof
def test_the_real_limit_is_known_by_the_built_environment(
    docker_engine: RunningDocker, gate: UploadGate, registry: RunningRegistry, layers: str, tmp_path: Path
) -> None:
    access = replace(access_of(registry), endpoint=Endpoint(f"127.0.0.1:{gate.port}"))
    with (
        StandardProxy(SocketEngine(str(docker_engine.socket)), TOKEN) as proxy,
        environment_builder(tmp_path / "real") as builder,
    ):
        environment = builder(standard_row(proxy.port), TOKEN)
        gate.let(1)
        order = PushOrder(layers, (Reference.parse(f"127.0.0.1:{gate.port}/standard/real:1"),), access)
        (arrived,) = environment.push(order, told, CANCEL)
    assert isinstance(arrived.error, PushCannotConverge)
    assert (proxy.cut, len(arrived.error.left)) == (3, 1)


def standard_row(port: int) -> EnvironmentRow:
    return EnvironmentRow(1, "attic", ConnectionType.HAWSER_STANDARD, host="127.0.0.1", port=port, protocol="http")


@pytest.mark.parametrize(
    ("token", "kind"), [("wrong", AgentTokenRefused), (None, AgentTokenRefused), (TOKEN, EngineAway)]
)
def test_what_the_agent_itself_says_is_told_as_such(tmp_path: Path, token: str | None, kind: type[LadingError]) -> None:
    """The engine behind it is not there."""
    with (
        StandardProxy(SocketEngine(str(tmp_path / "nobody.sock")), TOKEN) as proxy,
        environment_builder(tmp_path) as builder,
        pytest.raises(kind),
    ):
        builder(standard_row(proxy.port), token).ping(CANCEL)


@pytest.mark.parametrize("trust", ["its authority", "nobody", "everybody"])
def test_an_agent_with_a_certificate_is_believed_as_the_row_says(tmp_path: Path, trust: str) -> None:
    """The token goes to nobody else: what it lets in is a host without an engine."""
    authority = Authority(tmp_path)
    context = authority.context(authority.server("127.0.0.1"))
    engine = SocketEngine(str(tmp_path / "nobody.sock"))
    with StandardProxy(engine, TOKEN, tls=context) as proxy, environment_builder(tmp_path) as builder:
        ca = authority.certificate.read_text() if trust == "its authority" else None
        skip = trust == "everybody"
        row = replace(standard_row(proxy.port), protocol="https", tls_ca=ca, tls_skip_verify=skip)
        with pytest.raises(DaemonUnreachable if trust == "nobody" else EngineAway):
            builder(row, TOKEN).ping(CANCEL)
        assert [asked.headers.get("x-hawser-token") for asked in proxy.asked] == [TOKEN] * (trust != "nobody")


def test_an_export_that_is_cut_is_no_archive(docker_engine: RunningDocker, tmp_path: Path) -> None:
    """The engine behind the agent goes away in the middle, and the agent ends the answer as if that were all."""
    with (
        StandardProxy(Breaking(SocketEngine(str(docker_engine.socket)))) as proxy,
        environment_builder(tmp_path) as builder,
    ):
        docker_engine("import", "-", "standard/cut:1", input=tar_of({"x": random.randbytes(100_000)}))
        environment = builder(standard_row(proxy.port), None)
        with environment.export(["standard/cut:1"], CANCEL) as stream, pytest.raises(ExportCut):
            read_to_end(stream)
        environment.remove("standard/cut:1", True, CANCEL)
