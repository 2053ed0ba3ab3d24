"""Docker's content trust against our own trust server: real docker commands, a real dockerd, Debian's `notary`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.docker_door import NEW, commands, major
from tests.peers.programs import RunningDocker
from tests.peers.trust_place import Signer, TrustedService, trusted_service

pytestmark = pytest.mark.peer("docker", "dockerd", "notary")

PROGRAMS = {f"docker {number}": program for number, program in enumerate(commands())}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustedService]:
    made = trusted_service(tmp_path_factory.mktemp("trust"))
    with made.running():
        made.reader("vera")
        yield made


@pytest.fixture(params=list(PROGRAMS.values()), ids=list(PROGRAMS))
def signer(
    request: pytest.FixtureRequest, docker_engine: RunningDocker, service: TrustedService, tmp_path: Path
) -> Signer:
    """The admin with each of the docker commands that are here."""
    return Signer.logged_in(request.param, docker_engine, service, tmp_path)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository for this test alone."""
    number = list(PROGRAMS).index(request.node.callspec.id)
    return f"team/{request.node.originalname.replace('_', '-')[-40:].strip('-')}-{number}"


def test_a_push_signs_and_a_pull_verifies(signer: Signer, name: str) -> None:
    image = signer.image(f"{name}:v1")
    said = signer.done("push", image).all
    assert "Signing and pushing trust metadata" in said
    signer.done("rmi", image)

    assert "Tagging" in signer.done("pull", image).all
    unsigned = signer.image(f"{name}:v2")
    signer.done("push", "--disable-content-trust", unsigned)
    assert "No valid trust data for v2" in signer.refused("pull", unsigned)
    assert signer.seen(image.rpartition(":")[0]) == (set(), {"v1": ["Repo Admin"]})


def test_signers_come_sign_and_revoke(signer: Signer, name: str) -> None:
    repository = f"{signer.service.host}/{name}"
    keys = signer.docker.home / "keys"
    keys.mkdir()
    signer.done("trust", "key", "generate", "alice", "--dir", str(keys))
    signer.done("trust", "signer", "add", "--key", str(keys / "alice.pub"), "alice", repository)
    assert signer.seen(repository) == ({"alice"}, {})

    image = signer.image(f"{name}:v1")
    signer.done("trust", "sign", image)
    assert signer.seen(repository) == ({"alice"}, {"v1": ["alice"]})
    signer.done("rmi", image)
    signer.done("pull", image)

    signer.done("trust", "revoke", "-y", image)
    assert signer.seen(repository) == ({"alice"}, {})
    assert "No valid trust data for v1" in signer.refused("pull", image)


def test_a_signer_who_was_removed_signs_no_longer(signer: Signer, name: str) -> None:
    """By docker 20.10 alone: 28.2 says that it removes the signer, ends well, and changes nothing at any server."""
    if major(signer.docker.program) >= NEW:
        pytest.skip("this docker command's `trust signer remove` does nothing")
    repository, keys = f"{signer.service.host}/{name}", signer.docker.home / "keys"
    keys.mkdir()
    for who in ("alice", "bob"):
        signer.done("trust", "key", "generate", who, "--dir", str(keys))
        signer.done("trust", "signer", "add", "--key", str(keys / f"{who}.pub"), who, repository)
    signer.done("trust", "sign", signer.image(f"{name}:v1"))
    assert signer.seen(repository) == ({"alice", "bob"}, {"v1": ["alice", "bob"]})

    signer.done("trust", "signer", "remove", "-f", "alice", repository)
    assert signer.seen(repository) == ({"bob"}, {"v1": ["bob"]})
    assert signer.service.trust(f"/v2/{repository}/_trust/tuf/targets/alice.json")[0] == 404


def test_notary_lists_what_docker_signed_and_rotates_the_servers_keys(signer: Signer, name: str) -> None:
    image = signer.image(f"{name}:v1")
    repository = image.rpartition(":")[0]
    digest = signer.done("push", image).out.partition("digest: sha256:")[2][:64]
    listed = [line.split() for line in signer.notary("list", repository).splitlines()]
    assert [words[:2] for words in listed if words and words[-1] == "targets"] == [["v1", digest]]

    before = signer.root(repository)
    signer.notary("key", "rotate", repository, "snapshot", "-r")
    signer.notary("key", "rotate", repository, "timestamp", "-r")
    after = signer.root(repository)
    assert after["version"] == 3
    assert all(before[role] != after[role] for role in ("snapshot", "timestamp"))
    assert before["targets"] == after["targets"]

    signer.done("rmi", image)
    signer.done("pull", image)
    signer.notary("delete", "--remote", repository)
    assert signer.service.trust(f"/v2/{repository}/_trust/tuf/root.json")[0] == 404


def test_an_expired_timestamp_is_renewed_as_docker_reads_it(signer: Signer, name: str) -> None:
    image = signer.image(f"{name}:v1")
    repository = image.rpartition(":")[0]
    signer.done("push", image)
    expired = signer.service.expire(repository)

    signer.done("rmi", image)
    signer.done("pull", image)
    raw = signer.service.trust(f"/v2/{repository}/_trust/tuf/timestamp.json")[1]
    assert json.loads(raw)["signed"]["version"] == expired + 1


def test_who_may_not_push_may_not_sign_and_reads_why(signer: Signer, name: str, tmp_path: Path) -> None:
    image = signer.image(f"{name}:v1")
    repository = image.rpartition(":")[0]
    signer.done("push", image)
    vera = Signer.logged_in(signer.docker.program, signer.engine, signer.service, tmp_path / "vera", "vera")

    assert "denied" in vera.refused("push", image)
    vera.done("trust", "key", "generate", "vera", "--dir", str(tmp_path))
    new = f"{signer.service.host}/{name}-new"
    said = vera.refused("trust", "signer", "add", "--key", str(tmp_path / "vera.pub"), "vera", new)
    assert "not authorized" in said
    vera.done("rmi", image)
    vera.done("pull", image)
    assert vera.seen(repository) == (set(), {"v1": ["Repo Admin"]})


def test_what_was_signed_goes_with_its_repository_and_stays_where_it_was_renamed(signer: Signer, name: str) -> None:
    gone, moved = signer.image(f"{name}/gone:v1"), signer.image(f"{name}/moved:v1")
    for image in (gone, moved):
        signer.done("push", image)
    service, encoded = signer.service, name.replace("/", "%2F")
    assert service.ask("DELETE", f"/api/repositories/{encoded}%2Fgone")[0] == 204
    assert service.ask("POST", f"/api/repositories/{encoded}%2Fmoved/rename", {"to": f"{name}/new"})[0] == 200

    found = {
        path: service.trust(f"/v2/{service.host}/{name}/{path}/_trust/tuf/root.json")[0]
        for path in ("gone", "moved", "new")
    }
    assert found == {"gone": 404, "moved": 200, "new": 404}
    assert "does not have trust data" in signer.refused("pull", gone)
