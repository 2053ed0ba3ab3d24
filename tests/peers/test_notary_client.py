"""Our client at Debian's real trust server, over TLS: what we sign `notary` and `docker trust` read, and what they
sign we verify."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_refusals import (
    TagUnsigned,
)
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from lading.services.notary.keys import TrustKeys
from lading.wire.notary import UpdateRefused
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.trust_repository import GUN
from tests.peers import programs
from tests.peers.notary_place import (
    NEVER,
    ONE,
    PASSPHRASE,
    REPOSITORY,
    TWO,
    Notary,
    Opened,
    notary_server,
    people,
    tagged,
)
from tests.peers.test_docker_trust import PROGRAMS, DockerTrust

pytestmark = pytest.mark.peer("notary", "notary-server", "docker")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.server("localhost")


@pytest.fixture
def address(tmp_path: Path, certificate: Certificate) -> Iterator[str]:
    with notary_server(tmp_path / "server", certificate) as found:
        yield found


@pytest.fixture
def opened(tmp_path: Path, authority: Authority) -> Iterator[Opened]:
    with people(tmp_path, authority) as found:
        yield found


def hexes(tags: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {tag: (hashlib.sha256(text.encode()).hexdigest(), role) for tag, (text, role) in tags.items()}


# ── what we sign, Debian's programs read


def test_we_sign_revoke_and_rotate_and_notary_follows(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, notary = opened(address).trust, Notary(address, tmp_path / "notary", monkeypatch, authority)

    assert ours.sign(tagged("v1"), ONE, NEVER).initialised
    ours.sign(tagged("v2"), TWO, NEVER)
    assert notary.tags() == hexes({"v1": ("one", TARGETS), "v2": ("two", TARGETS)})

    ours.revoke(tagged("v2"), NEVER)
    for role in (ROOT, TARGETS, SNAPSHOT, TIMESTAMP, ROOT):
        ours.rotate(REPOSITORY, role, NEVER)
        assert notary.tags() == hexes({"v1": ("one", TARGETS)})
    ours.sign(tagged("v3"), TWO, NEVER)
    assert notary.tags() == hexes({"v1": ("one", TARGETS), "v3": ("two", TARGETS)})
    assert opened(address, "reader").tags() == {"v1", "v3"}


def test_we_delegate_and_the_delegate_signs_goes_and_comes_back(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, alice, reader = (opened(address, name) for name in ("owner", "alice", "reader"))
    notary, key = Notary(address, tmp_path / "notary", monkeypatch, authority), alice.key("alice")
    owner.trust.sign(tagged("v1"), ONE, NEVER)
    owner.trust.add_signer("alice", REPOSITORY, [key], NEVER)

    signed = alice.trust.sign(tagged("v2"), TWO, NEVER)
    assert set(signed.roles) == {"targets/alice", RELEASES}
    assert notary.tags()["v2"][0] == TWO.digest.encoded
    assert reader.resolve("v2").signers == ("alice",)

    owner.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)
    assert set(notary.tags()) == {"v1"}
    with pytest.raises(TagUnsigned):
        reader.resolve("v2")

    owner.trust.add_signer("alice", REPOSITORY, [key], NEVER)  # the server keeps what she published before
    alice.trust.sign(tagged("v3"), ONE, NEVER)
    assert notary.tags()["v3"][0] == ONE.digest.encoded
    assert reader.resolve("v3").signers == ("alice",)


def test_commands_that_sign_at_once_with_the_same_keys_all_get_through(address: str, opened: Opened) -> None:
    """Each as in a process of its own; the server takes one update of a version and refuses the others."""
    opened(address).trust.sign(tagged("v0"), ONE, NEVER)
    people = [opened(address) for _ in range(4)]

    with ThreadPoolExecutor(len(people)) as pool:
        signed = [
            pool.submit(person.trust.sign, tagged(f"v{number}"), TWO, NEVER)
            for number, person in enumerate(people, start=1)
        ]

    assert [each.result().initialised for each in signed] == [False] * len(people)
    assert opened(address, "reader").tags() == {"v0", "v1", "v2", "v3", "v4"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_docker_shows_what_we_signed_and_by_whom(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    if "trust" not in programs.run(program, "--help"):
        pytest.skip("this docker command has no trust commands")
    owner, alice = opened(address), opened(address, "alice")
    owner.trust.add_signer("alice", REPOSITORY, [alice.key("alice")], NEVER)
    alice.trust.sign(tagged("v1"), ONE, NEVER)
    for name, value in {
        "HOME": str(tmp_path / "docker"),
        "SSL_CERT_FILE": str(authority.certificate),
        "DOCKER_CONTENT_TRUST_SERVER": address,
    }.items():
        monkeypatch.setenv(name, value)

    [shown] = json.loads(programs.run(program, "trust", "inspect", GUN))
    ours = owner.trust.inspect(REPOSITORY, NEVER)

    assert shown["SignedTags"] == [{"SignedTag": "v1", "Digest": ONE.digest.encoded, "Signers": ["alice"]}]
    administrative = {key["Name"]: [each["ID"] for each in key["Keys"]] for key in shown["AdministrativeKeys"]}
    assert administrative == {"Root": [*ours.root_certificates], "Repository": [*ours.repository_keys]}
    signers = [(each["Name"], [key["ID"] for key in each["Keys"]]) for each in shown["Signers"]]
    assert signers == [(each.name, [*each.keys]) for each in ours.signers]


def test_notary_signs_on_with_the_keys_we_made(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, notary = opened(address), Notary(address, tmp_path / "notary", monkeypatch, authority)
    owner.trust.sign(tagged("v1"), ONE, NEVER)
    (tmp_path / "notary/trust/private").mkdir(parents=True, mode=0o700)
    for path in owner.folder.glob("trust/private/*.key"):
        (tmp_path / "notary/trust/private" / path.name).write_bytes(path.read_bytes())

    notary.run("addhash", "-p", GUN, "v2", str(TWO.size), "--sha256", TWO.digest.encoded)
    notary.run("key", "rotate", GUN, ROOT, answer="yes\n")

    assert owner.resolve("v2").digest == TWO.digest


# ── what they sign, we verify


def test_we_verify_what_notary_signed_and_follow_its_rotations(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, notary = opened(address), Notary(address, tmp_path / "notary", monkeypatch, authority)
    notary.run("init", "-p", GUN)
    notary.run("addhash", "-p", GUN, "v1", str(ONE.size), "--sha256", ONE.digest.encoded)

    found = ours.resolve("v1")
    assert (found.digest, found.size) == (ONE.digest, ONE.size)

    notary.run("key", "rotate", GUN, SNAPSHOT, "-r")
    notary.run("key", "rotate", GUN, ROOT, answer="yes\n")
    notary.run("key", "rotate", GUN, TARGETS)
    notary.run("key", "rotate", GUN, ROOT, answer="yes\n")
    notary.run("addhash", "-p", GUN, "v2", str(TWO.size), "--sha256", TWO.digest.encoded)
    assert ours.resolve("v2").digest == TWO.digest

    notary.run("remove", "-p", GUN, "v1")
    with pytest.raises(TagUnsigned):
        ours.resolve("v1")


def test_we_sign_on_with_notarys_keys(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, notary = opened(address), Notary(address, tmp_path / "notary", monkeypatch, authority)
    notary.run("init", "-p", GUN)  # it keeps the key of the snapshot too
    load(tmp_path / "notary", ours.keys)

    ours.trust.sign(tagged("v1"), ONE, NEVER)
    assert notary.tags() == hexes({"v1": ("one", TARGETS)})
    ours.trust.rotate(REPOSITORY, SNAPSHOT, NEVER)  # now it is the server's
    ours.trust.sign(tagged("v2"), TWO, NEVER)
    ours.trust.rotate(REPOSITORY, ROOT, NEVER)
    assert notary.tags() == hexes({"v1": ("one", TARGETS), "v2": ("two", TARGETS)})


def test_what_the_server_does_not_take_is_told_in_its_words(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, notary = opened(address), Notary(address, tmp_path / "notary", monkeypatch, authority)
    notary.run("init", "-p", GUN)
    load(tmp_path / "notary", ours.keys, {ROOT, TARGETS})

    with pytest.raises(UpdateRefused, match=r"does not take the change: .*snapshot"):
        ours.trust.sign(tagged("v1"), ONE, NEVER)


@pytest.mark.parametrize("program", PROGRAMS)
def test_we_sign_on_with_dockers_keys(
    address: str, opened: Opened, tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    if "trust" not in programs.run(program, "--help"):
        pytest.skip("this docker command has no trust commands")
    (tmp_path / "home").mkdir()
    docker, ours = DockerTrust(program, tmp_path / "home", monkeypatch), opened(address)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    monkeypatch.setenv("DOCKER_CONTENT_TRUST_SERVER", address)
    docker.run("key", "generate", "alice")
    docker.run("signer", "add", "--key", "alice.pub", "alice", GUN)
    load(docker.home / ".docker", ours.keys)

    assert set(ours.trust.sign(tagged("v1"), ONE, NEVER).roles) == {"targets/alice", RELEASES}
    assert docker.seen() == ({"alice"}, {"v1": ["alice"]})
    ours.trust.sign(tagged("v2"), TWO, NEVER)
    docker.run("revoke", "-y", f"{GUN}:v1")
    assert ours.tags() == {"v2"}
    docker.run("signer", "remove", "alice", GUN, answer="y\n")
    assert ours.tags() == set()


def load(folder: Path, keys: TrustKeys, roles: Container[str | None] | None = None) -> None:
    """The keys that `notary` or docker keeps, or those for these roles."""
    for path in folder.glob("trust/private/*.key"):
        key = NotaryKey.parse(path.read_bytes(), PASSPHRASE)
        if roles is None or key.role in roles:
            keys.keep(key.private, key.role or "", key.gun or "")
