"""cosign's encrypted key files: PKCS #8 in a secretbox of NaCl, under a key that scrypt makes of the passphrase.

    PEM  ENCRYPTED SIGSTORE PRIVATE KEY, before cosign 2 ENCRYPTED COSIGN PRIVATE KEY
    └── {"kdf": {"name": "scrypt", "params": {"N", "r", "p"}, "salt"},
         "cipher": {"name": "nacl/secretbox", "nonce"}, "ciphertext"}

The secretbox is XSalsa20 with Poly1305 (D. J. Bernstein, Cryptography in NaCl, sections 7 to 10). It is only opened
here, never made: what Lading writes is `key_files`.
"""

from __future__ import annotations

import base64
import binascii
import re
from struct import pack, unpack

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.poly1305 import Poly1305

from lading.oci.document import DocumentInvalid, Fields, read_object
from lading.proof.base64_text import base64_of
from lading.proof.signing_keys import KeyInvalid

_PEM = re.compile(rb"-----BEGIN (ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----\s(.*?)-----END \1-----", re.DOTALL)
_KEY_SIZE, _NONCE_SIZE, _TAG_SIZE = 32, 24, 16
_MOST_MEMORY = 256 * 1024 * 1024
"""Bytes that scrypt may take: cosign's take 64 MiB, and a file must not ask for more than a machine has."""

_MOST_PARALLEL = 16
_CONSTANTS = unpack("<4I", b"expand 32-byte k")
_ROUNDS = (
    (0, 4, 8, 12),
    (5, 9, 13, 1),
    (10, 14, 2, 6),
    (15, 3, 7, 11),
    (0, 1, 2, 3),
    (5, 6, 7, 4),
    (10, 11, 8, 9),
    (15, 12, 13, 14),
)
"""Columns, then rows: which words a quarter round mixes (The Salsa20 family of stream ciphers, section 4)."""

_WORD = 0xFFFFFFFF


class _Broken(DocumentInvalid):
    what = "the key of cosign"


def is_cosign_key(pem: bytes) -> bool:
    """Whether it says so of itself."""
    return b"BEGIN ENCRYPTED SIGSTORE PRIVATE KEY" in pem or b"BEGIN ENCRYPTED COSIGN PRIVATE KEY" in pem


def opened(pem: bytes, passphrase: str) -> bytes | None:
    """The private key in DER; None where the passphrase does not open it. Raises KeyInvalid."""
    found = _PEM.search(pem)
    if found is None:
        raise KeyInvalid("the file is cut off")
    try:
        fields = read_object(base64.b64decode(b"".join(found[2].split()), validate=True), _Broken)
        return _opened(fields, passphrase)
    except (binascii.Error, ValueError):
        raise KeyInvalid("what it holds is not base64") from None
    except _Broken as error:
        raise KeyInvalid(f"{error.field} {error.rule}") from error


def _opened(fields: Fields, passphrase: str) -> bytes | None:
    kdf, cipher = _named(fields, "kdf", "scrypt"), _named(fields, "cipher", "nacl/secretbox")
    nonce, box = base64_of(cipher, "nonce"), base64_of(fields, "ciphertext")
    if len(nonce) != _NONCE_SIZE or len(box) < _TAG_SIZE:
        cipher.refuse("nonce", "or the ciphertext is too short")
    return opened_box(box, nonce, _derived(kdf, passphrase))


def _derived(kdf: Fields, passphrase: str) -> bytes:
    params = kdf.inner("params")
    if params is None:
        kdf.refuse("params", "is missing")
    cost, block, parallel = params.size("N"), params.size("r"), params.size("p")
    if cost < 2 or cost & (cost - 1) or block < 1 or not 1 <= parallel <= _MOST_PARALLEL:
        params.refuse("N", "is no parameter of scrypt")
    if 128 * block * cost > _MOST_MEMORY:
        params.refuse("N", f"asks for more than {_MOST_MEMORY} bytes of memory")
    derive = Scrypt(salt=base64_of(kdf, "salt"), length=_KEY_SIZE, n=cost, r=block, p=parallel)
    return derive.derive(passphrase.encode())


def _named(fields: Fields, name: str, wanted: str) -> Fields:
    inner = fields.inner(name)
    if inner is None:
        fields.refuse(name, "is missing")
    if inner.required_text("name") != wanted:
        inner.refuse("name", f"must be {wanted}")
    return inner


# ── the secretbox


def opened_box(box: bytes, nonce: bytes, key: bytes) -> bytes | None:
    """What a secretbox holds, tag first; None where the key is another or a byte was changed."""
    secret = _hsalsa20(key, nonce[:16])
    stream = _stream(secret, nonce[16:], _KEY_SIZE + len(box) - _TAG_SIZE)
    tag, content = box[:_TAG_SIZE], box[_TAG_SIZE:]
    try:
        Poly1305.verify_tag(stream[:_KEY_SIZE], content, tag)
    except InvalidSignature:
        return None
    return bytes(a ^ b for a, b in zip(content, stream[_KEY_SIZE:], strict=True))


def _stream(key: bytes, nonce: bytes, size: int) -> bytes:
    blocks = (_block(key, nonce + pack("<Q", counter)) for counter in range(-(-size // 64)))
    return b"".join(blocks)[:size]


def _block(key: bytes, given: bytes) -> bytes:
    state = _state(key, given)
    mixed = _mixed(state)
    return pack("<16I", *((a + b) & _WORD for a, b in zip(state, mixed, strict=True)))


def _hsalsa20(key: bytes, given: bytes) -> bytes:
    """A key of a key and 16 bytes (Extending the Salsa20 nonce, section 2)."""
    mixed = _mixed(_state(key, given))
    return pack("<8I", *(mixed[place] for place in (0, 5, 10, 15, 6, 7, 8, 9)))


def _state(key: bytes, given: bytes) -> list[int]:
    first, second, words = unpack("<4I", key[:16]), unpack("<4I", key[16:]), unpack("<4I", given)
    one, two, three, four = _CONSTANTS
    return [one, *first, two, *words, three, *second, four]


def _mixed(state: list[int]) -> list[int]:
    words = list(state)
    for _ in range(10):
        for a, b, c, d in _ROUNDS:
            words[b] ^= _turned(words[a] + words[d], 7)
            words[c] ^= _turned(words[b] + words[a], 9)
            words[d] ^= _turned(words[c] + words[b], 13)
            words[a] ^= _turned(words[d] + words[c], 18)
    return words


def _turned(word: int, places: int) -> int:
    word &= _WORD
    return ((word << places) | (word >> (32 - places))) & _WORD
