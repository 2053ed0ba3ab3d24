"""Docker on another machine: by TLS, with what a client bundle holds, and with nothing else."""

from __future__ import annotations

import http.client
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive
from tests.peers import docker_door, docker_doors, programs
from tests.peers.docker_command import DockerCommand, Said
from tests.peers.docker_doors import Doors, at
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import SECRET_KEY, Service

pytestmark = pytest.mark.peer("docker")


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with docker_doors.served() as running:
        yield running


@pytest.fixture
def docker(doors: Doors, tmp_path: Path) -> DockerCommand:
    return docker_doors.newest(doors, tmp_path)


@pytest.fixture(params=docker_door.commands())
def each_docker(request: pytest.FixtureRequest, docker: DockerCommand) -> DockerCommand:
    """Each that is here."""
    return replace(docker, program=request.param)


def test_a_bundle_opens_the_door_to_others(doors: Doors, each_docker: DockerCommand, tmp_path: Path) -> None:
    bundle = doors.bundle(tmp_path, "admin")
    assert bundle.host.endswith(f":{doors.open_to_others}")
    assert stat.S_IMODE(bundle.file.stat().st_mode) == 0o600
    assert sorted(path.name for path in bundle.folder.iterdir()) == ["ca.pem", "cert.pem", "env.sh", "key.pem"]
    comes = at(each_docker, **bundle.environment)

    assert comes("images", "-q") == Said(0, "")

    doors.lading("token", "rm", str(bundle.token))
    refused = comes("images")
    assert refused.status == 1
    assert "the client certificate has been revoked" in refused.err


def test_a_bundle_works_on_loopback_as_well(doors: Doors, docker: DockerCommand, tmp_path: Path) -> None:
    bundle = doors.bundle(tmp_path, "admin", "--address", f"localhost:{doors.loopback}")

    assert at(docker, **bundle.environment)("images", "-q") == Said(0, "")


def test_a_bundle_may_what_its_scopes_say(doors: Doors, docker: DockerCommand, tmp_path: Path) -> None:
    comes = at(docker, **doors.bundle(tmp_path, "admin", "--scope", "jobs:view").environment)

    refused = comes("images")

    assert refused.status == 1
    assert "Permission denied" in refused.err


def test_images_come_in_and_go_out_over_tls(doors: Doors, docker: DockerCommand, tmp_path: Path) -> None:
    comes = at(docker, **doors.bundle(tmp_path, "admin").environment)
    archive = docker_archive(["tls/app:1"], [os.urandom(4_000_000)])

    assert comes("load", given=archive) == Said(0, "Loaded image: tls/app:1\n")
    assert comes("save", "-o", str(tmp_path / "saved.tar"), "tls/app:1").status == 0
    assert comes("rmi", "tls/app:1").status == 0
    assert comes("load", "-i", str(tmp_path / "saved.tar")) == Said(0, "Loaded image: tls/app:1\n")
    assert comes("rmi", "tls/app:1").status == 0


def test_a_certificate_of_another_authority_is_refused(doors: Doors, docker: DockerCommand, tmp_path: Path) -> None:
    bundle = doors.bundle(tmp_path, "admin")
    foreign = Authority(tmp_path).client("admin")
    shutil.copy(foreign.certificate, bundle.folder / "cert.pem")
    shutil.copy(foreign.key, bundle.folder / "key.pem")

    refused = at(docker, **bundle.environment)("images")

    assert refused.status == 1
    # In TLS 1.3 a client speaks before it hears that it is refused; then the reset may come before the alert.
    told = ("tls", "certificate", "connection reset", "broken pipe")
    assert any(each in refused.err.lower() for each in told), refused.err


def test_the_door_to_others_takes_nothing_without_a_certificate(
    doors: Doors, docker: DockerCommand, tmp_path: Path
) -> None:
    plain = at(docker, DOCKER_HOST=f"tcp://127.0.0.1:{doors.open_to_others}")("images")
    assert plain.status == 1

    bundle = doors.bundle(tmp_path, "admin")
    for name in ("cert.pem", "key.pem"):
        (bundle.folder / name).unlink()
    assert at(docker, **bundle.environment)("images").status == 1


def test_the_doors_certificate_is_checked_by_the_client(doors: Doors, docker: DockerCommand, tmp_path: Path) -> None:
    bundle = doors.bundle(tmp_path, "admin")
    shutil.copy(Authority(tmp_path).certificate, bundle.folder / "ca.pem")

    refused = at(docker, **bundle.environment)("images")

    assert refused.status == 1
    assert "certificate" in refused.err


def test_a_revoked_certificate_is_refused_on_a_connection_that_stands(doors: Doors, tmp_path: Path) -> None:
    bundle = doors.bundle(tmp_path, "admin")
    port = doors.open_to_others
    with closing(http.client.HTTPSConnection("127.0.0.1", port, context=bundle.context(), timeout=60)) as connection:
        assert _status(connection) == 200
        standing = connection.sock

        doors.lading("token", "rm", str(bundle.token))

        assert _status(connection) == 401
        assert connection.sock is standing


@pytest.mark.proof
@pytest.mark.peer("postgres")
def test_servers_on_one_database_know_each_others_certificates(
    docker: DockerCommand, postgres: RunningPostgres, tmp_path: Path
) -> None:
    settings = {"LADING_DATABASE": postgres.empty(), "LADING_SECRET_KEY": SECRET_KEY}
    with tempfile.TemporaryDirectory(prefix="doors-") as name:
        ports = {place: programs.free_port() for place in "ab"}
        servers = [
            Service(Path(name, place), {**settings, "LADING_DOCKER_API": f"tcp://0.0.0.0:{port}"})
            for place, port in ports.items()
        ]
        with servers[0].running(), servers[1].running():
            first, second = (Doors(Path(name), service, 0, 0, settings) for service in servers)
            bundle = first.bundle(tmp_path, "admin")
            host = bundle.host.rpartition(":")[0]
            comes = [at(docker, **{**bundle.environment, "DOCKER_HOST": f"{host}:{port}"}) for port in ports.values()]
            assert [each("images", "-q") for each in comes] == [Said(0, "")] * 2
            local = [at(docker, DOCKER_HOST=f"unix://{each.data}/docker.sock") for each in servers]
            assert [each("images", "-q") for each in local] == [Said(0, "")] * 2

            second.lading("token", "rm", str(bundle.token))

            for each in comes:
                assert "has been revoked" in each("images").err


def _status(connection: http.client.HTTPSConnection) -> int:
    connection.request("GET", "/images/json")
    answer = connection.getresponse()
    answer.read()
    return answer.status
