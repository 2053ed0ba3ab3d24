"""deploy/scaled as it stands, but for addresses: real servers and workers with the settings of its compose file, behind
a real HAProxy with its configuration, on a real PostgreSQL and S3 server. Containers alone are missing."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import obstore
import pytest
import yaml

from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.postgres_server import RunningPostgres
from tests.peers.s3_server import RunningS3, weed
from tests.peers.service_process import SECRET_KEY, Service, stop, until

SCALED = Path(__file__).resolve().parents[2] / "deploy/scaled"
REQUESTS = 60

pytestmark = [pytest.mark.peer("postgres", "haproxy"), pytest.mark.peer("weed")]


@dataclass(frozen=True)
class Scaled:
    """All of it is up. `front` asks through the balancer, as the admin."""

    front: Service
    servers: Mapping[str, Service]
    running: contextlib.ExitStack
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """That server, until the deployment ends."""
        self.children[name] = self.running.enter_context(self.servers[name].running())


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory, postgres: RunningPostgres, s3: RunningS3) -> Iterator[Scaled]:
    """One for all tests: each leaves it whole."""
    folder = tmp_path_factory.mktemp("scaled")
    services = yaml.safe_load((SCALED / "compose.yaml").read_text())["services"]
    port = programs.free_port()
    here = {
        "LADING_DATABASE": postgres.empty(),
        "LADING_SECRET_KEY": SECRET_KEY,
        "LADING_STORAGE": s3.address(),
        **s3.variables,
        "LADING_DOCKER_API": "off",  # as in the image
    }
    facing = {
        "LADING_PUBLIC_URL": f"http://localhost:{port}",
        "LADING_REGISTRY_PUBLIC_URL": f"http://localhost:{port}",
        "LADING_TRUSTED_PROXIES": "127.0.0.1",
    }
    servers: dict[str, Service] = {}
    for name in (each for each in services if each.startswith("serve-")):
        door = f"127.0.0.1:{programs.free_port()}"
        own = {"LADING_REPLICA_LISTEN": door, "LADING_REPLICA_URL": f"http://{door}"}
        said = {key: text for key, text in services[name]["environment"].items() if key != "LADING_REGISTRY_PORT"}
        servers[name] = Service(folder / name, {**said, **here, **facing, **own})
    front = Service(folder / "none", port=port, registry_port=port)
    with contextlib.ExitStack() as stack:
        scaled = Scaled(front, servers, stack)
        for name in servers:
            scaled.begin(name)
        for number in range(services["worker"]["deploy"]["replicas"]):
            page = {"LADING_WORKER_LISTEN": f"127.0.0.1:{programs.free_port()}"}
            own = {**page, "LADING_DATA": str(folder / f"worker{number}")}
            stack.enter_context(
                working(folder / f"worker{number}.log", {**services["worker"]["environment"], **here, **own})
            )
        stack.enter_context(balancing(folder / "balancer", port, servers))
        until(lambda: front.ask("GET", "/readyz")[0] == 200, "the balancer knows of a server that is ready")
        front.become_admin()
        yield scaled


@contextlib.contextmanager
def working(log: Path, settings: Mapping[str, str]) -> Iterator[None]:
    surroundings = {"PATH": "/usr/bin:/bin", "HOME": str(log.parent), **settings}
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "lading", "worker"],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=surroundings,
        )
        try:
            yield
        finally:
            stop(child)


@contextlib.contextmanager
def balancing(folder: Path, port: int, servers: Mapping[str, Service]) -> Iterator[None]:
    folder.mkdir()

    def address(found: re.Match[str]) -> str:
        server = servers[found[1]]
        port = server.port if found[2] == "3000" else server.registry_port
        return f"    server {found[1]} 127.0.0.1:{port} port {server.port}"

    text = (SCALED / "haproxy.cfg").read_text().replace("bind :8080", f"bind 127.0.0.1:{port}")
    text, exchanged = re.subn(r"^    server (\S+) \1:(3000|5000)$", address, text, flags=re.MULTILINE)
    assert exchanged == 2 * len(servers)
    (folder / "haproxy.cfg").write_text(text)
    command = [str(programs.find("haproxy")), "-db", "-f", str(folder / "haproxy.cfg")]
    with programs.process(command, folder / "log") as child:
        programs.wait_for_port(port, child, folder / "log")
        yield


def test_images_move_through_the_balancer_and_workers_do_the_jobs(scaled: Scaled, tmp_path: Path) -> None:
    """The servers do none themselves: one that ends was done by a worker."""
    digest = layouts.five_layers(tmp_path / "layout")
    registry = f"localhost:{scaled.front.port}"
    laptop = Lading(tmp_path / "laptop")
    laptop("login", registry, "-u", "admin", "--password-stdin", stdin=scaled.front.token.encode())

    laptop("-q", "copy", f"oci:{tmp_path / 'layout'}:v1", f"{registry}/team/app:1")
    scaled.front.registry(registry, username="admin", password=scaled.front.token)
    status, told = scaled.front.ask(
        "POST", "/api/images/pull", {"image": f"{registry}/team/app:1"}, {"Accept": "application/json"}
    )

    assert laptop("-q", "pull", f"{registry}/team/app:1").strip() == f"{registry}/team/app:1@{digest}"
    assert (status, told["status"]) == (200, "complete"), told


def test_events_of_any_server_arrive_through_the_balancer_as_they_happen(scaled: Scaled) -> None:
    with contextlib.closing(scaled.front.connection()) as connection:
        sent = {"Authorization": f"Bearer {scaled.front.token}", "Accept": "text/event-stream"}
        connection.request("GET", "/api/audit/events", headers=sent)
        answer = connection.getresponse()
        assert answer.status == 200
        for name, server in scaled.servers.items():
            server.token = scaled.front.token
            assert server.ask("POST", "/api/roles", {"name": f"seen at {name}", "grants": []})[0] == 201

        seen = b""
        while not all(f"seen at {name}".encode() in seen for name in scaled.servers):
            line = answer.readline()
            assert line, seen
            seen += line


def test_nobody_notices_that_a_server_stops_and_comes_again(scaled: Scaled) -> None:
    leaving = scaled.children["serve-2"]
    answers = []
    for number in range(REQUESTS):
        if number == REQUESTS // 4:
            leaving.send_signal(signal.SIGTERM)
        answers.append(scaled.front.ask("GET", "/api/users")[0])
        answers.append(registry_status(scaled.front))
    leaving.wait(60)
    answers += [scaled.front.ask("GET", "/api/users")[0] for _ in range(REQUESTS)]
    scaled.begin("serve-2")
    answers += [scaled.front.ask("GET", "/api/users")[0] for _ in range(REQUESTS)]

    assert set(answers) == {200, 401}, answers
    assert answers.count(401) == REQUESTS


def registry_status(front: Service) -> int:
    """Of the registry's door, to somebody without a login: 401 where it is there."""
    return front.text("GET", "/v2/", headers={"Authorization": ""})[0]


def test_a_server_whose_database_is_away_is_not_asked(scaled: Scaled, postgres: RunningPostgres) -> None:
    """HAProxy's own word for it: a 503 without our body, and no time-out."""
    postgres.stop()
    try:
        until(lambda: "No server is available" in scaled.front.text("GET", "/healthz")[1], "no server is ready")
    finally:
        postgres.start()
    until(lambda: scaled.front.text("GET", "/healthz")[0] == 200, "they are again")


def test_the_bucket_that_servers_ask_for_is_made_with_the_store(s3: RunningS3) -> None:
    """Twice, as `up` is said again."""
    services = yaml.safe_load((SCALED / "compose.yaml").read_text())["services"]
    bucket = services["serve-1"]["environment"]["LADING_STORAGE"].removeprefix("s3://").partition("/")[0]
    *shell, script = services["bucket"]["entrypoint"]
    for name, here in (("weed ", f"{weed()} "), ("s3:9333", s3.master)):
        assert name in script
        script = script.replace(name, here)

    for _ in range(2):
        programs.run(*shell, script)

        assert list(obstore.list(s3.bucket(bucket))) == []
