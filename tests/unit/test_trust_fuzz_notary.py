"""No mutated byte of trust metadata (Notary v1) is ever accepted, nor files of two moments or two repositories."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.errors import LadingError
from lading.proof.tuf_build import Collection, delegate, sign_tag
from lading.proof.tuf_json import Signed
from lading.proof.tuf_refusals import TrustInvalid, TrustRefused
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys
from lading.proof.tuf_trusted import SignedTag
from tests.fakes.trust_repository import GUN, NOW, TrustServer, manifest, new_collection, signer

OWNER, ALICE = signer("owner"), signer("alice")
ROLES = [ROOT, TIMESTAMP, SNAPSHOT, TARGETS, RELEASES]


def made(content: str = "one", gun: str = GUN) -> TrustServer:
    """A tag that the owner signed, and one that Alice did."""
    server = TrustServer(gun=gun)
    collection = sign_tag(server.publish_all(new_collection(gun=gun)), "v1", manifest(content), [OWNER], NOW)
    releases = Delegation(RELEASES, RoleKeys.of([ALICE.key]), ("",))
    collection = server.publish_all(delegate(collection, releases, [OWNER], NOW))
    server.publish_all(sign_tag(collection, "v2", manifest(content), [ALICE], NOW, role=RELEASES))
    return server


def seen(server: TrustServer, files: dict[str, bytes]) -> tuple[SignedTag, ...]:
    """What a client believes that has seen nothing before."""
    trusted = TrustServer(server.gun, server.keys, files, server.roots).walk()
    return tuple(trusted.find(tag) for tag in ("v1", "v2"))


SERVER = made()
GENUINE = seen(SERVER, SERVER.files)


@pytest.mark.parametrize("role", ROLES)
def test_no_mutated_byte_is_accepted(role: str) -> None:
    """Not one: a file has one spelling, and its signatures and the listing of its hash cover all of it."""
    raw = SERVER.files[role]
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1 << place % 8]) + raw[place + 1 :]
        with pytest.raises((TrustRefused, TrustInvalid)):
            seen(SERVER, {**SERVER.files, role: changed})


@pytest.mark.parametrize("role", ROLES)
@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_put_in_or_taken_out_is_refused(role: str, data: st.DataObject) -> None:
    raw = SERVER.files[role]
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, min(begin + 40, len(raw))))
    changed = raw[:begin] + data.draw(st.binary(max_size=8)) + raw[end:]
    if changed == raw:
        return
    with pytest.raises((TrustRefused, TrustInvalid)):
        seen(SERVER, {**SERVER.files, role: changed})


def mixes() -> list[tuple[str, ...]]:
    """Which files come from elsewhere: any, but not none and not all."""
    return [roles for count in range(1, len(ROLES)) for roles in combinations(ROLES, count)]


@pytest.mark.parametrize("roles", mixes(), ids=",".join)
def test_files_of_another_moment_do_not_mix(roles: tuple[str, ...]) -> None:
    """What is believed is one of the two moments, whole."""
    newer = dict(SERVER.files)
    server = TrustServer(GUN, SERVER.keys, newer, dict(SERVER.roots))
    held = Collection(GUN, dict(newer))
    held = server.publish_all(sign_tag(held, "v1", manifest("two"), [OWNER], NOW))
    server.publish_all(sign_tag(held, "v2", manifest("two"), [ALICE], NOW, role=RELEASES))
    moments = [GENUINE, seen(server, server.files)]
    mixed = {**server.files, **{role: SERVER.files[role] for role in roles}}
    try:
        assert seen(server, mixed) in moments
    except (TrustRefused, TrustInvalid):
        assert any(mixed[role] != server.files[role] for role in roles)


@pytest.mark.parametrize("roles", mixes(), ids=",".join)
def test_files_of_another_repository_do_not_mix(roles: tuple[str, ...]) -> None:
    """The same people with the same keys sign there, and the same server: the worst that can be."""
    other = made("evil", "registry.example/team/other")
    mixed = {**SERVER.files, **{role: other.files[role] for role in roles}}
    if all(mixed[role] == SERVER.files[role] for role in ROLES):
        return
    with pytest.raises((TrustRefused, TrustInvalid)):
        seen(SERVER, mixed)


@pytest.mark.parametrize("role", ROLES)
def test_signatures_of_one_file_are_none_of_another(role: str) -> None:
    """Each file with the signatures of every other one."""
    content = Signed.read(SERVER.files[role], role).content
    for giver in (each for each in ROLES if each != role):
        signatures = Signed.read(SERVER.files[giver], giver).signatures
        with pytest.raises((TrustRefused, TrustInvalid)):
            seen(SERVER, {**SERVER.files, role: Signed(content, signatures).raw})


@given(raw=st.binary(max_size=80), role=st.sampled_from(ROLES))
def test_rubbish_is_refused_in_our_words(raw: bytes, role: str) -> None:
    with pytest.raises(LadingError):
        seen(SERVER, {**SERVER.files, role: raw})
