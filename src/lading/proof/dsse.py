"""DSSE envelopes: a payload, its type, and signatures over both (github.com/secure-systems-lab/dsse, protocol.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lading.oci.document import Fields
from lading.proof.base64_text import base64_of, in_base64
from lading.proof.signing_keys import PrivateKey, PublicKey

SIGNATURES_LIMIT = 16
"""The most signatures in one envelope; writers put in one."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was signed, not yet checked: only `signer` tells who signed it."""

    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]

    @classmethod
    def sign(cls, key: PrivateKey, payload_type: str, payload: bytes) -> Envelope:
        """With one signature."""
        return cls(payload_type, payload, (key.sign(encoded(payload_type, payload)),))

    @classmethod
    def read(cls, fields: Fields) -> Envelope:
        """From JSON. Raises what the document raises."""
        fields.only("payload", "payloadType", "signatures")
        signatures = tuple(_signature(each) for each in fields.each("signatures"))
        if not 0 < len(signatures) <= SIGNATURES_LIMIT:
            fields.refuse("signatures", f"must hold 1 to {SIGNATURES_LIMIT}")
        return cls(fields.required_text("payloadType"), base64_of(fields, "payload"), signatures)

    def written(self) -> dict[str, object]:
        """As JSON members."""
        return {
            "payload": in_base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": in_base64(signature)} for signature in self.signatures],
        }

    def signer(self, keys: Sequence[PublicKey]) -> PublicKey | None:
        """The first of `keys` that made one of the signatures."""
        message = encoded(self.payload_type, self.payload)
        for key in keys:
            if any(key.verifies(signature, message) for signature in self.signatures):
                return key
        return None


def _signature(fields: Fields) -> bytes:
    fields.only("sig", "keyid")  # the key's name, which proves nothing
    return base64_of(fields, "sig")


def encoded(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding (DSSE v1, Signature Definition)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
