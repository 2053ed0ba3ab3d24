"""The keys that our trust server holds for a collection: those of its timestamp, and of its snapshot where publishers
leave it to us. They are sealed at rest.

    asked for   the key that the published root names, else the latest; the first is made then
    rotated     another is made, which signs as soon as a published root names it; until then the old one does

A key that no root names is forgotten once enough later ones wait for theirs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence

from lading.proof.signing_keys import KeyKind, PrivateKey, Random
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.proof.tuf_publish import ServerKeys
from lading.proof.tuf_roles import SNAPSHOT, TIMESTAMP
from lading.services.secrets import OF_TRUST_KEY, SecretBox
from lading.services.trust.records import ServerKeyRow, TrustRecords

WAITING = 3
"""How many keys of a role may wait for a root that names them."""


class TrustServerKeys:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(self, records: TrustRecords, box: SecretBox, random: Random, clock: Callable[[], float]) -> None:
        self._records, self._box, self._random, self._clock = records, box, random, clock

    def signers(self, gun: str) -> ServerKeys:
        """All that may sign. Raises SealBroken."""
        rows = self._records.keys(gun)
        return ServerKeys(self._opened(rows, TIMESTAMP), self._opened(rows, SNAPSHOT))

    def public(self, gun: str, role: str, named: Collection[str]) -> TrustKey:
        """What to name in a root. `named` are the ids in the published one, if there is one."""
        held = self._of(gun, role)
        if not held:
            self._records.add_key(self._made(gun, role), only=True)
            held = self._of(gun, role)
        return _key(next((row for row in held if row.key_id in named), held[0]))

    def rotate(self, gun: str, role: str, named: Collection[str]) -> TrustKey:
        """Another one, to be named in the next root."""
        made = self._made(gun, role)
        self._records.add_key(made)
        waiting = [row.key_id for row in self._of(gun, role) if row.key_id not in {made.key_id, *named}]
        self._records.forget_keys(gun, waiting[WAITING - 1 :])
        return _key(made)

    def _of(self, gun: str, role: str) -> Sequence[ServerKeyRow]:
        return [row for row in self._records.keys(gun) if row.role == role]

    def _made(self, gun: str, role: str) -> ServerKeyRow:
        private = PrivateKey.generate(KeyKind.ECDSA_P256, self._random)
        key = SigningKey(private).key
        sealed = self._box.seal(OF_TRUST_KEY.format(gun, role, key.id), base64.b64encode(private.der).decode("ascii"))
        return ServerKeyRow(gun, role, key.id, key.public, sealed, self._clock())

    def _opened(self, rows: Sequence[ServerKeyRow], role: str) -> tuple[SigningKey, ...]:
        return tuple(self._signer(row) for row in rows if row.role == role)

    def _signer(self, row: ServerKeyRow) -> SigningKey:
        plain = self._box.open(OF_TRUST_KEY.format(row.gun, row.role, row.key_id), row.private_sealed)
        return SigningKey(PrivateKey.of_der(base64.b64decode(plain)))


def _key(row: ServerKeyRow) -> TrustKey:
    return TrustKey("ecdsa", row.public)
