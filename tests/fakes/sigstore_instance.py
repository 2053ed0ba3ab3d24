"""A sigstore instance that is played: an authority that certifies names for minutes, the log of its certificates, a log
of signatures, and bundles as cosign makes them there. Each part may be somebody else's, to see that it is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lading.proof import sigstore_bundle
from lading.proof.claims import Claim
from lading.proof.signing_keys import PrivateKey
from tests.fakes.certificates import key_usage

NOW = 1_790_000_000
ISSUER, ANN = "https://accounts.corp", "ann@corp.example"

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_TIMESTAMPS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_MINUTES = timedelta(minutes=10)

Key = ec.EllipticCurvePrivateKey


def key(number: int) -> Key:
    return ec.derive_private_key(number, ec.SECP256R1())


@dataclass(frozen=True)
class Instance:
    """Its three keys; `root` is what verifiers are given."""

    authority: Key = field(default_factory=lambda: key(101))
    certificates: Key = field(default_factory=lambda: key(102))
    log: Key = field(default_factory=lambda: key(103))

    @property
    def root(self) -> bytes:
        chain = {"certificates": [{"rawBytes": _base64(_der(self._authority()))}]}
        authority = {"subject": {"organization": "corp", "commonName": "corp"}, "uri": "https://fulcio.corp"}
        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log("https://rekor.corp", self.log)],
            "certificateAuthorities": [authority | {"certChain": chain, "validFor": _SINCE}],
            "ctlogs": [_log("https://ct.corp", self.certificates)],
            "timestampAuthorities": [],
        }
        return json.dumps(document).encode()

    def bundle(
        self, claim: Claim, subject: str = ANN, issuer: str = ISSUER, *, late: timedelta = timedelta(minutes=1)
    ) -> bytes:
        """A signature that was logged so long after the certificate began."""
        signer = key(104)
        leaf = self._leaf(signer, subject, issuer)
        signed = json.loads(sigstore_bundle.sign(claim, PrivateKey.of(signer)))
        entry = self._entry(signed["dsseEnvelope"], leaf, int((_BEGIN + late).timestamp()))
        material = {"certificate": {"rawBytes": _base64(_der(leaf))}, "tlogEntries": [entry]}
        return json.dumps(signed | {"verificationMaterial": material}).encode()

    def _authority(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "corp")])
        public = self.authority.public_key()
        builder = (
            x509.CertificateBuilder(name, name, public, 1, _BEGIN - timedelta(days=1), _BEGIN + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        return builder.sign(self.authority, hashes.SHA256(), ecdsa_deterministic=True)

    def _leaf(self, signer: Key, subject: str, issuer: str) -> x509.Certificate:
        by = self._authority().subject
        name = x509.RFC822Name(subject) if "@" in subject else x509.UniformResourceIdentifier(subject)
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key())
        builder = (
            x509.CertificateBuilder(by, x509.Name([]), signer.public_key(), 2, _BEGIN, _BEGIN + _MINUTES)
            .add_extension(key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(whose, critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, _string(0x0C, issuer.encode())), critical=False)
        )
        plain = builder.sign(self.authority, hashes.SHA256(), ecdsa_deterministic=True)
        logged = x509.UnrecognizedExtension(_TIMESTAMPS, self._timestamp(plain.tbs_certificate_bytes))
        return builder.add_extension(logged, critical=False).sign(
            self.authority, hashes.SHA256(), ecdsa_deterministic=True
        )

    def _timestamp(self, certificate: bytes) -> bytes:
        """The certificate log's word (RFC 6962, 3.2 and 3.3)."""
        when, by = int(_BEGIN.timestamp() * 1000), hashlib.sha256(_public(self.authority)).digest()
        entry = by + len(certificate).to_bytes(3, "big") + certificate
        signature = _sign(self.certificates, struct.pack("!BBQH", 0, 0, when, 1) + entry + b"\0\0")
        word = b"\0" + _id(self.certificates) + struct.pack("!Q", when) + b"\0\0\4\3" + _sized(signature)
        return _string(0x04, _sized(_sized(word)))

    def _entry(self, envelope: dict[str, object], leaf: x509.Certificate, when: int) -> dict[str, object]:
        """A log of two, of which this is the second (Rekor v1, kind dsse)."""
        body = _body(envelope, leaf)
        before, mine = hashlib.sha256(b"\0first").digest(), hashlib.sha256(b"\0" + body).digest()
        top = hashlib.sha256(b"\1" + before + mine).digest()
        note = f"rekor.corp - 1\n2\n{_base64(top)}\n"
        checkpoint = _base64(_id(self.log)[:4] + _sign(self.log, note.encode()))
        promised = {"body": _base64(body), "integratedTime": when, "logID": _id(self.log).hex(), "logIndex": 1}
        return {
            "logIndex": "1",
            "logId": {"keyId": _base64(_id(self.log))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(when),
            "inclusionPromise": {"signedEntryTimestamp": _base64(_sign(self.log, _canonical(promised)))},
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _base64(top),
                "treeSize": "2",
                "hashes": [_base64(before)],
                "checkpoint": {"envelope": f"{note}\n— rekor.corp {checkpoint}\n"},
            },
            "canonicalizedBody": _base64(body),
        }


def _body(envelope: dict[str, object], leaf: x509.Certificate) -> bytes:
    payload, signatures = envelope["payload"], envelope["signatures"]
    assert isinstance(payload, str)
    assert isinstance(signatures, list)
    verifier = _base64(leaf.public_bytes(serialization.Encoding.PEM))
    spec = {
        "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(_canonical(envelope)).hexdigest()},
        "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(base64.b64decode(payload)).hexdigest()},
        "signatures": [{"signature": each["sig"], "verifier": verifier} for each in signatures],
    }
    return _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})


_BEGIN = datetime.fromtimestamp(NOW, UTC)
_SINCE = {"start": "2026-01-01T00:00:00Z"}


def _log(url: str, of: Key) -> dict[str, object]:
    public = {
        "rawBytes": _base64(_public(of)),
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "validFor": _SINCE,
    }
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": _base64(_id(of))}}


def _sign(by: Key, message: bytes) -> bytes:
    return by.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def _public(of: Key) -> bytes:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return of.public_key().public_bytes(serialization.Encoding.DER, spki)


def _id(of: Key) -> bytes:
    return hashlib.sha256(_public(of)).digest()


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _string(tag: int, content: bytes) -> bytes:
    """In DER; long ones need no more than 255 bytes here."""
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _canonical(document: dict[str, object]) -> bytes:
    """RFC 8785, as far as these documents go."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
