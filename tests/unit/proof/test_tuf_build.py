"""Trust metadata made and changed: any order of changes gives metadata that verifies and says what was asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.proof.tuf_build import (
    Collection,
    changed,
    countersign,
    delegate,
    remove_tag,
    resign,
    revoke,
    rotate,
    sign_tag,
)
from lading.proof.tuf_refusals import DelegationInvalid, DigestUnsignable, SignerMissing, TagUnsigned
from lading.proof.tuf_roles import RELEASES, ROOT, TARGETS, Delegation, RoleKeys, is_delegation, is_role
from tests.fakes.trust_repository import GUN, NOW, TrustServer, manifest, new_collection, rooted, signer

OWNER, ALICE = signer("owner"), signer("alice")
ROOTS = [rooted("root"), rooted("second")]
OWNERS = [OWNER, signer("next owner")]


class Story:
    """A repository as one publisher changes it, beside what its tags should be."""

    def __init__(self) -> None:
        self.server = TrustServer()
        self.collection = self.server.publish_all(new_collection())
        self.tags: dict[str, dict[str, Descriptor]] = {TARGETS: {}}

    def sign(self, tag: str, text: str, role: str) -> None:
        if role in self.tags:
            signers = OWNERS if role == TARGETS else [ALICE]
            self.collection = sign_tag(self.collection, tag, manifest(text), signers, NOW, role=role)
            self.tags[role][tag] = manifest(text)

    def remove(self, tag: str, role: str) -> None:
        if tag in self.tags.get(role, {}):
            signers = OWNERS if role == TARGETS else [ALICE]
            self.collection = remove_tag(self.collection, tag, signers, NOW, role=role)
            del self.tags[role][tag]

    def delegate(self) -> None:
        self.collection = delegate(self.collection, Delegation(RELEASES, RoleKeys.of([ALICE.key]), ("",)), OWNERS, NOW)
        self.tags.setdefault(RELEASES, {})

    def revoke(self) -> None:
        if RELEASES in self.tags:
            self.collection = revoke(self.collection, RELEASES, OWNERS, NOW)
            del self.tags[RELEASES]

    def rotate_owner(self, which: int) -> None:
        keys = RoleKeys.of([OWNERS[which].key])
        self.collection = rotate(self.collection, TARGETS, keys, ROOTS, NOW)
        self.collection = resign(self.collection, TARGETS, OWNERS, NOW)
        self.publish()

    def rotate_root(self, which: int) -> None:
        self.collection = rotate(self.collection, ROOT, RoleKeys.of([ROOTS[which].key]), ROOTS, NOW)
        self.publish()

    def publish(self) -> None:
        if changed(Collection(GUN, self.server.files), self.collection):
            self.collection = self.server.publish_all(self.collection)


TAGS, TEXTS, ROLES = (
    st.sampled_from(["v1", "v2"]),
    st.sampled_from(["one", "two"]),
    st.sampled_from([TARGETS, RELEASES]),
)
CHANGES = st.one_of(
    st.tuples(st.just("sign"), TAGS, TEXTS, ROLES),
    st.tuples(st.just("remove"), TAGS, ROLES),
    st.tuples(st.sampled_from(["delegate", "revoke", "publish"])),
    st.tuples(st.sampled_from(["rotate_owner", "rotate_root"]), st.integers(0, 1)),
)


@given(st.lists(CHANGES, max_size=4))
def test_any_order_of_changes_verifies(changes: list[tuple[object, ...]]) -> None:
    story, memory = Story(), None
    for name, *details in changes:
        getattr(story, str(name))(*details)
        memory = story.server.walk(memory).memory
    story.publish()
    trusted = story.server.walk(memory)

    expected = {**story.tags[TARGETS], **story.tags.get(RELEASES, {})}
    found = {tag: (signed.digest, signed.size) for tag, signed in trusted.tags().items()}
    assert found == {tag: (each.digest, each.size) for tag, each in expected.items()}
    assert not trusted.broken


def test_the_first_metadata_is_for_the_server_to_complete() -> None:
    assert set(changed(None, new_collection())) == {ROOT, TARGETS}


def test_only_what_changed_is_published() -> None:
    before = new_collection()

    assert set(changed(before, sign_tag(before, "v1", manifest("one"), [OWNER], NOW))) == {TARGETS}
    assert changed(before, before) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda collection: sign_tag(collection, "v1", manifest("one"), [ALICE], NOW),
        lambda collection: rotate(collection, TARGETS, RoleKeys.of([ALICE.key]), [OWNER], NOW),
        lambda collection: rotate(collection, ROOT, RoleKeys.of([ROOTS[1].key]), ROOTS[:1], NOW),
        lambda collection: countersign(collection, TARGETS, [ALICE]),
    ],
)
def test_who_may_not_sign_cannot(change: Callable[[Collection], Collection]) -> None:
    with pytest.raises(SignerMissing):
        change(new_collection())


def test_what_is_not_there_cannot_be_changed() -> None:
    collection = new_collection()

    with pytest.raises(TagUnsigned):
        remove_tag(collection, "v1", [OWNER], NOW)
    with pytest.raises(DelegationInvalid):
        revoke(collection, RELEASES, [OWNER], NOW)
    with pytest.raises(DelegationInvalid):
        sign_tag(collection, "v1", manifest("one"), [ALICE], NOW, role=RELEASES)


def test_a_delegate_cannot_sign_beyond_its_tags_nor_a_key_leave_that_is_not_there() -> None:
    some = Delegation("targets/alice", RoleKeys.of([ALICE.key]), ("v",))
    collection = delegate(new_collection(), some, [OWNER], NOW)

    with pytest.raises(DelegationInvalid):
        sign_tag(collection, "latest", manifest("one"), [ALICE], NOW, role=some.name)
    with pytest.raises(DelegationInvalid):
        revoke(collection, some.name, [OWNER], NOW, [OWNER.key.id])


def test_a_sha512_digest_cannot_be_signed() -> None:
    long = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.parse("sha512:" + "0" * 128), 1)

    with pytest.raises(DigestUnsignable):
        sign_tag(new_collection(), "v1", long, [OWNER], NOW)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("targets/releases", True),
        ("targets/a/b-1_c", True),
        ("targets", False),
        ("targets/", False),
        ("targets/A", False),
        ("targets//a", False),
        ("targets/../a", False),
        ("targets/a\n", False),
        ("targets/" + "a" * 247, True),
        ("targets/" + "a" * 248, False),
    ],
)
def test_the_names_of_delegations(name: str, expected: bool) -> None:
    assert is_delegation(name) is expected
    assert is_role(name) is (expected or name == TARGETS)


def test_a_delegation_asks_for_a_signature() -> None:
    with pytest.raises(DelegationInvalid):
        Delegation(RELEASES, RoleKeys.of([ALICE.key], 0), ("",))
