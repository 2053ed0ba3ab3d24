"""Sigstore bundles with a key pair, as cosign 3 attaches them to images (sigstore's protobuf-specs, bundle v0.3).

    bundle
    ├── verificationMaterial.publicKey.hint    the key's name, which proves nothing
    └── dsseEnvelope
        └── in-toto Statement v1: subject = the manifest's digest and what else is signed, predicate empty

What transparency logs and time-stamping authorities add stands beside these and is not looked at: a key is all that is
asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.digest import Algorithm, Digest, DigestInvalid, DigestUnsupported
from lading.oci.document import Fields, read_object, write_json
from lading.proof.claims import Claim, SignatureForged, SignatureInvalid
from lading.proof.dsse import Envelope
from lading.proof.signing_keys import PrivateKey, PublicKey

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The media type of the layer, and the artifact type of the manifest around it."""

PREDICATE = "https://sigstore.dev/cosign/sign/v1"
"""What cosign calls a signature; statements of other kinds (provenance, SBOMs) are no signatures of an image."""

ANNOTATIONS = {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": PREDICATE}
"""What the manifest around a bundle says of it, so that readers need not open every one."""

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"


def sign(claim: Claim, key: PrivateKey) -> bytes:
    """A bundle that says so."""
    subject = {"digest": {str(claim.digest.algorithm): claim.digest.encoded}, "annotations": claim.annotations}
    statement = {"_type": _STATEMENT, "subject": [subject], "predicateType": PREDICATE, "predicate": {}}
    envelope = Envelope.sign(key, _PAYLOAD, write_json(statement))
    material = {"publicKey": {"hint": key.public.hint}}
    members = {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope.written()}
    return write_json(members)


def verify(raw: bytes, keys: Sequence[PublicKey]) -> tuple[Claim, PublicKey]:
    """What the bundle says and which of `keys` said it: nothing inside is read before its signature is right.

    Raises SignatureInvalid, SignatureForged.
    """
    _, envelope = _read(raw)
    signer = envelope.signer(keys)
    if signer is None:
        raise SignatureForged
    return claim_of(envelope.payload), signer


def stated(raw: bytes) -> tuple[str | None, Claim]:
    """What a bundle says of itself, of which nothing is proven: the hint of its key, None where a certificate names the
    signer, and what is claimed. Raises SignatureInvalid."""
    material, envelope = _read(raw)
    key = material.inner("publicKey")
    return None if key is None else key.text("hint"), claim_of(envelope.payload)


def is_certified(raw: bytes) -> bool:
    """Whether it names its signer by a certificate, not a key. Raises SignatureInvalid."""
    return _read(raw)[0].get("certificate") is not None


def _read(raw: bytes) -> tuple[Fields, Envelope]:
    """What names the signer, and what was signed: neither is believed yet."""
    fields = read_object(raw, SignatureInvalid)
    fields.only("mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature")
    if fields.required_text("mediaType") != BUNDLE:
        fields.refuse("mediaType", f"must be {BUNDLE}")
    if fields.get("messageSignature") is not None:
        fields.refuse("messageSignature", "signs a file, not an image")
    inner = fields.inner("dsseEnvelope")
    if inner is None:
        fields.refuse("dsseEnvelope", "is missing")
    envelope = Envelope.read(inner)
    if envelope.payload_type != _PAYLOAD:
        inner.refuse("payloadType", f"must be {_PAYLOAD}")
    return _material(fields), envelope


def _material(fields: Fields) -> Fields:
    material = fields.inner("verificationMaterial")
    if material is None:
        fields.refuse("verificationMaterial", "is missing")
    material.only("publicKey", "certificate", "tlogEntries", "timestampVerificationData")
    if (material.get("publicKey") is None) is (material.get("certificate") is None):
        material.refuse("publicKey", "or a certificate must be there, and one of the two")
    if (key := material.inner("publicKey")) is not None:
        key.only("hint")
    return material


def claim_of(payload: bytes) -> Claim:
    """What a statement says, of which it is known who signed it. Raises SignatureInvalid."""
    fields = read_object(payload, SignatureInvalid)
    for name, wanted in (("_type", _STATEMENT), ("predicateType", PREDICATE)):
        if fields.required_text(name) != wanted:
            fields.refuse(name, f"must be {wanted}")
    subjects = tuple(fields.each("subject"))
    if len(subjects) != 1:
        fields.refuse("subject", "must be one image")
    return Claim.read(_digest(subjects[0]), subjects[0].mapping("annotations"))


def _digest(subject: Fields) -> Digest:
    """SHA-256, where a subject has several."""
    digests = subject.mapping("digest")
    algorithm = next((each for each in (Algorithm.SHA256, Algorithm.SHA512) if each in digests), None)
    if algorithm is None:
        subject.refuse("digest", "must be SHA-256 or SHA-512")
    try:
        return Digest.parse(f"{algorithm}:{digests[algorithm]}")
    except (DigestInvalid, DigestUnsupported) as error:
        raise SignatureInvalid("subject[0].digest", "is wrong") from error
