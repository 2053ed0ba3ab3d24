"""No mutated byte of what is signed is ever accepted, in any form; and no two valid signatures can be mixed.

A mutated artefact is refused, in our words, or it says exactly what the genuine one says: then the byte is one that
nobody signs and nobody reads, and these places are named here, each with why it may be there. What a registry keeps is
named by its digest besides, so that a byte that changes at rest is noticed before any of this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.backends.sigstore_identities.identities import SigstoreIdentities
from lading.errors import ContentCorrupt
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.document import write_json
from lading.proof import notation, sigstore_bundle, simple_signing
from lading.proof.claims import Claim
from lading.services.trust.policy import KeySigner
from lading.services.trust.signature_reading import read_bundle, read_notation, read_simple
from lading.services.trust.trust import Attested
from tests.fakes.signing_house import ANN, CERTIFIED, IDENTITY, NOW, SIGSTORE, TEAM, certified

pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")  # what a mutated certificate may have

DIGEST = Digest.of(b"manifest")
IMAGE = Descriptor("application/vnd.oci.image.manifest.v1+json", DIGEST, 8)
CLAIM = Claim(DIGEST, TEAM, "1", 5, NOW)
OTHER = replace(CLAIM, digest=Digest.of(b"other"), tag="2", counter=6)
KEY = KeySigner("ann", ANN.public)
PROOFS = SigstoreIdentities()


@dataclass(frozen=True)
class Form:
    """`unread` finds the places that nobody signs and nobody reads; of each byte so many single bits are changed."""

    genuine: bytes
    other: bytes
    read: Callable[[bytes], Attested]
    unread: str = r"(?!)"
    bits: int = 8
    step: int = 1


def _notation(claim: Claim) -> bytes:
    by = certified()
    target = replace(IMAGE, digest=claim.digest)
    return notation.sign(target, claim, by.private, by.chain)


def _simple(claim: Claim) -> bytes:
    """Both parts, for there is no document around them."""
    payload, signature = simple_signing.sign(claim, ANN)
    return write_json({"payload": payload.decode(), "signature": signature})


def _read_simple(raw: bytes) -> Attested:
    try:
        parts = json.loads(raw)
        return read_simple(parts["payload"].encode(), parts["signature"], [KEY])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ContentCorrupt from None


FORMS = {
    "bundle": Form(
        sigstore_bundle.sign(CLAIM, ANN),
        sigstore_bundle.sign(OTHER, ANN),
        lambda raw: read_bundle(raw, [KEY], None),
        # a name for the key, which nobody needs to believe: the keys that are accepted are tried (protobuf-specs,
        # PublicKeyIdentifier: an unauthenticated hint in whatever form)
        unread=r'(?<="hint":")[^"]+',
    ),
    "simple": Form(
        _simple(CLAIM),
        _simple(OTHER),
        _read_simple,
    ),
    "notation": Form(
        _notation(CLAIM),
        _notation(OTHER),
        lambda raw: read_notation(raw, [CERTIFIED], IMAGE, NOW),
        bits=1,
    ),
    "identity": Form(
        SIGSTORE.bundle(CLAIM),
        SIGSTORE.bundle(OTHER),
        lambda raw: read_bundle(raw, [IDENTITY], PROOFS),
        # bits of base64 that stand for nothing; the log's name beside its signature, which its key decides
        unread=r'[^"](?==*")|(?<=u2014 )\S+(?= )|(?<=\\n)\\u2014 ',
        bits=1,
        step=4,
    ),
}


def mutated(raw: bytes, bits: int, step: int) -> Iterator[tuple[int, bytes]]:
    """Each byte with one bit changed: all of its bits, or one that goes around."""
    for place in range(0, len(raw), step):
        for bit in range(8) if bits == 8 else [place // step % 8]:
            yield place, raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]


def unread(form: Form) -> set[int]:
    """The places of bytes that may differ."""
    return {place for found in re.finditer(form.unread, form.genuine.decode()) for place in range(*found.span())}


def hold(form: Form, bits: int, step: int) -> None:
    genuine, free = form.read(form.genuine), unread(form)
    for place, raw in mutated(form.genuine, bits, step):
        try:
            said = form.read(raw)
        except ContentCorrupt:
            continue
        assert said == genuine
        assert place in free, f"byte {place} may be changed: {raw[place - 20 : place + 20]!r}"


@pytest.mark.parametrize("name", FORMS)
def test_no_mutated_byte_is_accepted(name: str) -> None:
    hold(FORMS[name], FORMS[name].bits, FORMS[name].step)


@pytest.mark.proof("every bit of what certificates and the library of sigstore prove, which takes its time")
@pytest.mark.parametrize("name", ["notation", "identity"])
def test_no_mutated_bit_is_accepted(name: str) -> None:
    hold(FORMS[name], 8, 1)


@pytest.mark.parametrize("name", FORMS)
def test_parts_of_two_valid_signatures_make_no_third(name: str) -> None:
    """Every part of one put into the other: that is refused, or it is one of the two, as its signer made it."""
    form = FORMS[name]
    genuine, other = json.loads(form.genuine), json.loads(form.other)
    both = [form.read(form.genuine), form.read(form.other)]
    assert both[0] != both[1]
    for path in parts(genuine):
        mixed = write_json(swapped(genuine, other, path))
        try:
            assert form.read(mixed) in both, f"{path} of another signature is accepted"
        except ContentCorrupt:
            continue


def parts(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from ((*path, name), *parts(inner, (*path, name)))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ((*path, place), *parts(inner, (*path, place)))


def swapped(into: object, other: object, path: tuple[str | int, ...]) -> object:
    """`into` with the part at the path as `other` has it."""
    if not path:
        return other
    first, *rest = path
    if isinstance(into, dict) and isinstance(other, dict):
        return {**into, first: swapped(into[first], other[first], tuple(rest))}
    assert isinstance(into, list)
    assert isinstance(other, list)
    assert isinstance(first, int)
    return [*into[:first], swapped(into[first], other[first], tuple(rest)), *into[first + 1 :]]


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_put_in_or_taken_out_says_the_same_or_nothing(name: str, data: st.DataObject) -> None:
    form = FORMS[name]
    begin = data.draw(st.integers(0, len(form.genuine)))
    end = data.draw(st.integers(begin, min(begin + 40, len(form.genuine))))
    raw = form.genuine[:begin] + data.draw(st.binary(max_size=8)) + form.genuine[end:]
    try:
        said = form.read(raw)
    except ContentCorrupt:
        return
    assert said == form.read(form.genuine)


@pytest.mark.parametrize("name", FORMS)
@given(raw=st.binary(max_size=60))
def test_rubbish_is_refused_in_our_words(name: str, raw: bytes) -> None:
    with pytest.raises(ContentCorrupt):
        FORMS[name].read(raw)


@pytest.mark.parametrize("name", ["bundle", "notation"])
def test_what_nobody_reads_may_not_be_there(name: str) -> None:
    """Or two readers could see two things in one signature."""
    form = FORMS[name]
    document = json.loads(form.genuine)
    for path in [(), *((each,) for each, inner in document.items() if isinstance(inner, dict) and each != "header")]:
        where = document
        for member in path:
            where = where[member]
        where["more"] = 1
        with pytest.raises(ContentCorrupt, match="more is not known"):
            form.read(write_json(document))
        del where["more"]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("spelled", [lambda text: text.replace('"', ' "', 1), lambda text: text + "\n"])
def test_a_space_between_the_parts_changes_nothing(name: str, spelled: Callable[[str], str]) -> None:
    """Go's writer of these documents puts spaces at random (protojson), so one spelling cannot be asked for: what is
    signed is inside of texts, where no byte is free."""
    form = FORMS[name]

    assert form.read(spelled(form.genuine.decode()).encode()) == form.read(form.genuine)
