"""Real clients at our registry with users: they log in, push, pull what others pushed, and are told what is wrong."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningDocker
from tests.peers.registry_clients import Client, DockerClient, Failed, LadingClient, PodmanClient, SkopeoClient
from tests.peers.service_process import PASSWORD, Service

pytestmark = pytest.mark.peer("dockerd", "docker", "skopeo", "podman")

OTHER = "another long word"
NAMES = ("docker", "skopeo", "podman", "lading")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One with three users: admin; bob, who may push; eve, who may nothing."""
    service = Service(tmp_path_factory.mktemp("clients") / "data")
    with service.running():
        role = next(role for role in json.loads(service.text("GET", "/api/roles")[1]) if role["name"] == "publisher")
        for name, roles in (("bob", [role["id"]]), ("eve", [])):
            made = service.ask("POST", "/api/users", {"username": name, "password": OTHER, "roles": roles})
            assert made[0] == 201, made
        yield service


@pytest.fixture
def host(service: Service) -> str:
    return f"127.0.0.1:{service.registry_port}"


@pytest.fixture
def clients(docker_engine: RunningDocker, tmp_path: Path) -> Iterator[dict[str, Client]]:
    """Each with an empty home."""
    homes = {name: tmp_path / name for name in NAMES}
    for home in homes.values():
        home.mkdir()
    with tempfile.TemporaryDirectory(prefix="podman-", ignore_cleanup_errors=True) as short:
        yield {
            "docker": DockerClient(docker_engine, homes["docker"]),
            "skopeo": SkopeoClient(homes["skopeo"]),
            "podman": PodmanClient(homes["podman"], Path(short)),
            "lading": LadingClient(homes["lading"]),
        }


def refused(act: Callable[..., str], *arguments: str) -> str:
    """What the program says."""
    with pytest.raises(Failed) as raised:
        act(*arguments)
    return raised.value.said


def test_what_each_pushes_all_pull(clients: dict[str, Client], host: str) -> None:
    """Logged in through the token service; the digests that they print are one and the same."""
    for client in clients.values():
        client.login(host, "bob", OTHER)
    pushed = {name: client.push(f"{host}/team/{name}:1") for name, client in clients.items()}

    for name, digest in pushed.items():
        assert {reader: each.pull(f"{host}/team/{name}:1") for reader, each in clients.items()} == dict.fromkeys(
            NAMES, digest
        )


@pytest.mark.parametrize(
    ("client", "sentence"),
    [
        ("docker", "unauthorized: the user name or the password is wrong"),
        ("skopeo", "invalid username/password"),
        ("podman", "invalid username/password"),
        ("lading", "the user name or the password is wrong"),
    ],
)
def test_a_wrong_password_is_told(clients: dict[str, Client], host: str, client: str, sentence: str) -> None:
    assert sentence in refused(clients[client].login, host, "bob", "a wrong password")


@pytest.mark.parametrize("client", NAMES)
def test_who_may_not_push_is_told(clients: dict[str, Client], host: str, client: str) -> None:
    clients[client].login(host, "eve", OTHER)

    assert re.search("(?i)denied|403", refused(clients[client].push, f"{host}/team/eve:1"))


@pytest.mark.parametrize("client", NAMES)
def test_a_public_repository_is_pulled_without_login(
    clients: dict[str, Client], service: Service, host: str, client: str
) -> None:
    name = f"{host}/open/{client}:1"
    clients[client].login(host, "bob", OTHER)
    digest = clients[client].push(name)
    clients[client].logout(host)
    assert refused(clients[client].pull, name)

    status, _ = service.ask("PUT", f"/api/repositories/open%2F{client}", {"visibility": "public"})

    assert status == 200
    assert clients[client].pull(name) == digest
    assert refused(clients[client].push, f"{host}/open/{client}:2")


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("user", [None, "eve"])
def test_a_private_repository_looks_like_one_that_is_not_there(
    clients: dict[str, Client], host: str, client: str, user: str | None
) -> None:
    there, never = f"{host}/hidden/{client}:1", f"{host}/absent/{client}:1"
    clients[client].login(host, "bob", OTHER)
    clients[client].push(there)
    clients[client].logout(host)
    if user:
        clients[client].login(host, user, OTHER)

    told, same = refused(clients[client].pull, there), refused(clients[client].pull, never)

    assert _plain(told) == _plain(same)


def _plain(said: str) -> str:
    """Without the name and the time of day."""
    return re.sub(r'hidden|absent|time="[^"]*"', "…", said)


def test_docker_keeps_no_password_and_is_locked_out_at_once(
    clients: dict[str, Client], service: Service, host: str, tmp_path: Path
) -> None:
    made = service.ask("POST", "/api/users", {"username": "zoe", "password": OTHER, "roles": [1]})
    clients["docker"].login(host, "zoe", OTHER)
    clients["docker"].push(f"{host}/team/zoe:1")

    file = tmp_path / "docker" / ".docker" / "config.json"
    kept = json.loads(file.read_text())["auths"][host]
    asked = ("inspect", "--tls-verify=false", f"--authfile={file}", f"docker://{host}/team/zoe:1")
    assert json.loads(programs.skopeo(*asked))["RepoTags"] == ["1"]
    assert kept["identitytoken"].startswith("lrr1.")
    assert OTHER not in json.dumps(kept)

    assert service.ask("PATCH", f"/api/users/{made[1]['id']}", {"active": False})[0] == 200
    assert "the registry token is wrong or has ended" in refused(clients["docker"].pull, f"{host}/team/zoe:1")


@pytest.mark.parametrize("taken", ["--no-roles", "--inactive"])
def test_what_the_command_line_takes_away_is_gone_at_once(service: Service, host: str, taken: str) -> None:
    """By another process, under a token that has minutes to go and whose owner the server has looked up already."""
    name = f"tom{taken.strip('-')}"
    service.ask("POST", "/api/users", {"username": name, "password": OTHER, "roles": [1]})
    login = base64.b64encode(f"{name}:{OTHER}".encode()).decode()
    token = json.loads(asked(host, "/v2/token?scope=registry:catalog:*", f"Basic {login}")[1])["token"]
    before = [asked(host, "/v2/_catalog", f"Bearer {token}")[0] for _ in range(3)]

    Lading(service.data)("user", "set", name, taken)

    assert before == [200, 200, 200]
    assert asked(host, "/v2/_catalog", f"Bearer {token}")[0] == (403 if taken == "--no-roles" else 401)


def asked(host: str, path: str, authorization: str) -> tuple[int, bytes]:
    """One GET."""
    with contextlib.closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request("GET", path, headers={"Authorization": authorization})
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("client", NAMES)
def test_an_api_token_is_a_password(clients: dict[str, Client], service: Service, host: str, client: str) -> None:
    clients[client].login(host, "admin", service.token)

    digest = clients[client].push(f"{host}/team/token-{client}:1")

    assert clients[client].pull(f"{host}/team/token-{client}:1") == digest


def test_our_engine_pushes_to_our_own_registry(service: Service, host: str, tmp_path: Path) -> None:
    """By the API, as a job, with a login that is configured: the same token flow as everybody's."""
    digest = layouts.five_layers(tmp_path / "layout")
    laptop = Lading(tmp_path / "laptop")
    laptop("login", host, "-u", "admin", "--password-stdin", stdin=PASSWORD.encode())
    laptop("-q", "copy", f"oci:{tmp_path / 'layout'}:v1", f"{host}/team/five:1")
    registry = service.registry(host, username="admin", password=PASSWORD)

    pulled = service.started("/api/images/pull", {"image": f"{host}/team/five:1", "scanAfterPull": False})
    assert service.ended([pulled])[pulled]["status"] == "done"
    body = {"imageId": f"{host}/team/five:1", "registryId": registry, "newTag": "team/again:2"}
    pushed = service.started("/api/images/push", body)
    ended = service.ended([pushed])[pushed]

    assert ended["status"] == "done", ended
    assert laptop("-q", "pull", f"{host}/team/again:2").strip().endswith(digest)
