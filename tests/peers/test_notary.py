"""Notary v1's own programs: what we sign its server takes and its client lists; what its client signs we take."""

from __future__ import annotations

import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.document import read_object
from lading.proof.tuf_build import Collection, changed, delegate, initialise, resign, revoke, rotate, sign_tag
from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.proof.tuf_refusals import SignerRevoked, TrustInvalid
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys
from lading.proof.tuf_trusted import Trusted, TrustMemory
from lading.proof.tuf_walk import Wanted, drive, walk
from tests.fakes.trust_http import TrustService, listening
from tests.fakes.trust_repository import FIRST_USE, GUN, SERVER, TrustServer, manifest, rooted, signer
from tests.peers.notary_place import PASSPHRASE, Notary, notary_server

pytestmark = pytest.mark.peer("notary", "notary-server")

OWNER, ALICE, BOB = signer("owner"), signer("alice"), signer("bob")
NOW = time.time()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a `notary-server` that keeps everything in memory, and signs with Ed25519."""
    with notary_server(tmp_path_factory.mktemp("notary"), None) as address:
        yield address


def url(address: str, name: str) -> str:
    return f"{address}/v2/{GUN}/_trust/tuf/{name}"


def server_key(address: str, role: str) -> TrustKey:
    with urllib.request.urlopen(url(address, f"{role}.key")) as answer:
        return TrustKey.read(read_object(answer.read(), TrustInvalid))


def publish(address: str, update: dict[str, bytes]) -> None:
    """As Notary's client does: all files in one form."""
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{role}"\r\n\r\n'.encode() + raw + b"\r\n"
        for role, raw in update.items()
    ]
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}
    request = urllib.request.Request(url(address, ""), b"".join(parts) + b"--limit--\r\n", headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def see(address: str, memory: TrustMemory | None = None) -> Trusted:
    def fetch(wanted: Wanted) -> bytes | None:
        try:
            with urllib.request.urlopen(url(address, f"{wanted.name}.json")) as answer:
                return bytes(answer.read(wanted.limit + 1))
        except urllib.error.HTTPError as missing:
            missing.close()
            return None

    return drive(walk(GUN, time.time(), memory, FIRST_USE), fetch)


def expected(tags: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {tag: (hashlib.sha256(text.encode()).hexdigest(), role) for tag, (text, role) in tags.items()}


def test_its_server_takes_what_we_sign_and_its_client_lists_it(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notary, roots = Notary(server, tmp_path, monkeypatch), [rooted("root", now=NOW), rooted("second", now=NOW)]
    timestamp, snapshot = server_key(server, TIMESTAMP), server_key(server, SNAPSHOT)
    collection = initialise(GUN, roots[:1], [OWNER], NOW, snapshot=snapshot, timestamp=timestamp)
    collection = sign_tag(collection, "v1", manifest("one"), [OWNER], NOW)
    publish(server, changed(None, collection))
    assert notary.tags() == expected({"v1": ("one", TARGETS)})
    memory = see(server).memory

    before = collection
    releases = Delegation(RELEASES, RoleKeys.of([ALICE.key, BOB.key]), ("",))
    collection = delegate(collection, releases, [OWNER], NOW)
    collection = sign_tag(collection, "v2", manifest("two"), [ALICE], NOW, role=RELEASES)
    publish(server, changed(before, collection))
    assert notary.tags() == expected({"v1": ("one", TARGETS), "v2": ("two", RELEASES)})
    assert notary.tags()["v2"][0] == see(server, memory).find("v2").digest.encoded

    before = collection
    collection = rotate(collection, ROOT, RoleKeys.of([roots[1].key]), roots, NOW)
    publish(server, changed(before, collection))
    before = collection
    collection = rotate(collection, TARGETS, RoleKeys.of([BOB.key]), roots, NOW)
    collection = resign(collection, TARGETS, [BOB], NOW)
    publish(server, changed(before, collection))
    assert notary.tags() == expected({"v1": ("one", TARGETS), "v2": ("two", RELEASES)})
    assert see(server, memory).root.version == 3

    before = collection
    collection = revoke(collection, RELEASES, [BOB], NOW, [ALICE.key.id])
    publish(server, changed(before, collection))
    assert set(notary.tags()) == {"v1"}
    with pytest.raises(SignerRevoked):
        see(server, memory).find("v2")


def test_its_client_publishes_to_us_and_reads_what_we_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = TrustService(TrustServer(keys=SERVER), NOW)
    one, two = (hashlib.sha256(text.encode()).hexdigest() for text in ("one", "two"))
    with listening(service) as address:
        notary = Notary(address, tmp_path, monkeypatch)
        notary.run("init", "-p", GUN)
        notary.run("addhash", "-p", GUN, "v1", "3", "--sha256", one)
        memory = see(address).memory
        notary.run("key", "rotate", GUN, SNAPSHOT, "-r")
        notary.run("addhash", "-p", GUN, "v2", "3", "--sha256", two)
        notary.run("key", "rotate", GUN, ROOT, answer="yes\n")
        notary.run("key", "rotate", GUN, TARGETS)
        notary.run("key", "rotate", GUN, TIMESTAMP, "-r")
        notary.run("key", "rotate", GUN, ROOT, answer="yes\n")
        assert notary.tags() == expected({"v1": ("one", TARGETS), "v2": ("two", TARGETS)})
        trusted = see(address, memory)

        notary.run("remove", "-p", GUN, "v1")
        assert set(notary.tags()) == set(see(address, trusted.memory).tags()) == {"v2"}
        assert service.refusals == []


def test_its_delegations_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A delegate who is named by a certificate signs with our build; `notary` lists it, and takes the right away."""
    service = TrustService(TrustServer(keys=SERVER), NOW)
    alice = rooted("alice", "alice", NOW)  # certificates of delegates name people
    certificate = tmp_path / "alice.pem"
    certificate.write_bytes(alice.certificate or b"")
    with listening(service) as address:
        notary = Notary(address, tmp_path, monkeypatch)
        notary.run("init", "-p", GUN)
        notary.run("key", "rotate", GUN, SNAPSHOT, "-r")
        notary.run("delegation", "add", "-p", GUN, RELEASES, os.fspath(certificate), "--all-paths")
        before = Collection(GUN, dict(service.server.files))
        after = sign_tag(before, "v1", manifest("one"), [alice], NOW, role=RELEASES)
        publish(address, changed(before, after))
        assert notary.tags() == expected({"v1": ("one", RELEASES)})
        memory = see(address).memory

        notary.run("delegation", "remove", "-p", "-y", GUN, RELEASES)
        assert notary.tags() == {}
        assert see(address, memory).tags() == {}
        assert service.refusals == []


def test_who_signed_with_it_signs_on_with_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = TrustService(TrustServer(keys=SERVER), NOW)
    with listening(service) as address:
        notary = Notary(address, tmp_path, monkeypatch)
        notary.run("init", "-p", GUN)
        notary.run("key", "rotate", GUN, SNAPSHOT, "-r")
        files = [path.read_bytes() for path in tmp_path.glob("trust/private/*.key")]
        keys = {(key.role, key.gun): key for key in (NotaryKey.parse(raw, PASSPHRASE) for raw in files)}
        before = Collection(GUN, dict(service.server.files))
        owner = [SigningKey(keys[TARGETS, GUN].private)]
        publish(address, changed(before, sign_tag(before, "v1", manifest("one"), owner, NOW)))

        assert notary.tags() == expected({"v1": ("one", TARGETS)})
        [key] = before.root.roles[ROOT].keys.values()
        assert key.bare == SigningKey(keys[ROOT, None].private).key
        assert service.refusals == []
