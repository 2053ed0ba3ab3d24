"""`lading serve --registry-processes 2`: real clients through both, each of them and their parent killed, stopped and
told of a new certificate, and nothing that only one of them knows."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random

import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.fakes.certificates import Authority
from tests.peers.postgres_server import RunningPostgres
from tests.peers.programs import RunningDocker
from tests.peers.registry_clients import DockerClient, SkopeoClient
from tests.peers.registry_processes import both_children, each_alone, is_there, without
from tests.peers.s3_server import RunningS3
from tests.peers.service_process import PASSWORD, SECRET_KEY, Service, kill, until

HALF = 300_000
BLOB = Random(1).randbytes(2 * HALF)
DIGEST = f"sha256:{hashlib.sha256(BLOB).hexdigest()}"
LOST_WAKE_SECONDS = 5.0
"""How long another server's commit may be unknown where its wake-up was lost (services.changes)."""

Answered = tuple[int, Mapping[str, str], bytes]


def two(folder: Path, **settings: str) -> Service:
    return Service(folder / "data", {"LADING_REGISTRY_PROCESSES": "2", **settings})


def connection(service: Service) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", service.registry_port, timeout=60)


def ask(
    service: Service,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    shown: str | None = None,
    kind: str = "application/octet-stream",
) -> Answered:
    """On a connection of its own."""
    with contextlib.closing(connection(service)) as asking:
        fields = {"Authorization": shown or f"Bearer {service.token}", "Content-Type": kind, "Accept": OCI_MANIFEST}
        asking.request(method, path, body, fields)
        answer = asking.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def begin_upload(service: Service) -> str:
    status, fields, told = ask(service, "POST", "/v2/app/blobs/uploads/", b"")
    assert status == 202, told
    return fields["Location"]


def send_half(service: Service, location: str) -> http.client.HTTPConnection:
    """All of the blob is promised, and half of it arrives."""
    sending = connection(service)
    sending.putrequest("PUT", f"{location}{'&' if '?' in location else '?'}digest={DIGEST}")
    sending.putheader("Authorization", f"Bearer {service.token}")
    sending.putheader("Content-Length", str(len(BLOB)))
    sending.endheaders(BLOB[:HALF])
    return sending


def arrived(service: Service, location: str) -> int:
    """Bytes of an upload that is not over."""
    status, fields, told = ask(service, "GET", location)
    assert status == 204, told
    return int(fields["Range"].partition("-")[2]) + 1


def _half_arrived(service: Service, location: str) -> bool:
    return arrived(service, location) == HALF


def new_user(service: Service) -> tuple[int, str]:
    """Their id, and what they show."""
    role = next(role for role in json.loads(service.text("GET", "/api/roles")[1]) if role["name"] == "publisher")
    wanted = {"username": "bob", "password": PASSWORD, "roles": [role["id"]]}
    status, made = service.ask("POST", "/api/users", wanted)
    assert status == 201, made
    return int(str(made["id"])), f"Basic {base64.b64encode(f'bob:{PASSWORD}'.encode()).decode()}"


def nobody_listens(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as asking:
        try:
            asking.connect()
        except ConnectionRefusedError:
            return True
        return False


@pytest.mark.peer("dockerd", "docker", "skopeo")
def test_what_one_took_the_other_gives(tmp_path: Path, docker_engine: RunningDocker) -> None:
    service = two(tmp_path)
    docker, skopeo = DockerClient(docker_engine, tmp_path / "docker"), SkopeoClient(tmp_path / "skopeo")
    for client in (docker, skopeo):
        client.home.mkdir()
    with service.running() as process:
        host = f"127.0.0.1:{service.registry_port}"
        first, second = both_children(process)
        with without(second):
            skopeo.login(host, "admin", PASSWORD)
            docker.login(host, "admin", PASSWORD)
            by_skopeo = skopeo.push(f"{host}/team/skopeo:1")
        with without(first):
            assert docker.pull(f"{host}/team/skopeo:1") == by_skopeo
            by_docker = docker.push(f"{host}/team/docker:1")
        with without(second):
            assert skopeo.pull(f"{host}/team/docker:1") == by_docker
        assert service.ask("GET", "/api/audit/verify")[1]["sound"] is True


def test_an_upload_goes_on_in_the_other(tmp_path: Path) -> None:
    service = two(tmp_path)
    with service.running() as process:
        first, second = both_children(process)
        with without(second):
            location = begin_upload(service)
            assert ask(service, "PATCH", location, BLOB[:HALF])[0] == 202
        with without(first):
            assert ask(service, "PATCH", location, BLOB[HALF:])[0] == 202
        with without(second):
            status, fields, _ = ask(service, "PUT", f"{location}?digest={DIGEST}", b"")
            assert (status, fields["Docker-Content-Digest"]) == (201, DIGEST)
        with without(first):
            assert ask(service, "GET", f"/v2/app/blobs/{DIGEST}")[2] == BLOB


def test_one_that_is_killed_loses_its_own_connections_alone(tmp_path: Path) -> None:
    service = two(tmp_path)
    with service.running() as process:
        first, second = both_children(process)
        with without(second):
            lost = begin_upload(service)
            sending = send_half(service, lost)
            until(partial(_half_arrived, service, lost), "half of it is there")
        with without(first):
            kept = begin_upload(service)
            staying = send_half(service, kept)
            until(partial(_half_arrived, service, kept), "half of it is there")

        os.kill(first, signal.SIGKILL)

        with contextlib.closing(sending), pytest.raises((ConnectionError, http.client.HTTPException)):
            sending.getresponse()
        with contextlib.closing(staying):
            staying.send(BLOB[HALF:])
            assert staying.getresponse().status == 201
        again = both_children(process)
        assert first not in again
        assert second in again
        with without(second):  # its successor serves, and knows how far the lost upload came
            assert arrived(service, lost) == HALF
            assert ask(service, "PATCH", lost, BLOB[HALF:])[0] == 202
            assert ask(service, "PUT", f"{lost}?digest={DIGEST}", b"")[0] == 201
        metrics = service.text("GET", "/metrics")[1]
    assert "a registry process ended with signal 9; another begins now" in service.log.read_text()
    assert "lading_registry_processes 2.0" in metrics
    assert "lading_registry_processes_begun_again 1.0" in metrics
    assert 'lading_registry_process_cpu_seconds_total{process="2"}' in metrics


def test_nobody_serves_once_the_parent_is_killed(tmp_path: Path) -> None:
    service = two(tmp_path)
    with service.running() as process:
        both = both_children(process)
        location = begin_upload(service)
        assert ask(service, "PATCH", location, BLOB[:HALF])[0] == 202
        kill(process)
        until(lambda: not any(map(is_there, both)), "both have ended with it")
        assert nobody_listens(service.registry_port)
    with service.running():
        assert arrived(service, location) == HALF
        assert ask(service, "PATCH", location, BLOB[HALF:])[0] == 202
        assert ask(service, "PUT", f"{location}?digest={DIGEST}", b"")[0] == 201


def test_a_stop_lets_what_runs_end_in_both(tmp_path: Path) -> None:
    service = two(tmp_path)
    with service.running() as process:
        first, second = both_children(process)
        sending = []
        for other in (first, second):
            with without(other):
                location = begin_upload(service)
                sending.append(send_half(service, location))
                until(partial(_half_arrived, service, location), "half of it is there")

        for told in (process.pid, first, second):  # as systemd does: all of the service's processes
            os.kill(told, signal.SIGTERM)
        until(lambda: nobody_listens(service.registry_port), "nobody is let in any more")
        for each in sending:
            with contextlib.closing(each):
                each.send(BLOB[HALF:])
                assert each.getresponse().status == 201
        assert process.wait(60) == 0
        assert not any(map(is_there, (first, second)))
    assert "cut off" not in service.log.read_text()


def test_both_show_the_certificate_that_was_renewed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown, later = authority.server("127.0.0.1"), authority.server("127.0.0.1", days=(-1, 60))
    trusting = ssl.create_default_context(cafile=authority.certificate)
    service = two(tmp_path, LADING_TLS_CERT=str(shown.certificate), LADING_TLS_KEY=str(shown.key))
    with service.running(ready=False) as process:
        both = both_children(process)
        until(lambda: "registry  " in service.log.read_text(), "it serves")
        old = {_expiry(service, trusting) for _ in each_alone(both)}
        assert len(old) == 1

        shutil.copy(later.key, shown.key)
        process.send_signal(signal.SIGHUP)
        until(lambda: "they do not belong together" in service.log.read_text(), "it says what is wrong")
        assert {_expiry(service, trusting) for _ in each_alone(both)} == old

        shutil.copy(later.certificate, shown.certificate)
        process.send_signal(signal.SIGHUP)
        until(lambda: service.log.read_text().count("was read again") == 3, "all have read it again")
        new = {_expiry(service, trusting) for _ in each_alone(both)}
        assert len(new) == 1
        assert new != old


def test_what_is_taken_back_is_taken_back_in_both(tmp_path: Path) -> None:
    service = two(tmp_path)
    with service.running() as process:
        both = both_children(process)
        _taken_back(service, both)


@pytest.mark.peer("postgres", "weed")
def test_over_a_shared_database_and_an_object_store(tmp_path: Path, postgres: RunningPostgres, s3: RunningS3) -> None:
    service = two(
        tmp_path,
        LADING_DATABASE=postgres.empty(),
        LADING_SECRET_KEY=SECRET_KEY,
        LADING_STORAGE=s3.address(),
        **s3.variables,
    )
    with service.running() as process:
        first, second = both = both_children(process)
        with without(second):
            location = begin_upload(service)
            assert ask(service, "PATCH", location, BLOB[:HALF])[0] == 202
        with without(first):
            assert ask(service, "PATCH", location, BLOB[HALF:])[0] == 202
            assert ask(service, "PUT", f"{location}?digest={DIGEST}", b"")[0] == 201
            manifest = _manifest()
            assert ask(service, "PUT", "/v2/app/manifests/1", manifest, kind=OCI_MANIFEST)[0] == 201
        with without(second):
            assert ask(service, "GET", "/v2/app/manifests/1")[2] == manifest
            assert ask(service, "GET", f"/v2/app/blobs/{DIGEST}")[2] == BLOB
        _taken_back(service, both, LOST_WAKE_SECONDS)


def _taken_back(service: Service, both: tuple[int, int], seconds: float = 0.0) -> None:
    """Who is known to both, password and all, is let in by neither, at once or after so long."""
    user, shown = new_user(service)
    assert [ask(service, "GET", "/v2/", shown=shown)[0] for _ in each_alone(both)] == [200, 200]
    assert service.ask("DELETE", f"/api/users/{user}")[0] in {200, 204}

    def refused() -> bool:
        return [ask(service, "GET", "/v2/", shown=shown)[0] for _ in each_alone(both)] == [401, 401]

    if seconds:
        until(refused, "both refuse them", seconds + 1)
    else:
        assert refused()


def _manifest() -> bytes:
    blob = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": len(BLOB)}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob, "layers": []}).encode()


def _expiry(service: Service, trusting: ssl.SSLContext) -> object:
    with contextlib.closing(
        http.client.HTTPSConnection("127.0.0.1", service.registry_port, timeout=60, context=trusting)
    ) as asking:
        asking.connect()
        assert isinstance(asking.sock, ssl.SSLSocket)
        shown = asking.sock.getpeercert()
    assert shown is not None
    return shown["notAfter"]
