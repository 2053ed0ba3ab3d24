"""notation's signatures: a JWS over the image's descriptor, made with a certificate's key (notaryproject's
specifications, signature-envelope-jws.md).

    payload     {"targetArtifact": descriptor}
    protected   algorithm, scheme, time of signing and perhaps an end: signed with the payload
    header      the chain of certificates, which proves itself

The key of the first certificate decides the algorithm, whatever the envelope says. Only the scheme `notary.x509` is
read: times that an authority vouches for need that authority.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from lading.oci.descriptor import Descriptor
from lading.oci.document import Fields, read_object, write_json
from lading.oci.instants import parse_instant
from lading.proof.base64_text import base64_of, in_base64
from lading.proof.certificate_chains import Certificate, ChainRefused, check_chain
from lading.proof.claims import Claim, SignatureForged, SignatureInvalid
from lading.proof.signing_keys import KeyKind, PrivateKey

ARTIFACT = "application/vnd.cncf.notary.signature"
"""The artifact type of the manifest around a signature."""

ENVELOPE = "application/jose+json"
"""The media type of the layer."""

_CONTENT = "application/vnd.cncf.notary.payload.v1+json"
_SCHEME, _X509 = "io.cncf.notary.signingScheme", "notary.x509"
_TIME, _EXPIRY = "io.cncf.notary.signingTime", "io.cncf.notary.expiry"
_HASHES: Mapping[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
_BY_CURVE = {256: "ES256", 384: "ES384", 521: "ES512"}
_BY_BITS = {2048: "PS256", 3072: "PS384", 4096: "PS512"}
_BY_NAME = {"PS256": hashes.SHA256(), "PS384": hashes.SHA384(), "PS512": hashes.SHA512()}


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature says of which content, and whose certificate made it: the first of `chain`, whose last signed
    itself. `media_type` and `size` are signed too."""

    claim: Claim
    media_type: str
    size: int
    chain: tuple[Certificate, ...]

    @property
    def signer(self) -> Certificate:
        """Whoever made it."""
        return self.chain[0]


def sign(target: Descriptor, claim: Claim, key: PrivateKey, chain: Sequence[Certificate]) -> bytes:
    """An envelope; `key` is ECDSA and belongs to the first of `chain`, and the claim says when it is made."""
    assert key.public.kind is KeyKind.ECDSA_P256  # notation knows no Ed25519
    assert claim.signed_at is not None
    artifact = {"mediaType": target.media_type, "digest": str(target.digest), "size": target.size}
    payload = _packed(write_json({"targetArtifact": artifact | {"annotations": claim.annotations}}))
    headers = {"alg": "ES256", "cty": _CONTENT, _SCHEME: _X509, _TIME: _instant(claim.signed_at), "crit": [_SCHEME]}
    protected = _packed(write_json(headers))
    first, second = decode_dss_signature(key.sign(f"{protected}.{payload}".encode()))
    members = {
        "payload": payload,
        "protected": protected,
        "header": {"x5c": [in_base64(each.der) for each in chain]},
        "signature": _packed(first.to_bytes(32, "big") + second.to_bytes(32, "big")),
    }
    return write_json(members)


def verify(raw: bytes, trusted: Collection[Certificate], now: float) -> Signed:
    """What an envelope says; `now` is in seconds since 1970.

    Raises SignatureInvalid, SignatureForged, ChainRefused.
    """
    fields = read_object(raw, SignatureInvalid)
    fields.only("payload", "protected", "header", "signature")
    chain = _chain(fields)
    check_chain(chain, trusted, datetime.fromtimestamp(now, UTC))
    payload, protected = fields.required_text("payload"), fields.required_text("protected")
    headers = read_object(_unpacked(fields, "protected"), SignatureInvalid)
    algorithm = _algorithm(chain[0])
    if headers.required_text("alg") != algorithm:
        headers.refuse("alg", f"must be {algorithm}, as the certificate's key is")
    _check(chain[0], _unpacked(fields, "signature"), f"{protected}.{payload}".encode(), algorithm)
    signed_at = _signed_at(headers, now)
    return _signed(_unpacked(fields, "payload"), signed_at, tuple(chain))


def stated(raw: bytes) -> Signed:
    """What an envelope says of itself, of which nothing is proven. Raises SignatureInvalid, ChainRefused."""
    fields = read_object(raw, SignatureInvalid)
    headers = read_object(_unpacked(fields, "protected"), SignatureInvalid)
    chain = _chain(fields)
    if not chain:
        fields.refuse("header", "has no certificate")
    return _signed(_unpacked(fields, "payload"), int(_second(headers, _TIME)), tuple(chain))


def _chain(fields: Fields) -> list[Certificate]:
    header = fields.inner("header")
    if header is None:
        fields.refuse("header", "is missing")
    chain = []
    for place, text in enumerate(header.texts("x5c")):
        one = Fields({"x5c": text}, f"header.x5c[{place}]", SignatureInvalid)
        chain.append(Certificate.read(base64_of(one, "x5c")))
    return chain


def _algorithm(certificate: Certificate) -> str:
    key = certificate.key
    names = _BY_BITS if isinstance(key, rsa.RSAPublicKey) else _BY_CURVE
    if key.key_size not in names:
        raise ChainRefused("its key is of a kind or size that does not count")
    return names[key.key_size]


def _check(certificate: Certificate, signature: bytes, message: bytes, algorithm: str) -> None:
    key = certificate.key
    try:
        if isinstance(key, rsa.RSAPublicKey):
            chosen = _BY_NAME[algorithm]
            salted = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
            key.verify(signature, message, salted, chosen)
        else:
            key.verify(_in_der(key, signature), message, ec.ECDSA(_HASHES[key.key_size]))
    except InvalidSignature:
        raise SignatureForged from None


def _in_der(key: ec.EllipticCurvePublicKey, signature: bytes) -> bytes:
    """From the two numbers as JWS writes them (RFC 7518, 3.4)."""
    half = (key.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise SignatureForged
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def _signed_at(headers: Fields, now: float) -> int:
    """Read after the signature was right. Whatever is critical has to be known."""
    for name, wanted in (("cty", _CONTENT), (_SCHEME, _X509)):
        if headers.required_text(name) != wanted:
            headers.refuse(name, f"must be {wanted}")
    critical = set(headers.texts("crit"))
    ends = headers.get(_EXPIRY) is not None
    if critical != ({_SCHEME, _EXPIRY} if ends else {_SCHEME}):
        headers.refuse("crit", "must name the scheme, the end where there is one, and nothing else")
    if ends and _second(headers, _EXPIRY) <= now:
        headers.refuse(_EXPIRY, "is over")
    return int(_second(headers, _TIME))


def _second(headers: Fields, name: str) -> float:
    found = parse_instant(headers.required_text(name))
    if found is None:
        headers.refuse(name, "is no time")
    return found


def _signed(payload: bytes, signed_at: int, chain: tuple[Certificate, ...]) -> Signed:
    fields = read_object(payload, SignatureInvalid)
    target = fields.inner("targetArtifact")
    if target is None:
        fields.refuse("targetArtifact", "is missing")
    descriptor = Descriptor.read(target)
    claim = Claim.read(descriptor.digest, descriptor.annotations)
    dated = claim if claim.signed_at is not None else replace(claim, signed_at=signed_at)
    return Signed(dated, descriptor.media_type, descriptor.size, chain)


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _packed(content: bytes) -> str:
    """Base64 for URLs, without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _unpacked(fields: Fields, name: str) -> bytes:
    text = fields.required_text(name)
    try:
        content = base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        fields.refuse(name, "is not base64")
    if _packed(content) != text:
        fields.refuse(name, "is not base64 as it must be spelled")
    return content
