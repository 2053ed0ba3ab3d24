"""Our client at a trust server that is not to be believed, or not reached: each way has a message of its own. What
can be is done at Debian's real one, over TLS."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import TlsRefused
from lading.oci.reference import Reference
from lading.proof.tuf_build import signed_by
from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Timestamp
from lading.proof.tuf_publish import renew
from lading.proof.tuf_refusals import (
    DigestSwapped,
    MetadataExpired,
    MetadataMixed,
    MetadataRolledBack,
    RootForeign,
    SignerRevoked,
    ThresholdNotMet,
)
from lading.proof.tuf_roles import ROOT, TARGETS, TIMESTAMP, RoleKeys
from lading.services.notary.refusals import TrustServerUnreachable
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.trust_http import TrustService, listening
from tests.fakes.trust_repository import GUN, SERVER, TrustServer, new_collection
from tests.peers import programs
from tests.peers.notary_place import (
    DAY,
    NEVER,
    ONE,
    REPOSITORY,
    TWO,
    Opened,
    notary_server,
    people,
    tagged,
)

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


def test_other_content_than_the_signed_is_refused(address: str, opened: Opened) -> None:
    ours = opened(address).trust
    ours.sign(tagged("v1"), ONE, NEVER)

    with pytest.raises(DigestSwapped, match=f"v1 is signed as {ONE.digest}, not as {TWO.digest}"):
        ours.resolve(Reference(REPOSITORY, "v1", TWO.digest), NEVER)


def test_a_foreign_root_is_refused(address: str, opened: Opened, tmp_path: Path, certificate: Certificate) -> None:
    opened(address).trust.sign(tagged("v1"), ONE, NEVER)
    opened(address, "reader").resolve("v1")
    with notary_server(tmp_path / "forged", certificate) as forged:
        opened(forged, "forger").trust.sign(tagged("v1"), TWO, NEVER)

        with pytest.raises(RootForeign, match="is not signed by the keys known for it"):
            opened(forged, "reader").resolve("v1")


def test_a_revoked_delegate_is_refused(address: str, opened: Opened) -> None:
    owner, alice, bob = (opened(address, name) for name in ("owner", "alice", "bob"))
    for name, person in (("alice", alice), ("bob", bob)):
        owner.trust.add_signer(name, REPOSITORY, [person.key(name)], NEVER)
    alice.trust.sign(tagged("v1"), ONE, NEVER)
    owner.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)

    with pytest.raises(SignerRevoked, match="who may not sign it"):
        opened(address, "reader").resolve("v1")


def test_a_server_that_nobody_reaches_is_named(opened: Opened) -> None:
    port = programs.free_port()

    with pytest.raises(TrustServerUnreachable, match=f"the trust server localhost:{port} cannot be reached"):
        opened(f"https://localhost:{port}").resolve("v1")


def test_a_certificate_that_nobody_vouches_for_is_refused(address: str, opened: Opened) -> None:
    with pytest.raises(TlsRefused) as refused:
        opened(address, LADING_TLS_CA="").resolve("v1")

    assert "asked as the trust server of registry.example" in (refused.value.why or "")


Attacked = tuple[TrustService, str]


@pytest.fixture
def attacked(authority: Authority, certificate: Certificate) -> Iterator[Attacked]:
    """A trust server whose owner, or whoever stands before it, serves what they like; and its address."""
    service = TrustService(TrustServer(keys=SERVER), time.time())
    with listening(service, authority.context(certificate)) as address:
        yield service, address


def signed_twice(opened: Opened, attacked: Attacked) -> dict[str, bytes]:
    """v1 is signed as one image, then as another; the files of the first time."""
    service, address = attacked
    ours = opened(address).trust
    ours.sign(tagged("v1"), ONE, NEVER)
    before = dict(service.server.files)
    ours.sign(tagged("v1"), TWO, NEVER)
    return before


def serve(service: TrustService, files: Mapping[str, bytes]) -> None:
    """Files that nobody accepted."""
    service.server.files.update(files)
    service.kept |= {hashlib.sha256(raw).hexdigest(): raw for raw in files.values()}


def test_a_timestamp_of_before_is_refused(attacked: Attacked, opened: Opened) -> None:
    before = signed_twice(opened, attacked)
    serve(attacked[0], before)

    with pytest.raises(MetadataRolledBack, match=r"the timestamp metadata .* was seen before"):
        opened(attacked[1]).resolve("v1")


def test_a_timestamp_that_is_held_back_expires(attacked: Attacked, opened: Opened) -> None:
    signed_twice(opened, attacked)
    service, address = attacked
    signed = Signed.read(service.server.files[TIMESTAMP], TIMESTAMP)
    old = replace(Timestamp.read(signed), expires=time.time() - DAY)
    may = RoleKeys.of(each.key for each in SERVER.timestamp)
    serve(service, {TIMESTAMP: signed_by(GUN, TIMESTAMP, old.content, may, SERVER.timestamp)})

    with pytest.raises(MetadataExpired, match=r"the timestamp metadata of .* expired at"):
        opened(address, "reader").resolve("v1")


def test_a_tag_moved_back_is_refused(attacked: Attacked, opened: Opened) -> None:
    """Whoever holds the server's keys can make new snapshots of old targets: their versions still tell."""
    before = signed_twice(opened, attacked)
    service, address = attacked
    serve(service, {TARGETS: before[TARGETS]})
    serve(service, renew(GUN, service.server.files, SERVER, time.time() + 2 * 365 * DAY))

    with pytest.raises(MetadataRolledBack, match=r"the targets metadata .* version 2; version 3 was seen before"):
        opened(address).resolve("v1")


def test_snapshots_of_two_moments_are_refused(attacked: Attacked, opened: Opened) -> None:
    before = signed_twice(opened, attacked)
    service, address = attacked
    service.kept[hashlib.sha256(service.server.files[TARGETS]).hexdigest()] = before[TARGETS]

    with pytest.raises(MetadataMixed, match="is not the one that its snapshot lists"):
        opened(address, "reader").resolve("v1")


def test_too_few_signatures_are_refused(attacked: Attacked, opened: Opened) -> None:
    service, address = attacked
    service.publish(dict(new_collection(threshold=2, now=time.time()).files))
    signed = Signed.read(service.server.files[ROOT], ROOT)
    serve(service, {ROOT: Signed(signed.content, signed.signatures[:1]).raw})

    with pytest.raises(ThresholdNotMet, match="has 1 of 2 signatures"):
        opened(address).resolve("v1")
