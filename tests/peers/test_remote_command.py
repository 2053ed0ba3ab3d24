"""The command line before a server of its own: what it brings there, and what becomes of it when it is killed."""

from __future__ import annotations

import base64
import json
import signal
from pathlib import Path
from random import Random

import pytest

from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.fakes.docker_archives import docker_archive
from tests.peers import programs
from tests.peers.command import Lading
from tests.peers.docker_command import DockerCommand
from tests.peers.service_process import PASSWORD, Service, kill, until


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "server")


def client(service: Service, folder: Path) -> Lading:
    """The program on another machine, logged in."""
    away = Lading(folder, (("LADING_SERVER", f"http://127.0.0.1:{service.port}"),))
    away("login", f"http://127.0.0.1:{service.port}", "-u", "admin", "--password-stdin", stdin=PASSWORD.encode())
    return away


@pytest.mark.peer("docker")
def test_a_layout_pushed_from_afar_has_the_digest_that_docker_pushes(service: Service, tmp_path: Path) -> None:
    archive = tmp_path / "hello.tar"
    archive.write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    registry = f"localhost:{service.registry_port}"
    program = programs.find("docker")
    assert program is not None
    with service.running():
        here = Lading(tmp_path / "here")
        here("copy", f"archive:{archive}", f"oci:{tmp_path}/D")
        pushed = client(service, tmp_path / "client")("push", f"oci:{tmp_path}/D", f"{registry}/a/hello:1", "-q")

        login = base64.b64encode(f"admin:{service.token}".encode()).decode()
        home = tmp_path / "docker home"
        (home / ".docker").mkdir(parents=True)
        (home / ".docker" / "config.json").write_text(json.dumps({"auths": {registry: {"auth": login}}}))
        docker = DockerCommand(program, f"unix://{service.data}/docker.sock", home)
        loaded = docker("load", "-i", str(archive))
        named = docker("tag", "demo/hello:1", f"{registry}/b/hello:1")
        by_docker = docker("push", f"{registry}/b/hello:1")

    digest = pushed.strip().rpartition("@")[2]
    assert (loaded.status, named.status, by_docker.status) == (0, 0, 0), by_docker.all
    assert f"digest: {digest} " in by_docker.out


@pytest.mark.peer("docker-registry")
def test_a_job_outlives_the_client_that_was_killed(
    service: Service, docker_registry: programs.RunningRegistry, tmp_path: Path
) -> None:
    with service.running():
        service.load(docker_archive(["demo/large:1"], [Random(7).randbytes(1024 * 1024)]))
        away, target = client(service, tmp_path / "client"), f"{docker_registry.host}/demo/large:1"
        with docker_registry.frozen():
            pushing = away.start("push", "demo/large:1", target)
            until(lambda: "running" in away("jobs", "ls", "--kind", "push"), "the push has begun")
            (job,) = away("jobs", "ls", "--kind", "push", "-q").split()
            pushing.kill()
            pushing.communicate()
            watching = away.start("jobs", "watch", job)
        out, err = watching.communicate(timeout=120)

    assert watching.returncode == 0, err
    assert out.decode().splitlines()[-1] == f"Image pushed to {target}"


@pytest.mark.proof
@pytest.mark.peer("docker-registry")
def test_a_client_waits_for_a_server_that_is_started_again(
    service: Service, docker_registry: programs.RunningRegistry, tmp_path: Path
) -> None:
    target = f"{docker_registry.host}/demo/large:1"
    with service.running() as server:
        service.load(docker_archive(["demo/large:1"], [Random(7).randbytes(1024 * 1024)]))
        away = client(service, tmp_path / "client")
        with docker_registry.frozen():
            pushing = away.start("push", "demo/large:1", target, "-q")
            until(lambda: "running" in away("jobs", "ls", "--kind", "push"), "the push has begun")
            kill(server)
    with service.running():
        out, err = pushing.communicate(timeout=120)

    assert pushing.returncode == 0, err
    assert out.decode().startswith(f"{target}@sha256:")


@pytest.mark.proof
@pytest.mark.peer("docker-registry")
def test_who_gives_up_ends_the_job_too(
    service: Service, docker_registry: programs.RunningRegistry, tmp_path: Path
) -> None:
    with service.running():
        service.load(docker_archive(["demo/large:1"], [Random(7).randbytes(1024 * 1024)]))
        away = client(service, tmp_path / "client")
        with docker_registry.frozen():
            pushing = away.start("push", "demo/large:1", f"{docker_registry.host}/demo/large:1")
            until(lambda: "running" in away("jobs", "ls", "--kind", "push"), "the push has begun")
            pushing.send_signal(signal.SIGINT)
            pushing.communicate(timeout=60)
        (job,) = away("jobs", "ls", "--kind", "push", "-q").split()
        watched = away.run("jobs", "watch", job)

    assert (pushing.returncode, watched.returncode) == (130, 130)
