"""Sealing a login under our key: AES-GCM, bound to the place it is for, so that a seal moved elsewhere does not open.

The key's id stands beside each seal: a key that was changed is told apart from a file that was.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lading.backends.credentials import private_file
from lading.backends.credentials.failures import SecretKeyInvalid, SecretKeyMissing

_KEY_BYTES = 32
_NONCE_BYTES = 12
_CONTEXT = b"lading login\0"


class NotOurs(Exception):
    """The seal does not open: it is not what this key made for this place."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """32 bytes that open and close; `id` tells keys apart and says nothing of them."""

    material: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str, source: str) -> SecretKey:
        """From base64. Raises SecretKeyInvalid naming `source`."""
        try:
            material = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise SecretKeyInvalid(source) from error
        if len(material) != _KEY_BYTES:
            raise SecretKeyInvalid(source)
        return cls(material)

    @property
    def id(self) -> str:
        """Eight hex digits."""
        return hashlib.sha256(b"lading key id\0" + self.material).hexdigest()[:8]

    def seal(self, place: str, plain: bytes) -> bytes:
        """Opens again only for the same place."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.material).encrypt(nonce, plain, _CONTEXT + place.encode())

    def open(self, place: str, sealed: bytes) -> bytes:
        """Raises NotOurs."""
        try:
            return AESGCM(self.material).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _CONTEXT + place.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise NotOurs from error


def read_key(path: Path) -> SecretKey:
    """Raises SecretKeyMissing, SecretKeyInvalid, CredentialFileUnusable."""
    content = private_file.read(path)
    if content is None:
        raise SecretKeyMissing(str(path))
    return SecretKey.parse(content.decode("ascii", "replace"), str(path))


def read_or_make_key(path: Path) -> SecretKey:
    """Made where there is none; of several processes that try, one makes it and all use it."""
    if private_file.read(path) is None:
        private_file.create(path, base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n")
    return read_key(path)
