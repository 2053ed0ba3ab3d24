"""Canonical JSON as Notary v1 signs it, and the signed files made of it.

Signed is the canonical form: members sorted, no spaces, whole numbers, nothing escaped but `"` and `\\`. The file
around it, `{"signed":…,"signatures":[…]}`, is written as Go writes JSON, with `<`, `>`, `&` and two line separators
escaped. What is not spelled exactly so is refused, so one content has one spelling and no changed byte goes unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lading.oci.document import Fields, read_json
from lading.proof.base64_text import base64_of, in_base64
from lading.proof.tuf_refusals import TrustInvalid

NUMBER_LIMIT = 2**53 - 1
"""The largest number: Go's verifier reads numbers as 64-bit floats, which are exact up to here."""

METHODS = frozenset({"ecdsa", "eddsa", "rsapss", "rsapkcs1v15", "pycrypto-pkcs#1 pss"})
"""The signature methods there are; which of them are believed is the keys' question."""

_CONTROL = re.compile("[\0-\x1f]")
_ESCAPED_BY_GO = {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: the id of the key that made it, how, and its bytes."""

    key: str
    method: str
    bytes: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed file: `payload` is what was signed, in canonical form, and `content` what that says."""

    content: dict[str, object]
    signatures: tuple[Signature, ...]

    @property
    def payload(self) -> bytes:
        """The bytes that are signed."""
        return write_canonical(self.content)

    @property
    def raw(self) -> bytes:
        """The file."""
        signatures: list[object] = [
            {"keyid": each.key, "method": each.method, "sig": in_base64(each.bytes)} for each in self.signatures
        ]
        text = f'{{"signed":{_text(self.content)},"signatures":{_text(signatures)}}}'
        for character, escape in _ESCAPED_BY_GO.items():
            text = text.replace(character, escape)
        return text.encode()

    @classmethod
    def read(cls, raw: bytes, role: str) -> Signed:
        """A file of `role`, whose name errors start with. Nothing is verified yet. Raises TrustInvalid."""
        value = read_json(raw, TrustInvalid)
        if not isinstance(value, dict) or set(value) != {"signed", "signatures"}:
            raise TrustInvalid(role, "must have signed and signatures, and nothing else")
        content = value["signed"]
        if not isinstance(content, dict):
            raise TrustInvalid(f"{role}.signed", "must be an object")
        found = cls(content, tuple(_signature(each) for each in Fields(value, role, TrustInvalid).each("signatures")))
        if found.raw != raw:
            raise TrustInvalid(role, "is not in canonical form")
        return found


def write_canonical(value: object) -> bytes:
    """Any JSON value in canonical form. Raises TrustInvalid for what that cannot say: fractions, control characters."""
    return _text(value).encode()


def _signature(fields: Fields) -> Signature:
    if set(fields.members) != {"keyid", "method", "sig"}:
        fields.refuse("keyid", "method and sig are what a signature has")
    method = fields.required_text("method")
    if method not in METHODS:
        fields.refuse("method", "is none of Notary's")
    return Signature(fields.required_text("keyid"), method, base64_of(fields, "sig"))


def _text(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case int():
            if abs(value) > NUMBER_LIMIT:
                raise TrustInvalid(f"the number {value}", "is too large")
            return str(value)
        case dict():
            return "{" + ",".join(f"{_quoted(name)}:{_text(value[name])}" for name in sorted(value)) + "}"
        case list():
            return "[" + ",".join(map(_text, value)) + "]"
        case _:
            raise TrustInvalid(f"the value {value!r:.40}", "has no canonical form")


def _quoted(text: str) -> str:
    if _CONTROL.search(text):
        raise TrustInvalid(f"the text {text!r:.40}", "holds a control character")
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
