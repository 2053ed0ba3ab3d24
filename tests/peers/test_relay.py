"""Pushes of real Docker engines that go through us, to a registry that they do not trust: its CA is nobody's but ours.

Docker trusts whatever answers on loopback, so the registry listens on another address of this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.fakes.service_folder import ServiceFolder
from tests.fakes.stock_agent import StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.fakes.stock_standard import StandardProxy
from tests.fronts.rest_api.caller import JSON, Answer, House, done, house, until
from tests.peers import programs
from tests.peers.edge_ways import QUICK, TOKEN, our_agent
from tests.peers.programs import RunningDocker, RunningRegistry

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]

BASE_BYTES, OWN_BYTES = 3_000_000, 50_000

OURS = "ours"
"""Hosts are told the truth about our own registry."""


@dataclass(frozen=True)
class Far:
    """A registry that the Docker host does not trust, and a service that does."""

    house: House
    docker: RunningDocker
    registry: RunningRegistry
    row: int

    def add(self, name: str, **fields: object) -> int:
        """An environment; its id."""
        made = self.house.admin.post("/api/environments", {"name": name, **fields})
        assert made.status == 201, made.text
        return int(made.json["id"])

    def host(self, name: str = "host") -> int:
        """The Docker host by its socket; its id."""
        return self.add(name, connectionType="socket", socketPath=str(self.docker.socket))

    def push(self, environment: int, image: str, **fields: object) -> Answer:
        body = {"imageId": image, "registryId": self.row, **fields}
        return self.house.admin.post(f"/api/images/push?env={environment}", body, Accept=JSON)

    def lines(self, answer: Answer) -> list[dict[str, Any]]:
        job = done(self.house.admin, answer.headers["x-job-id"])
        told: list[dict[str, Any]] = [line["data"] for line in job["lines"]]  # type: ignore[attr-defined]
        return told

    def uploads(self) -> int:
        """How many blobs the registry has had sent to it so far: it mounts what it has with 201, and takes the rest
        with 202."""
        return sum(1 for each in self.registry.asked() if (each.method, each.status) == ("POST", 202))

    def tag(self, name: str) -> str:
        """What the registry itself has for the tag."""
        kept = self.registry.root / "docker/registry/v2/repositories/relayed/_manifests/tags" / name / "current/link"
        return kept.read_text()

    def audited(self, target: str) -> list[tuple[str, object]]:
        """How the pushes of this target stand on the trail, oldest first; those of a failed trial before are left
        out."""
        rows = self.house.admin.get("/api/audit?action=push").json
        pushes = [(row["result"], row["details"]) for row in rows if row["entityName"] == target]
        return pushes[1::-1]

    def held(self) -> int:
        """The bytes of all blobs that the registry holds."""
        blobs = self.registry.root / "docker/registry/v2/blobs"
        return sum(size for path, size in programs.files_below(blobs) if path.name == "data")


@contextmanager
def far(folder: Path, docker: RunningDocker, *, relay: str = "auto", staging: str | None) -> Iterator[Far]:
    """`staging` is what hosts are told to call our own registry; None: nothing."""
    address = programs.own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback's")
    folder.mkdir(parents=True, exist_ok=True)
    authority, port = Authority(folder), programs.free_port()
    shown = authority.server(address)
    if staging == OURS:
        staging = f"http://127.0.0.1:{port}"
    login = ("far", "away")
    with (
        programs.docker_registry(
            folder / "registry", address=address, tls=(shown.certificate, shown.key), htpasswd=login
        ) as registry,
        house(folder / "data", registry_port=port, registry_public_url=staging) as running,
    ):
        form = {
            "name": "far",
            "url": f"https://{registry.host}",
            "username": login[0],
            "password": login[1],
            "ca": authority.certificate.read_text(),
            "relay": relay,
        }
        made = running.admin.post("/api/registries", form)
        assert made.status == 201, made.text
        assert made.json["relay"] == relay
        yield Far(running, docker, registry, int(made.json["id"]))


@pytest.fixture
def versions(docker_engine: RunningDocker) -> Iterator[tuple[str, str]]:
    """Two images that differ in their last layer."""
    base = tar_of({"base": os.urandom(BASE_BYTES)})
    names = ("shop.example/relayed:1", "shop.example/relayed:2")
    for name in names:
        layers = [base, tar_of({"own": os.urandom(OWN_BYTES)})]
        docker_engine("load", input=docker_archive([name], layers, label=name))
    yield names
    docker_engine("rmi", "--force", *names)


def test_a_host_that_does_not_trust_the_registry_pushes_through_us(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str]
) -> None:
    with far(tmp_path, docker_engine, staging=OURS) as there:
        number = there.host()

        alone = there.push(number, versions[0], relay=False)
        assert alone.status == 500, alone.text
        assert (alone.json["code"], there.uploads()) == ("tls", 0)

        goes_through(there, number, versions)
        nothing_is_left(there)


@pytest.mark.parametrize("staging", [None, "http://127.0.0.1:9"])
def test_a_host_that_reaches_nothing_of_ours_hands_its_image_out(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str], staging: str | None
) -> None:
    with far(tmp_path, docker_engine, staging=staging) as there:
        goes_through(there, there.host(), versions)
        nothing_is_left(there)


@pytest.mark.parametrize("staging", [OURS, None])
def test_a_host_behind_a_stock_agent_pushes_through_us(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str], staging: str | None
) -> None:
    with far(tmp_path, docker_engine, staging=staging) as there, behind_agent(there) as number:
        goes_through(there, number, versions)


@pytest.mark.proof
@pytest.mark.parametrize("staging", [OURS, None])
def test_a_host_behind_our_agent_pushes_through_us(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str], staging: str | None
) -> None:
    with far(tmp_path, docker_engine, staging=staging) as there, behind_our_agent(there, tmp_path) as number:
        goes_through(there, number, versions)
        nothing_is_left(there)


@pytest.mark.proof
@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("staging", [OURS, None])
def test_a_host_behind_a_standard_agent_pushes_through_us(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str], staging: str | None, variant: Variant
) -> None:
    engine = SocketEngine(str(docker_engine.socket))
    with (
        far(tmp_path, docker_engine, staging=staging) as there,
        StandardProxy(engine, TOKEN, variant=variant) as proxy,
    ):
        reached = {"host": "127.0.0.1", "port": proxy.port, "protocol": "http", "hawserToken": TOKEN}
        goes_through(there, there.add("standard", connectionType="hawser-standard", **reached), versions)
        nothing_is_left(there)


def test_the_login_of_a_registry_that_is_always_relayed_to_never_leaves_us(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str]
) -> None:
    with far(tmp_path, docker_engine, relay="always", staging=OURS) as there:
        answer = there.push(there.host(), versions[0])

        assert answer.status == 200, answer.text
        assert answer.json["relayed"] is True
        said = [line["message"] for line in there.lines(answer) if line.get("status") == "relaying"]
        assert said == ["Pushing through Lading, as the registry's settings or this push ask for"]
        assert not any(there.registry.host in line for line in docker_engine("images", "--digests").splitlines())


def test_a_cancel_on_the_way_to_the_registry_leaves_nothing(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str]
) -> None:
    with far(tmp_path, docker_engine, relay="always", staging=OURS) as there:
        admin, number = there.house.admin, there.host()
        with there.registry.frozen():
            body = {"imageId": versions[0], "registryId": there.row}
            job = admin.post(f"/api/images/push?env={number}", body).json["jobId"]
            until(lambda: '"Pushed"' in admin.get(f"/api/jobs/{job}").text, "the image is here")
            assert admin("DELETE", f"/api/jobs/{job}").status == 200
            assert done(admin, job)["status"] == "cancelled"
        nothing_is_left(there)

        assert there.push(number, versions[0]).status == 200


def test_the_command_may_ask_a_server_for_one_push(
    tmp_path: Path, docker_engine: RunningDocker, versions: tuple[str, str]
) -> None:
    with far(tmp_path, docker_engine, relay="never", staging=None) as there:
        there.host()
        token = there.house.admin.post("/api/auth/tokens", {"name": "command"}).json["token"]
        (tmp_path / "mine").mkdir()
        lading = ServiceFolder(tmp_path / "mine", {"LADING_SERVER": there.house.running.api, "LADING_TOKEN": token})
        push = ["push", "--env", "host", versions[0], f"{there.registry.host}/relayed:1"]

        alone, through = lading.run(*push), lading.run(*push, "--relay")

        assert alone.code == 7
        assert (through.code, through.out.split()[0]) == (0, f"{there.registry.host}/relayed:1@{there.tag('1')}")
        assert "Pushing through Lading" in through.err


def goes_through(there: Far, number: int, versions: tuple[str, str]) -> None:
    """Both versions arrive; of the second one only what is its own moves."""
    first = there.push(number, versions[0])

    assert first.status == 200, first.text
    assert first.json["relayed"] is True
    assert any("Pushing through Lading: " in str(line.get("message")) for line in there.lines(first))
    assert there.tag("1") == first.json["digest"]
    details = {"targetTag": f"{there.registry.host}/relayed:1", "registry": "far"}
    assert there.audited(first.json["targetTag"]) == [("started", details), ("done", details)]
    uploads, held = there.uploads(), there.held()
    assert held > BASE_BYTES

    second = there.push(number, versions[1])

    assert second.status == 200, second.text
    assert there.tag("2") == second.json["digest"]
    assert there.uploads() == uploads + 2  # the layer of its own, and its config
    assert there.held() - held < BASE_BYTES / 10

    again = there.push(number, versions[1])
    assert (again.status, again.json["digest"]) == (200, second.json["digest"])
    assert there.uploads() == uploads + 2


def nothing_is_left(there: Far) -> None:
    """No name of ours at the host, no tag and no login in our registry."""
    assert "lading-relays" not in there.docker("images", "--digests", "--format", "{{.Repository}}")
    for row in there.house.admin.get("/api/repositories").json:
        tags = there.house.admin.get(f"/api/repositories/{row['name'].replace('/', '%2F')}/tags")
        assert tags.json == []
    assert "one relay" not in there.house.admin.get("/api/auth/tokens?all=true").text


@contextmanager
def behind_agent(there: Far) -> Iterator[int]:
    """The Docker host as an edge environment; its id."""
    number, token = edge(there)
    engine = SocketEngine(str(there.docker.socket))
    server = there.house.running.api.replace("http:", "ws:")
    with ExitStack() as stack:
        stack.enter_context(playing(StockAgent(server, token, engine, Variant.OLD, habits=QUICK)))
        wait_for_agent(there)
        yield number


@contextmanager
def behind_our_agent(there: Far, folder: Path) -> Iterator[int]:
    """The same, with Lading's own agent as a process; its id."""
    number, token = edge(there)
    with our_agent(folder, there.house.running.api, token, there.docker):
        wait_for_agent(there)
        yield number


def edge(there: Far) -> tuple[int, str]:
    """A new edge environment: its id, and the token of its agent."""
    number = there.add("edge", connectionType="hawser-edge")
    made = there.house.admin.post("/api/hawser/tokens", {"name": "t", "environmentId": number})
    return number, made.json["token"]


def wait_for_agent(there: Far) -> None:
    admin = there.house.admin
    until(lambda: bool(admin.get("/api/hawser/connect").json["connections"]), "the agent is connected")
