"""Servers and workers that begin before what they stand on: real processes, a real PostgreSQL and a real object store
that come later; and those that would wait for nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.troubled_store import TroubledStore
from tests.peers import programs
from tests.peers.postgres_server import PASSWORD, RunningPostgres, postgres_server
from tests.peers.s3_server import SECRET, RunningS3
from tests.peers.service_process import SECRET_KEY, Service, until
from tests.peers.worker_process import Worker

pytestmark = pytest.mark.peer("postgres", "weed")


ENDS_SECONDS = 8.0
"""Less than what whoever connects waits for an answer, and much more than what a busy machine takes to end."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningPostgres]:
    """One that tests stop."""
    with postgres_server() as running:
        yield running


@pytest.fixture
def shared(server: RunningPostgres, s3: RunningS3) -> Mapping[str, str]:
    """What servers and workers have in common."""
    return {
        **s3.variables,
        "LADING_DATABASE": server.empty(),
        "LADING_STORAGE": s3.address(),
        "LADING_SECRET_KEY": SECRET_KEY,
    }


@contextlib.contextmanager
def away(server: RunningPostgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def ready(child: subprocess.Popen[bytes], port: int) -> bool:
    assert child.poll() is None
    return told(port, "/readyz") == (200, {"status": "ok"})


def told(port: int, path: str) -> tuple[int, dict[str, str]]:
    """As a balancer asks; 0 where nobody answers."""
    with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, 10)) as asking:
        asking.request("GET", path)
        answer = asking.getresponse()
        return answer.status, json.loads(answer.read())
    return 0, {}


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_server_waits_for_its_database_and_says_so(
    tmp_path: Path, server: RunningPostgres, shared: Mapping[str, str], processes: str
) -> None:
    settings = {**shared, "LADING_REGISTRY_PROCESSES": processes, "LADING_DOCKER_API": "off"}
    service = Service(tmp_path / "data", settings)
    with contextlib.ExitStack() as stack:
        with away(server):
            child = stack.enter_context(service.running(ready=False))
            until(lambda: told(service.port, "/healthz")[0] == 200, "it lives")
            unready = told(service.port, "/readyz")
            other = told(service.port, "/api/images")[0]
        until(lambda: ready(child, service.port), "it is ready")
        service.become_admin()
        answered = service.ask("GET", "/api/images")[0]
        child.send_signal(signal.SIGTERM)
        child.wait(60)

    said = service.log.read_text()
    assert unready == (503, {"status": "not ready", "code": "unavailable", "detail": "cannot reach the database"})
    assert (other, answered, child.returncode) == (503, 200, 0)
    assert "the start waits, and tries again in 1 s: cannot reach the database" in said
    assert "Traceback" not in said
    assert PASSWORD not in said


def test_a_worker_waits_for_its_database_and_says_so(
    tmp_path: Path, server: RunningPostgres, shared: Mapping[str, str]
) -> None:
    """Then it works, and tells what it counts to who may know."""
    port = programs.free_port()
    worker = Worker(tmp_path / "worker", {**shared, "LADING_WORKER_LISTEN": str(port)})
    service = Service(tmp_path / "server", {**shared, "LADING_WORKERS": "1", "LADING_DOCKER_API": "off"})
    with service.running():
        server.stop()
        with contextlib.ExitStack() as stack:
            try:
                starting = stack.enter_context(begun("worker", worker.settings, tmp_path / "worker", worker.log))
                until(lambda: "the start waits" in worker.said(), "it waits")
                waiting = told(port, "/healthz")[0], told(port, "/readyz")[0], told(port, "/metrics")[0]
            finally:
                server.start()
            until(lambda: ready(starting, port), "it works")
            until(lambda: service.ask("GET", "/readyz")[0] == 200, "the server is back")
            metrics = [read(port, token) for token in (service.token, "")]
            starting.send_signal(signal.SIGTERM)
            starting.wait(60)

    assert waiting == (200, 503, 503)
    assert [status for status, _ in metrics] == [200, 401]
    assert "lading_jobs_running 0.0" in metrics[0][1]
    assert starting.returncode == 0
    assert "Traceback" not in worker.said()


def read(port: int, token: str) -> tuple[int, str]:
    """What it counts."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as asking:
        asking.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = asking.getresponse()
        return answer.status, answer.read().decode()


def test_an_object_store_that_is_busy_is_waited_for(tmp_path: Path, s3: RunningS3, shared: Mapping[str, str]) -> None:
    store = TroubledStore(s3.variables["AWS_ENDPOINT_URL"].removeprefix("http://"))
    store.busy = True
    with ScriptedServer(store) as relay:
        settings = {**shared, "AWS_ENDPOINT_URL": f"http://{relay.authority}", "LADING_DOCKER_API": "off"}
        service = Service(tmp_path / "data", settings)
        with service.running(ready=False) as child:
            until(lambda: told(service.port, "/readyz")[0] == 503, "it waits")
            unready = told(service.port, "/readyz")[1]
            store.busy = False
            until(lambda: ready(child, service.port), "it is ready")

    said = service.log.read_text()
    assert unready["detail"] == "the object store failed"
    assert "could not list its objects: it answered 503 Service Unavailable (SlowDown)" in said
    assert "Traceback" not in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("program", "missing"), [("serve", "database"), ("worker", "database"), ("serve", "object store")]
)
def test_who_waits_ends_when_asked(tmp_path: Path, shared: Mapping[str, str], program: str, missing: str) -> None:
    address = f"127.0.0.1:{programs.free_port()}"
    nowhere = {
        **shared,
        **{
            "database": {"LADING_DATABASE": f"postgresql://lading@{address}/lading"},
            "object store": {"AWS_ENDPOINT_URL": f"http://{address}"},
        }[missing],
    }
    ports = {"LADING_PORT": str(programs.free_port()), "LADING_REGISTRY_PORT": str(programs.free_port())}
    log = tmp_path / "log"
    with begun(program, {**nowhere, **ports}, tmp_path / "data", log) as child:
        until(lambda: "the start waits" in log.read_text(), "it waits")
        child.send_signal(signal.SIGTERM)
        child.wait(60)

    assert child.returncode == 0
    assert log.read_text().rstrip().endswith("stopped")
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("program", "silent"),
    [("serve", "database"), ("worker", "database"), ("serve", "object store"), ("worker", "object store")],
)
def test_who_hears_nothing_at_all_ends_when_asked(
    tmp_path: Path, shared: Mapping[str, str], program: str, silent: str
) -> None:
    """Before anything else of its start has ended by itself: no packet returns."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        nowhere = {
            "database": {"LADING_DATABASE": f"postgresql://lading@{address}/lading"},
            "object store": {"AWS_ENDPOINT_URL": f"http://{address}"},
        }[silent]
        ports = {"LADING_PORT": str(programs.free_port()), "LADING_REGISTRY_PORT": str(programs.free_port())}
        log = tmp_path / "log"
        with begun(program, {**shared, **nowhere, **ports}, tmp_path / "data", log) as child:
            came, _ = listener.accept()
            with came:
                child.send_signal(signal.SIGTERM)
                child.wait(ENDS_SECONDS)

    assert child.returncode == 0
    assert log.read_text().splitlines() == ["stopped"]


@pytest.mark.parametrize("program", ["serve", "worker"])
@pytest.mark.parametrize("wrong", ["password", "bucket"])
def test_what_is_wrong_is_not_waited_for(tmp_path: Path, shared: Mapping[str, str], program: str, wrong: str) -> None:
    bad = {
        "password": {"LADING_DATABASE": shared["LADING_DATABASE"].replace(PASSWORD, "another")},
        "bucket": {"AWS_SECRET_ACCESS_KEY": "another"},
    }[wrong]
    ports = {"LADING_PORT": str(programs.free_port()), "LADING_REGISTRY_PORT": str(programs.free_port())}
    log = tmp_path / "log"
    with begun(program, {**shared, **bad, **ports}, tmp_path / "data", log) as child:
        child.wait(60)

    assert child.returncode not in {0, None}
    assert "the start waits" not in log.read_text()
    assert {"password": "cannot reach the database", "bucket": "403"}[wrong] in log.read_text()


@contextlib.contextmanager
def begun(program: str, settings: Mapping[str, str], data: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`lading serve` or `lading worker`, and nobody waits for it; killed at the end, where it still runs."""
    surroundings = {"PATH": "/usr/bin:/bin", "HOME": str(data.parent / "home"), "LADING_DATA": str(data), **settings}
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "lading", program],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=surroundings,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
