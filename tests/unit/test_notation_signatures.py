"""notation's signatures: what we write we read, and what breaks a rule of the specification is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.proof import notation
from lading.proof.certificate_chains import Certificate, CertificateInvalid, ChainRefused
from lading.proof.claims import Claim, SignatureForged, SignatureInvalid
from lading.proof.signing_keys import PrivateKey
from tests.fakes.certificates import key_usage

NOW = 1_790_000_000
BEGIN = datetime.fromtimestamp(NOW, UTC)
TARGET = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"manifest"), 8)
CLAIM = Claim(TARGET.digest, Repository("registry.test", "team/app"), "1", 5, NOW)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def issued(
    name: str,
    key: Key,
    issuer: tuple[str, Key] | None = None,
    *,
    ca: bool = False,
    path: int | None = None,
    days: tuple[int, int] = (-1, 30),
    use: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
) -> Certificate:
    """A certificate for a key, by itself unless somebody issues it."""
    by, by_key = issuer or (name, key)
    builder = (
        x509.CertificateBuilder(_name(by), _name(name), key.public_key(), len(name) + 1)
        .not_valid_before(BEGIN + timedelta(days=days[0]))
        .not_valid_after(BEGIN + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
        .add_extension(key_usage(ca=ca), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return Certificate.read(builder.sign(by_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


ROOT_KEY, MIDDLE_KEY, LEAF_KEY, EVE_KEY = (ec.derive_private_key(n, ec.SECP256R1()) for n in (11, 12, 13, 14))
ROOT = issued("root", ROOT_KEY, ca=True)
MIDDLE = issued("middle", MIDDLE_KEY, ("root", ROOT_KEY), ca=True, path=0)
LEAF = issued("leaf", LEAF_KEY, ("middle", MIDDLE_KEY))
CHAIN = [LEAF, MIDDLE, ROOT]
ENVELOPE = notation.sign(TARGET, CLAIM, PrivateKey.of(LEAF_KEY), CHAIN)


def test_what_was_signed_is_read_again() -> None:
    signed = notation.verify(ENVELOPE, [ROOT], NOW)

    assert signed.claim == CLAIM
    assert (signed.media_type, signed.size) == (TARGET.media_type, TARGET.size)
    assert (signed.signer, signed.signer.subject) == (LEAF, "CN=leaf")


def test_an_envelope_has_the_members_that_the_specification_names() -> None:
    envelope = json.loads(ENVELOPE)

    assert set(envelope) == {"payload", "protected", "header", "signature"}
    assert _part(envelope, "protected") == {
        "alg": "ES256",
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2026-09-21T14:13:20Z",
        "crit": ["io.cncf.notary.signingScheme"],
    }
    assert _part(envelope, "payload")["targetArtifact"]["digest"] == str(TARGET.digest)
    assert base64.b64decode(envelope["header"]["x5c"][2]) == ROOT.der


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        ([], "1 to 8 are needed"),
        ([LEAF] * 9, "1 to 8 are needed"),
        ([LEAF, MIDDLE], "none of its authorities is trusted"),
        ([issued("leaf", LEAF_KEY, ("middle", EVE_KEY)), MIDDLE, ROOT], "CN=middle did not issue CN=leaf"),
        ([LEAF, issued("middle", MIDDLE_KEY, ("root", EVE_KEY), ca=True), ROOT], "CN=root did not issue CN=middle"),
        ([LEAF, issued("middle", MIDDLE_KEY, ("root", ROOT_KEY)), ROOT], "CN=middle may not have issued it"),
        ([LEAF, ROOT], "CN=root did not issue CN=leaf"),
        ([MIDDLE, ROOT], "it is not for signing"),
        ([issued("leaf", LEAF_KEY, ("root", ROOT_KEY), use=ExtendedKeyUsageOID.SERVER_AUTH), ROOT], "not for signing"),
        ([issued("leaf", LEAF_KEY, ("root", ROOT_KEY), days=(-9, -1)), ROOT], "CN=leaf is not valid at this time"),
        ([issued("leaf", LEAF_KEY, ("root", ROOT_KEY), days=(1, 9)), ROOT], "CN=leaf is not valid at this time"),
    ],
)
def test_a_chain_that_does_not_hold_is_refused(chain: list[Certificate], reason: str) -> None:
    envelope = notation.sign(TARGET, CLAIM, PrivateKey.of(LEAF_KEY), chain)

    with pytest.raises(ChainRefused, match=reason):
        notation.verify(envelope, [ROOT], NOW)


def test_an_authority_issues_no_deeper_than_it_may() -> None:
    low_key = ec.derive_private_key(15, ec.SECP256R1())
    low = issued("low", low_key, ("middle", MIDDLE_KEY), ca=True)
    chain = [issued("leaf", LEAF_KEY, ("low", low_key)), low, MIDDLE, ROOT]

    with pytest.raises(ChainRefused, match="CN=middle may not have issued it"):
        notation.verify(notation.sign(TARGET, CLAIM, PrivateKey.of(LEAF_KEY), chain), [ROOT], NOW)


def test_a_chain_without_its_root_is_refused_though_a_part_is_trusted() -> None:
    envelope = notation.sign(TARGET, CLAIM, PrivateKey.of(LEAF_KEY), [LEAF, MIDDLE])

    with pytest.raises(ChainRefused, match="does not end with a root"):
        notation.verify(envelope, [MIDDLE], NOW)


def test_another_key_than_the_certificates_is_noticed() -> None:
    with pytest.raises(SignatureForged):
        notation.verify(notation.sign(TARGET, CLAIM, PrivateKey.of(EVE_KEY), CHAIN), [ROOT], NOW)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda h: h.update({"alg": "none"}), "alg must be ES256"),
        (lambda h: h.update({"alg": "HS256"}), "alg must be ES256"),
        (lambda h: h.update({"alg": "ES384"}), "alg must be ES256"),
        (lambda h: h.update({"cty": "text/plain"}), "cty must be"),
        (lambda h: h.update({"io.cncf.notary.signingScheme": "notary.x509.signingAuthority"}), "must be notary.x509"),
        (lambda h: h.update({"crit": []}), "crit must name the scheme"),
        (lambda h: h["crit"].append("io.cncf.notary.verificationPlugin"), "crit must name the scheme"),
        (lambda h: h.update({"io.cncf.notary.signingTime": "yesterday"}), "is no time"),
        (lambda h: h.pop("io.cncf.notary.signingTime"), "signingTime is missing"),
        (lambda h: _ends(h, "2026-09-21T14:13:20Z"), "expiry is over"),
        (lambda h: h.update({"io.cncf.notary.expiry": "2027-01-01T00:00:00Z"}), "crit must name the scheme"),
    ],
)
def test_signed_headers_that_break_a_rule_are_refused(change: Change, complaint: str) -> None:
    with pytest.raises(SignatureInvalid, match=complaint):
        notation.verify(_resigned(change), [ROOT], NOW)


def test_a_signature_that_ends_later_counts() -> None:
    assert notation.verify(_resigned(lambda h: _ends(h, "2027-01-01T00:00:00Z")), [ROOT], NOW).claim == CLAIM


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"more": 1}, "more is not known"),
        ({"header": None}, "header is missing"),
        ({"signature": "a"}, "signature is not base64"),
        ({"protected": "e30="}, "protected is not base64 as it must be spelled"),
        ({"payload": None}, "payload is missing"),
    ],
)
def test_an_envelope_that_breaks_a_rule_is_refused(members: Mapping[str, object], complaint: str) -> None:
    with pytest.raises(SignatureInvalid, match=complaint):
        notation.verify(json.dumps({**json.loads(ENVELOPE), **members}).encode(), [ROOT], NOW)


def test_keys_of_rsa_are_read() -> None:
    """As notation's own test certificates are; no program of ours signs with them."""
    key = rsa.generate_private_key(65537, 2048)
    leaf = issued("leaf", key, ("root", ROOT_KEY))

    def made(message: bytes) -> bytes:
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())

    envelope = _resigned(lambda h: h.update(alg="PS256"), made, [leaf, ROOT])

    assert notation.verify(envelope, [ROOT], NOW).signer == leaf


def test_certificates_are_read_from_their_file() -> None:
    pem = b"".join(
        x509.load_der_x509_certificate(each.der).public_bytes(serialization.Encoding.PEM) for each in (MIDDLE, ROOT)
    )

    assert Certificate.parse(pem) == (MIDDLE, ROOT)
    with pytest.raises(CertificateInvalid):
        Certificate.parse(b"nothing")


_SIGNED = len(x509.load_der_x509_certificate(ROOT.der).signature)


@pytest.mark.parametrize(
    ("place", "value"),
    [(ROOT.der.index(b"\xa0\x03\x02\x01\x02") + 4, 10), *((len(ROOT.der) - _SIGNED - 1, bits) for bits in range(1, 9))],
)
def test_a_certificate_in_a_spelling_of_its_own_is_refused(place: int, value: int) -> None:
    """A version that there is not; a signature that leaves bits unused. In our words: the library has several of its
    own, and reads parts of a certificate only as they are asked for."""
    with pytest.raises(ChainRefused, match="it cannot be read"):
        Certificate.read(ROOT.der[:place] + bytes([value]) + ROOT.der[place + 1 :])


@given(place=st.integers(0, len(ENVELOPE) - 1), change=st.integers(1, 255))
def test_an_envelope_with_a_changed_byte_says_the_same_or_nothing(place: int, change: int) -> None:
    changed = ENVELOPE[:place] + bytes([ENVELOPE[place] ^ change]) + ENVELOPE[place + 1 :]
    try:
        signed = notation.verify(changed, [ROOT], NOW)
    except (SignatureInvalid, SignatureForged, ChainRefused):
        return
    assert (signed.claim, signed.signer) == (CLAIM, LEAF)


@given(st.binary(max_size=200))
def test_whatever_arrives_is_refused_in_our_words(content: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        notation.verify(content, [ROOT], NOW)


def _ends(headers: dict[str, Any], when: str) -> None:
    headers["io.cncf.notary.expiry"] = when
    headers["crit"].append("io.cncf.notary.expiry")


def _part(envelope: Mapping[str, str], name: str) -> dict[str, Any]:
    text = envelope[name]
    part: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return part


def _resigned(
    change: Change, signature: Callable[[bytes], bytes] | None = None, chain: list[Certificate] | None = None
) -> bytes:
    """With other headers, and right otherwise."""
    envelope = json.loads(ENVELOPE)
    headers = _part(envelope, "protected")
    change(headers)
    envelope["protected"] = _packed(json.dumps(headers).encode())
    message = f"{envelope['protected']}.{envelope['payload']}".encode()
    envelope["signature"] = _packed((signature or _numbers)(message))
    if chain is not None:
        envelope["header"]["x5c"] = [base64.b64encode(each.der).decode() for each in chain]
    return json.dumps(envelope).encode()


def _numbers(message: bytes) -> bytes:
    return b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(PrivateKey.of(LEAF_KEY).sign(message)))


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
