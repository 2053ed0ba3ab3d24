"""Secrets of the database's rows, sealed: `<key id>:<base64>`, each bound to its place; and the keys, in their file or
given by whoever started us."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

from lading.backends.credentials.sealing import (
    REGISTRY_TOKEN,
    SECRET,
    KeyRing,
    NotOurs,
    new_key,
    read_keys,
    read_or_make_keys,
    write_keys,
)
from lading.services.secrets import SealBroken


class SealedBox:
    """Fulfils services.secrets.SecretBox."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal(self, place: str, plain: str) -> str:
        key = self._ring.first
        return f"{key.id}:{base64.b64encode(key.seal(place, plain.encode(), SECRET)).decode('ascii')}"

    def open(self, place: str, sealed: str) -> str:
        key_id, _, text = sealed.partition(":")
        key = self._ring.named(key_id)
        if key is None:
            ours = " and ".join(self._ring.ids)
            raise SealBroken(place, f"it was sealed with the key {key_id[:8]!r}, ours is {ours}")
        try:
            return key.open(place, base64.b64decode(text, validate=True), SECRET).decode()
        except (NotOurs, binascii.Error, ValueError) as error:
            raise SealBroken(place, "it was changed or moved since it was sealed") from error


class KeyFile:
    """The file secret.key; fulfils services.server.secret_rotation.Keys."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def box(self, *, making: bool) -> SealedBox:
        """With the keys of this moment; `making` allows a first one, where nothing can have been sealed yet.

        Raises SecretKeyMissing, SecretKeyInvalid, CredentialFileUnusable.
        """
        return SealedBox(read_or_make_keys(self._path) if making else read_keys(self._path))

    def ids(self) -> Sequence[str]:
        return read_keys(self._path).ids

    def of_registry_tokens(self) -> Sequence[bytes]:
        """What seals the tokens of our registry: the first seals, all open."""
        return _of_registry_tokens(read_keys(self._path))

    def add(self) -> None:
        write_keys(self._path, KeyRing((new_key(), *read_or_make_keys(self._path).keys)))

    def reseal(self, place: str, sealed: str) -> str:
        return _again(read_keys(self._path), place, sealed)

    def drop_others(self) -> None:
        write_keys(self._path, KeyRing(read_keys(self._path).keys[:1]))


class GivenKeys:
    """LADING_SECRET_KEY: to change it, the new key is put before the old one, and the old one taken away afterwards.

    Fulfils services.server.secret_rotation.Keys. Raises SecretKeyInvalid.
    """

    def __init__(self, text: str) -> None:
        self._ring = KeyRing.parse(text, "LADING_SECRET_KEY")

    def box(self, *, making: bool) -> SealedBox:  # noqa: ARG002  as KeyFile
        return SealedBox(self._ring)

    def ids(self) -> Sequence[str]:
        return self._ring.ids

    def of_registry_tokens(self) -> Sequence[bytes]:
        """As KeyFile."""
        return _of_registry_tokens(self._ring)

    def add(self) -> None:
        pass

    def reseal(self, place: str, sealed: str) -> str:
        return _again(self._ring, place, sealed)

    def drop_others(self) -> None:
        pass


def _of_registry_tokens(ring: KeyRing) -> Sequence[bytes]:
    return [key.derived(REGISTRY_TOKEN) for key in ring.keys]


def _again(ring: KeyRing, place: str, sealed: str) -> str:
    box = SealedBox(ring)
    return box.seal(place, box.open(place, sealed))
