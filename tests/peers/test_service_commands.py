"""The service's commands as a person types them on the server's machine, beside a server that runs or not."""

from __future__ import annotations

import json
import os
import pty
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.fakes.children import Child
from tests.fakes.docker_archives import docker_archive
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import BOUND_SECONDS, PASSWORD, SECRET_KEY, Json, Service, until

SECRET = "s3cret-of-the-registry"
NEW_PASSWORD = "battery staple horse"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "data")


@pytest.fixture
def lading(service: Service) -> Lading:
    return Lading(service.data)


def rows(lading: Lading, *words: str) -> list[Json]:
    """What a command lists."""
    found = json.loads(lading(*words, "--format", "json"))
    assert isinstance(found, list)
    return found


def login(service: Service, name: str, password: str) -> int:
    return service.ask("POST", "/api/auth/login", {"username": name, "password": password})[0]


def test_people_of_the_command_line_are_let_in_by_the_server(service: Service, lading: Lading) -> None:
    with service.running():
        admin = service.token
        lading("user", "add", "bob", "--role", "viewer", "--password-stdin", stdin=PASSWORD.encode())
        first = login(service, "bob", PASSWORD)
        lading("user", "reset", "bob", "--password-stdin", stdin=NEW_PASSWORD.encode())
        statuses = (login(service, "bob", PASSWORD), login(service, "bob", NEW_PASSWORD))
        service.token = lading("token", "add", "ci", "--user", "admin", "--scope", "registries:view").strip()
        seen, refused = service.ask("GET", "/api/registries"), service.ask("GET", "/api/users")
        (token,) = [row for row in rows(lading, "token", "ls") if row["name"] == "ci"]
        lading("token", "rm", str(token["id"]))
        gone = service.ask("GET", "/api/registries")[0]
        service.token = admin
        with followed(lading, "audit", "tail", "-f", "-n", "0", "--format", "json") as follower:
            assert follower.stdout is not None
            lading("user", "set", "bob", "--inactive")
            by_command = json.loads(follower.stdout.readline())
            service.ask("POST", "/api/users", {"username": "eve", "roles": []})
            by_server = json.loads(follower.stdout.readline())
        inactive = login(service, "bob", NEW_PASSWORD)

    assert (first, statuses, inactive) == (200, (401, 200), 401)
    assert (seen[0], refused, gone) == (200, (403, {"error": "Permission denied"}), 401)
    told = [(row["username"], row["action"], row["entityName"]) for row in (by_command, by_server)]
    assert told == [("lading", "update", "bob"), ("admin", "create", "eve")]


@pytest.mark.peer("docker-registry", "htpasswd")
def test_a_registry_password_from_standard_input_survives_a_new_key(
    service: Service, lading: Lading, tmp_path: Path
) -> None:
    with programs.docker_registry(tmp_path / "registry", htpasswd=("me", SECRET)) as registry:
        address = f"http://{registry.host}"
        lading("registry", "add", "r", address, "-u", "me", "--password-stdin", stdin=SECRET.encode())
        tested = lading("registry", "test", "r")
        lading("config", "rotate-key")
        again = lading("registry", "test", "r")
        wrong = lading.run("registry", "set", "r", "-u", "me", "--password-stdin", stdin=b"wrong")
        refused = lading.run("registry", "test", "r")
        lading("registry", "set", "r", "-u", "me", "--password-stdin", stdin=SECRET.encode())
        with service.running():
            served = service.ask("POST", "/api/registries/test", {"id": 1})[1]
            rotated = lading.run("config", "rotate-key")

    assert [line.split()[:2] for line in tested.splitlines()] == [
        ["ok", step] for step in ("resolve", "connect", "v2", "token", "scope")
    ]
    assert "it takes the login of me" in again
    assert (wrong.returncode, refused.returncode, rotated.returncode) == (0, 4, 6)
    assert served["success"] is True
    assert b"while a server runs" in rotated.stderr


@pytest.mark.peer("dockerd")
def test_an_environment_is_a_real_docker_host(
    lading: Lading, docker_engine: programs.RunningDocker, tmp_path: Path
) -> None:
    made = json.loads(
        lading("environment", "add", "build", f"unix://{docker_engine.socket}", "--default", "--format", "json")
    )
    tested = lading("environment", "test", "build")

    assert (made["connectionType"], made["isDefault"]) == ("socket", True)
    assert [line.split()[:2] for line in tested.splitlines()] == [
        ["ok", step] for step in ("connect", "ping", "version")
    ]
    assert [row["isDefault"] for row in rows(lading, "environment", "ls")] == [False, True]


@pytest.mark.peer("postgres")
def test_the_same_commands_work_on_postgresql(tmp_path: Path, postgres: RunningPostgres) -> None:
    url = postgres.empty()
    lading = Lading(tmp_path / "data", (("LADING_DATABASE", url), ("LADING_SECRET_KEY", SECRET_KEY)))

    lading("user", "add", "bob", "--role", "admin", "--password-stdin", stdin=PASSWORD.encode())
    lading("registry", "add", "r", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET.encode())
    verified, unseen = lading("audit", "verify"), lading("config", "show")

    assert verified.startswith("2 records, every seal as it was")
    assert [row["hasCredentials"] for row in rows(lading, "registry", "ls")] == [True]
    assert lading("jobs", "ls", "-q") == ""
    assert url not in unseen


def test_a_password_is_asked_for_at_a_terminal_twice_and_not_shown(lading: Lading) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "lading", "--data", str(lading.data), "user", "add", "ann"]
    child = Child(command, stdin=end, stdout=end, stderr=end, env=lading.surroundings(), start_new_session=True)
    os.close(end)
    shown = b""
    try:
        for prompt in (b"Password: ", b"Repeat for confirmation: "):
            while not shown.endswith(prompt):
                shown += os.read(terminal, 1000)
            os.write(terminal, PASSWORD.encode() + b"\n")
        while b"user added" not in shown:
            shown += os.read(terminal, 1000)
        assert child.wait(60) == 0
    finally:
        child.kill()
        child.wait()
        os.close(terminal)

    assert PASSWORD.encode() not in shown
    assert [row["hasPassword"] for row in rows(lading, "user", "ls")] == [True]


def test_a_tampered_row_is_found_beside_a_server(service: Service, lading: Lading) -> None:
    with service.running():
        lading("user", "add", "bob", "--no-password")
        until(lambda: service.ask("GET", "/api/audit/verify")[1]["unsealed"]["rows"] == 0, "all is sealed")  # type: ignore[index]  # a JSON object
    sound = lading("audit", "verify")
    with closing(sqlite3.connect(service.data / "lading.db")) as database, database:
        database.execute("UPDATE audit SET actor = 'nobody' WHERE entity_name = 'bob'")
    broken = lading.run("audit", "verify")

    assert "every seal as it was" in sound
    assert broken.returncode == 1
    assert b"error: the audit trail was changed at row" in broken.stderr


@pytest.mark.peer("docker-registry")
def test_jobs_of_a_server_are_listed_followed_and_asked_for_again(
    service: Service, lading: Lading, tmp_path: Path
) -> None:
    layouts.five_layers(tmp_path / "layout")
    with programs.docker_registry(tmp_path / "registry") as registry:
        image = f"{registry.host}/app:1"
        Lading(tmp_path / "laptop")("copy", f"oci:{tmp_path / 'layout'}:v1", image)
        with service.running():
            service.registry(registry.host)
            job = service.started("/api/images/pull", {"image": image})
            watched = lading("jobs", "watch", job)
            again = json.loads(lading("jobs", "retry", job, "--format", "json"))["id"]
            lading("jobs", "watch", again)
            missing = service.started("/api/images/pull", {"image": f"{registry.host}/none:1"})
            failed = lading.run("jobs", "watch", missing)
            cancelled = lading.run("jobs", "cancel", job)
        said = lading("jobs", "logs", job)
        listed = {row["id"]: (row["kind"], row["status"], row["username"]) for row in rows(lading, "jobs", "ls")}

    assert watched == said
    assert "Pull complete" in said
    assert listed[job] == ("pull", "done", "admin")
    assert listed[again] == ("pull", "done", "lading")
    assert (failed.returncode, cancelled.returncode) == (5, 0)
    assert b"error: Image not found or registry authentication failed" in failed.stderr
    assert b"was over already: done" in cancelled.stdout


def test_a_job_that_a_server_runs_is_cancelled_by_the_command(service: Service, lading: Lading) -> None:
    """The row says so at once, and the server stops the transfer."""
    with service.running(), socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        service.registry(host)
        job = service.started("/api/images/pull", {"image": f"{host}/app:1"})
        silent.settimeout(BOUND_SECONDS)
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(BOUND_SECONDS)
            cancelled = lading("jobs", "cancel", job)
            while connection.recv(4096):
                pass
        shown = service.ask("GET", f"/api/jobs/{job}")[1]
        trail = [str(row["result"]) for row in rows(lading, "audit", "tail", "--action", "pull")]

    assert cancelled == f"{job}   cancelled\n"
    assert shown["status"] == "cancelled"
    assert sorted(trail) == ["cancelled", "started"]


@pytest.mark.peer("dockerd", "docker-registry")
def test_an_image_of_a_docker_host_is_copied_pushed_and_saved(
    docker_engine: programs.RunningDocker, docker_registry: programs.RunningRegistry, tmp_path: Path
) -> None:
    docker_engine("load", input=docker_archive(["team/hello:1"], label="from a docker host"))
    laptop = Lading(tmp_path / "laptop", (("DOCKER_HOST", f"unix://{docker_engine.socket}"),))
    host = docker_registry.host
    image_id = docker_engine("image", "inspect", "-f", "{{.Id}}", "team/hello:1").strip()

    laptop("copy", "docker:team/hello:1", f"{host}/team/copied:1")
    laptop("push", "docker:team/hello:1", f"{host}/team/pushed:1")
    laptop("copy", f"docker:{image_id}", f"{host}/team/by-id:1")
    laptop("save", "docker:team/hello:1", "-o", str(tmp_path / "hello.tar"))
    digests = {laptop("digest", f"{host}/team/{name}:1") for name in ("copied", "pushed", "by-id")}
    manifest = json.loads(programs.get(docker_registry, "/v2/team/copied/manifests/1", OCI_MANIFEST)[0])

    assert len(digests) == 1
    assert manifest["config"]["digest"] == image_id
    assert docker_engine("load", "-i", str(tmp_path / "hello.tar")).strip() == "Loaded image: team/hello:1"


@pytest.mark.peer("dockerd")
def test_what_a_docker_host_does_not_have_is_not_found(docker_engine: programs.RunningDocker, tmp_path: Path) -> None:
    laptop = Lading(tmp_path / "laptop", (("DOCKER_HOST", f"unix://{docker_engine.socket}"),))

    missing = laptop.run("copy", "docker:none:1", f"oci:{tmp_path / 'layout'}")

    assert missing.returncode == 5
    assert b"error: Image not found: none:1" in missing.stderr


def test_a_docker_host_that_is_away_is_unreachable(tmp_path: Path) -> None:
    laptop = Lading(tmp_path / "laptop", (("DOCKER_HOST", f"unix://{tmp_path}/none.sock"),))

    assert laptop.run("copy", "docker:web:1", f"oci:{tmp_path / 'layout'}").returncode == 10


@contextmanager
def followed(lading: Lading, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on until it is stopped, once it hears what others write."""
    child = lading.start(*words)
    wakes = lading.data / "wake"
    try:
        until(lambda: any(each.name.startswith(f"{child.pid}-") for each in wakes.iterdir()), "it listens")
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=30)
