"""What the two signature formats say, and that they say nothing else once a byte was changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.proof import sigstore_bundle, simple_signing
from lading.proof.claims import Claim, SignatureForged, SignatureInvalid
from lading.proof.dsse import Envelope, encoded
from lading.proof.signing_keys import KeyKind, PrivateKey, PublicKey

KEY = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(size)))
OTHER = PrivateKey.generate(KeyKind.ED25519, lambda size: bytes(range(1, size + 1)))
CLAIM = Claim(Digest.of(b"manifest"), Repository("registry.example.com", "team/app"), "1.4", 7, 1_790_000_000)
BUNDLE = sigstore_bundle.sign(CLAIM, KEY)
PAYLOAD, SIGNATURE = simple_signing.sign(CLAIM, KEY)


@pytest.mark.parametrize("key", [KEY, OTHER])
@pytest.mark.parametrize("claim", [CLAIM, Claim(CLAIM.digest, CLAIM.repository)])
def test_what_was_signed_is_read_again_with_who_signed_it(key: PrivateKey, claim: Claim) -> None:
    keys = [KEY.public, OTHER.public]

    assert sigstore_bundle.verify(sigstore_bundle.sign(claim, key), keys) == (claim, key.public)
    assert simple_signing.verify(*simple_signing.sign(claim, key), keys) == (claim, key.public)


def test_a_bundle_has_the_members_that_cosign_reads() -> None:
    bundle = json.loads(BUNDLE)
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))

    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle["verificationMaterial"] == {"publicKey": {"hint": KEY.public.hint}}
    assert bundle["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://sigstore.dev/cosign/sign/v1"
    assert statement["subject"][0]["digest"] == {"sha256": CLAIM.digest.encoded}


def test_what_is_signed_is_the_encoding_that_the_specification_shows() -> None:
    assert encoded("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_keys_that_did_not_sign_are_told_apart() -> None:
    for keys in ([], [OTHER.public]):
        with pytest.raises(SignatureForged):
            sigstore_bundle.verify(BUNDLE, keys)
        with pytest.raises(SignatureForged):
            simple_signing.verify(PAYLOAD, SIGNATURE, keys)


@given(place=st.integers(0, len(BUNDLE) - 1), change=st.integers(1, 255))
def test_a_bundle_with_a_changed_byte_says_the_same_or_nothing(place: int, change: int) -> None:
    """The same: where the byte belongs to what proves nothing, the hint and members that nobody knows."""
    _same_or_refused(lambda: sigstore_bundle.verify(_changed(BUNDLE, place, change), [KEY.public]))


@given(place=st.integers(0, len(PAYLOAD) - 1), change=st.integers(1, 255))
def test_a_payload_with_a_changed_byte_is_refused(place: int, change: int) -> None:
    with pytest.raises(SignatureForged):
        simple_signing.verify(_changed(PAYLOAD, place, change), SIGNATURE, [KEY.public])


@given(place=st.integers(0, len(SIGNATURE) - 1), change=st.integers(1, 127))
def test_a_signature_with_a_changed_byte_is_refused(place: int, change: int) -> None:
    changed = _changed(SIGNATURE.encode(), place, change).decode("latin-1")

    with pytest.raises((SignatureForged, SignatureInvalid)):
        simple_signing.verify(PAYLOAD, changed, [KEY.public])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_arrives_is_refused_in_our_words(content: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        sigstore_bundle.verify(content, [KEY.public])
    with pytest.raises((SignatureInvalid, SignatureForged)):
        simple_signing.verify(content, content.decode("latin-1"), [KEY.public])


Change = Callable[[dict[str, object]], object]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"), "_type"),
        (lambda s: s.update(predicateType="https://slsa.dev/provenance/v1"), "predicateType"),
        (lambda s: s.update(subject=[]), "subject"),
        (lambda s: s.update(subject=s["subject"] * 2), "subject"),
        (lambda s: s["subject"][0].update(digest={"sha1": "00"}), "digest"),
        (lambda s: s["subject"][0].update(digest={"sha256": "00"}), "digest"),
        (lambda s: s["subject"][0].update(annotations={"lading.tag": "a/b"}), "lading.tag"),
        (lambda s: s["subject"][0].update(annotations={"lading.counter": "-1"}), "lading.counter"),
        (lambda s: s["subject"][0].update(annotations={"lading.time": "01"}), "lading.time"),
        (lambda s: s["subject"][0].update(annotations={"lading.repository": "app"}), "lading.repository"),
    ],
)
def test_a_signed_statement_that_is_none_of_an_image_is_refused(change: Change, field: str) -> None:
    bundle = json.loads(BUNDLE)
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    change(statement)
    signed = Envelope.sign(KEY, "application/vnd.in-toto+json", json.dumps(statement).encode())

    with pytest.raises(SignatureInvalid, match=field):
        sigstore_bundle.verify(_bundle_of(signed), [KEY.public])


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"mediaType": "application/vnd.dev.sigstore.bundle.v0.2+json"}, "mediaType"),
        ({"messageSignature": {}}, "messageSignature"),
        ({"dsseEnvelope": None}, "dsseEnvelope"),
        (
            {"dsseEnvelope": {"payloadType": "text/plain", "payload": "aGk=", "signatures": [{"sig": "aGk="}]}},
            "payloadT",
        ),
        ({"dsseEnvelope": {"payloadType": "text/plain", "payload": "aGk=", "signatures": []}}, "signatures"),
        (
            {"dsseEnvelope": {"payloadType": "text/plain", "payload": "aGl=", "signatures": [{"sig": "aGk="}]}},
            "payload",
        ),
        (
            {"dsseEnvelope": {"payloadType": "text/plain", "payload": "a-k=", "signatures": [{"sig": "aGk="}]}},
            "payload",
        ),
    ],
)
def test_an_envelope_of_another_kind_is_refused(members: dict[str, object], field: str) -> None:
    raw = json.dumps({**json.loads(BUNDLE), **members}).encode()

    with pytest.raises(SignatureInvalid, match=field):
        sigstore_bundle.verify(raw, [KEY.public])


def test_a_type_other_than_was_signed_is_noticed() -> None:
    """The encoding binds the payload's type to the signature."""
    signed = Envelope.sign(KEY, "text/plain", json.loads(json.dumps("{}")).encode())
    retyped = Envelope("application/vnd.in-toto+json", signed.payload, signed.signatures)

    with pytest.raises(SignatureForged):
        sigstore_bundle.verify(_bundle_of(retyped), [KEY.public])


@pytest.mark.parametrize(
    ("name", "optional", "claim"),
    [
        ("registry.example.com/team/app:1.4", None, Claim(CLAIM.digest, CLAIM.repository, "1.4")),
        ("registry.example.com/team/app", {"creator": "x", "timestamp": 5}, Claim(CLAIM.digest, CLAIM.repository)),
        ("index.docker.io/library/alpine", None, Claim(CLAIM.digest, Repository("docker.io", "library/alpine"))),
        ("", None, Claim(CLAIM.digest)),
    ],
)
def test_payloads_of_other_programs_are_read(name: str, optional: object, claim: Claim) -> None:
    assert simple_signing.verify(*_simple(name, optional), [KEY.public]) == (claim, KEY.public)


@pytest.mark.parametrize(
    ("name", "optional"),
    [
        ("registry.example.com/team/app:1.4", {"lading.tag": "1.5"}),
        ("registry.example.com/team/app", {"lading.repository": "registry.example.com/team/other"}),
        ("app", None),
        ("no name", None),
    ],
)
def test_a_payload_that_contradicts_itself_is_refused(name: str, optional: object) -> None:
    with pytest.raises(SignatureInvalid):
        simple_signing.verify(*_simple(name, optional), [KEY.public])


def _simple(name: str, optional: object) -> tuple[bytes, str]:
    critical = {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": str(CLAIM.digest)},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": optional}).encode()
    return payload, base64.b64encode(KEY.sign(payload)).decode()


def _bundle_of(envelope: Envelope) -> bytes:
    return json.dumps({**json.loads(BUNDLE), "dsseEnvelope": envelope.written()}).encode()


def _changed(content: bytes, place: int, change: int) -> bytes:
    return content[:place] + bytes([content[place] ^ change]) + content[place + 1 :]


def _same_or_refused(verify: Callable[[], tuple[Claim, PublicKey]]) -> None:
    try:
        told = verify()
    except (SignatureForged, SignatureInvalid):
        return
    assert told == (CLAIM, KEY.public)
