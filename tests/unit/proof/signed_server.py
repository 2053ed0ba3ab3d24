"""A trust server with a tag of the owner's and one of a delegate's, and how files of it are signed anew."""

from __future__ import annotations

from lading.proof.tuf_build import (
    DAY,
    Collection,
    delegate,
    sign_tag,
    signed_by,
)
from lading.proof.tuf_metadata import Entry, Snapshot, Timestamp
from lading.proof.tuf_roles import RELEASES, SNAPSHOT, TIMESTAMP, Delegation, RoleKeys
from tests.fakes.trust_repository import (
    GUN,
    NOW,
    SERVER,
    TrustServer,
    manifest,
    published,
    signer,
)

OWNER, ALICE, BOB = signer("owner"), signer("alice"), signer("bob")


def releases(threshold: int = 1) -> Delegation:
    return Delegation(RELEASES, RoleKeys.of([ALICE.key, BOB.key], threshold), ("",))


def signed_server() -> TrustServer:
    """v1 signed by the owner, v2 by alice in targets/releases."""
    server, collection = published()
    collection = sign_tag(collection, "v1", manifest("one"), [OWNER], NOW)
    collection = server.publish_all(delegate(collection, releases(), [OWNER], NOW))
    server.publish_all(sign_tag(collection, "v2", manifest("two"), [ALICE], NOW, role=RELEASES))
    return server


def resigned_timestamp(server: TrustServer, version: int) -> None:
    """As a thief of the timestamp key would make it: new, for the snapshot that is there."""
    content = Timestamp(version, NOW + DAY, Entry.of(server.files[SNAPSHOT])).content
    may = RoleKeys.of([SERVER.timestamp[0].key])
    server.files[TIMESTAMP] = signed_by(GUN, TIMESTAMP, content, may, SERVER.timestamp)


def resigned_snapshot(server: TrustServer, version: int) -> None:
    entries = {role: Entry.of(raw) for role, raw in server.files.items() if role not in {SNAPSHOT, TIMESTAMP}}
    may = RoleKeys.of([SERVER.snapshot[0].key])
    content = Snapshot(version, NOW + DAY, entries).content
    server.files[SNAPSHOT] = signed_by(GUN, SNAPSHOT, content, may, SERVER.snapshot)
    resigned_timestamp(server, version)


def server_collection(server: TrustServer) -> Collection:
    return Collection(GUN, dict(server.files))
