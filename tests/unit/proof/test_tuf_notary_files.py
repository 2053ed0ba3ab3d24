"""Trust metadata that Debian's `notary` client and server wrote (0.7.0), read and verified by us.

One repository at four times; each folder of tests/fixtures/notary holds what the server then gave:
first: tags signed by the owner, who held the snapshot key · delegated: that key given to the server; targets/releases
of alice (ECDSA) and bob (RSA), targets/bob of bob for tags that begin with v · rotated: root, targets and root keys
again · revoked: alice, who alone had signed targets/releases, removed from it. The server's timestamp key is Ed25519.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Root, Snapshot, Targets, Timestamp
from lading.proof.tuf_refusals import SignerRevoked, TrustInvalid, TrustRefused
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from lading.proof.tuf_trusted import Trusted, TrustMemory
from lading.proof.tuf_walk import Pin, Wanted, drive, walk
from tests.fakes.trust_repository import FIRST_USE, GUN, NOW

FOLDER = Path(__file__).parents[2] / "fixtures" / "notary"


@cache
def files(state: str) -> dict[str, bytes]:
    folder = FOLDER / state
    return {str(path.relative_to(folder))[: -len(".json")]: path.read_bytes() for path in folder.rglob("*.json")}


def read(signed: Signed, name: str) -> Root | Snapshot | Timestamp | Targets:
    if name.endswith(ROOT):
        return Root.read(signed)
    if name == SNAPSHOT:
        return Snapshot.read(signed)
    return Timestamp.read(signed) if name == TIMESTAMP else Targets.read(signed, name)


def see(given: dict[str, bytes], memory: TrustMemory | None = None, pin: Pin | None = FIRST_USE) -> Trusted:
    def fetch(wanted: Wanted) -> bytes | None:
        return given.get(wanted.role if wanted.version is None else wanted.name)

    return drive(walk(GUN, NOW, memory, pin), fetch)


@cache
def memory_of(state: str) -> TrustMemory:
    return see(files(state)).memory


@pytest.mark.parametrize(
    ("state", "tags"),
    [
        ("first", {"v1": TARGETS, "a<b&c": TARGETS}),
        ("delegated", {"v1": TARGETS, "a<b&c": TARGETS, "v2": RELEASES}),
        ("rotated", {"v1": TARGETS, "a<b&c": TARGETS, "v2": RELEASES}),
        ("revoked", {"v1": TARGETS, "a<b&c": TARGETS}),
    ],
)
def test_the_tags_are_those_that_notary_lists(state: str, tags: dict[str, str]) -> None:
    assert {name: tag.role for name, tag in see(files(state)).tags().items()} == tags


def test_one_memory_follows_every_change() -> None:
    memory = None
    for state in ("first", "delegated", "rotated", "revoked"):
        memory = see(files(state), memory).memory

    assert memory is not None
    assert memory.root == files("revoked")[ROOT]
    assert memory.versions[TARGETS] == 7


def test_a_delegation_of_an_rsa_key_signs_its_part() -> None:
    [tag] = see(files("delegated")).all_of("v3")

    assert (tag.role, tag.size) == ("targets/bob", 5)
    assert str(tag.digest) == "sha256:8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"


def test_what_only_a_revoked_signer_signed_is_refused() -> None:
    trusted = see(files("revoked"), memory_of("rotated"))

    with pytest.raises(SignerRevoked):
        trusted.find("v2")


def test_a_root_is_pinned_by_either_id_of_its_key() -> None:
    [key] = Root.read(Signed.read(files("first")[ROOT], ROOT)).roles[ROOT].keys.values()

    for name in (key.id, key.bare.id):
        assert "v1" in see(files("first"), None, Pin(frozenset({name}))).tags()


@pytest.mark.parametrize("state", ["first", "delegated", "rotated", "revoked"])
def test_we_write_what_notary_writes(state: str) -> None:
    for name, raw in files(state).items():
        signed = Signed.read(raw, name)
        value = read(signed, name)
        theirs = {**signed.content, "expires": value.content["expires"]}  # theirs has fractions of a second
        if name.endswith(ROOT):
            theirs["keys"] = value.content["keys"]  # theirs keeps keys that were rotated away

        assert Signed(value.content, signed.signatures).raw == Signed(theirs, signed.signatures).raw


@given(st.data())
def test_no_changed_byte_is_believed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(set(files("rotated")) - {"1.root"})))
    place = data.draw(st.integers(0, len(files("rotated")[name]) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(files("rotated")[name])
    changed[place] ^= other

    with pytest.raises((TrustRefused, TrustInvalid)):
        see({**files("rotated"), name: bytes(changed)}, memory_of("first"))


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where there are values inside a document."""
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for name, below in inner:
        yield (*path, name)
        yield from places(below, (*path, name))


VALUES: list[object] = [None, True, -1, 0, 2**53 - 1, "", "x", "0" * 64, "AAAA", "9999-12-31T23:59:59Z", [], {}, [1]]


@given(st.data())
def test_whatever_stands_in_a_field_is_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(files("delegated"))))
    content = json.loads(files("delegated")[name])["signed"]
    *path, last = data.draw(st.sampled_from(list(places(content))))
    around = content
    for step in path:
        around = around[step]
    around[last] = data.draw(st.sampled_from(VALUES))

    with contextlib.suppress(TrustInvalid):
        read(Signed(content, ()), name)
