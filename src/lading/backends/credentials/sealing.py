"""Sealing under our keys: AES-GCM, bound to the place a secret is for, so that a seal moved elsewhere does not open.

The key's id stands beside each seal: a key that was changed is told apart from a seal that was. The first key seals;
further ones open what they sealed before. `purpose` keeps apart what is kept in different files: a login's seal opens
nothing in the database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lading.backends.credentials import private_file
from lading.backends.credentials.failures import SecretKeyInvalid, SecretKeyMissing

_KEY_BYTES = 32
_NONCE_BYTES = 12
LOGIN = b"lading login\0"
SECRET = b"lading secret\0"
REGISTRY_TOKEN = b"lading registry token\0"


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

    def seal(self, place: str, plain: bytes, purpose: bytes = LOGIN) -> bytes:
        """Opens again only for the same place and purpose."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.material).encrypt(nonce, plain, purpose + place.encode())

    def open(self, place: str, sealed: bytes, purpose: bytes = LOGIN) -> bytes:
        """Raises NotOurs."""
        try:
            return AESGCM(self.material).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose + place.encode())
        except (InvalidTag, ValueError) as error:
            raise NotOurs from error

    def derived(self, purpose: bytes) -> bytes:
        """Another key of 32 bytes, for this purpose alone, from which this one is not found."""
        return hmac.digest(self.material, purpose, "sha256")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The first key seals, all of them open. There is at least one."""

    keys: tuple[SecretKey, ...]

    @classmethod
    def parse(cls, text: str, source: str) -> KeyRing:
        """From base64, with space between keys. Raises SecretKeyInvalid naming `source`."""
        keys = tuple(SecretKey.parse(word, source) for word in text.split())
        if not keys:
            raise SecretKeyInvalid(source)
        return cls(keys)

    @property
    def first(self) -> SecretKey:
        """The one that seals."""
        return self.keys[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The first one's first."""
        return tuple(key.id for key in self.keys)

    def named(self, id: str) -> SecretKey | None:  # noqa: A002  the key's own word
        """None where it is not ours."""
        return next((key for key in self.keys if key.id == id), None)


def new_key() -> SecretKey:
    """Random."""
    return SecretKey(os.urandom(_KEY_BYTES))


def read_keys(path: Path) -> KeyRing:
    """Raises SecretKeyMissing, SecretKeyInvalid, CredentialFileUnusable."""
    content = private_file.read(path)
    if content is None:
        raise SecretKeyMissing(str(path))
    return KeyRing.parse(content.decode("ascii", "replace"), str(path))


def read_or_make_keys(path: Path) -> KeyRing:
    """Made where there is none; of several processes that try, one makes it and all use it."""
    if private_file.read(path) is None:
        private_file.create(path, _lines(KeyRing((new_key(),))))
    return read_keys(path)


def write_keys(path: Path, ring: KeyRing) -> None:
    """In place of those that are there. Raises CredentialFileUnusable."""
    private_file.replace(path, _lines(ring))


def _lines(ring: KeyRing) -> bytes:
    return b"".join(base64.b64encode(key.material) + b"\n" for key in ring.keys)
