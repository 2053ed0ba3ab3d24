"""The keys that sign for Notary v1: kept, opened, and found for a role.

A root key is of no repository: one signs for all of them, each time in a certificate that names the repository, as
docker does. A key of `targets` is of one repository. A delegate's key is of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.errors import NotFound, Refused
from lading.proof.signing_keys import PrivateKey
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_roles import RoleKeys


@dataclass(frozen=True, slots=True, order=True)
class KeptKey:
    """A private key that is kept: `id` names the bare key, 64 hex digits. `role` and `gun` (the repository's full name)
    are what it was kept for; empty where its file does not say."""

    id: str
    role: str = ""
    gun: str = ""

    def __str__(self) -> str:
        whose = f" of {self.gun}" if self.gun else ""
        return f"the {self.role} key {self.id[:12]}{whose}" if self.role else f"the key {self.id[:12]}"


Passphrase = Callable[[KeptKey, bool], str]
"""The passphrase of a key; one for a new key, which will be written with it, where the flag is True. Raises what says
that there is none."""


class TrustKeys(Protocol):
    """Private keys, each in a file that its passphrase opens. Thread-safe; several processes may share them."""

    def all(self) -> Sequence[KeptKey]:
        """What is kept, by id; nothing is opened. Raises StorageFailed."""

    def open(self, key_id: str) -> PrivateKey:
        """The key of that id; its passphrase is asked for once. Raises TrustKeyUnknown, PassphraseWrong, KeyInvalid,
        StorageFailed, and what asking for the passphrase raises."""

    def root(self) -> PrivateKey:
        """The root key for new repositories: the one that came last, so that none is begun with one that was replaced;
        made where there is none yet. Raises as `open` does."""

    def root_in_force(self) -> str | None:
        """The id of that key, which is not opened; None where it has yet to be made. Raises StorageFailed."""

    def make(self, role: str, gun: str = "") -> PrivateKey:
        """A new ECDSA key, kept. Raises StorageFailed, and what asking for its passphrase raises."""

    def keep(self, private: PrivateKey, role: str, gun: str = "") -> KeptKey:
        """A key from elsewhere. Raises TrustKeyKept where it is here already, StorageFailed."""

    def file(self, key_id: str) -> bytes:
        """The encrypted PEM as it lies. Raises TrustKeyUnknown, StorageFailed."""


class TrustKeyUnknown(NotFound):
    """No such private key is kept here."""

    code = "trust_key_unknown"
    hint = "Load the key, or have somebody who holds it do this."
    command = "lading trust key load FILE   (docker keeps its own in ~/.docker/trust/private)"

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id

    def __str__(self) -> str:
        return f"the private key {self.key_id[:12]} is not kept here"


class TrustKeyKept(Refused):
    """A key is kept already: its file is never written again."""

    code = "trust_key_kept"

    def __init__(self, key: KeptKey) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key} is kept already, and keys are never overwritten"


def signers_for(keys: TrustKeys, may: RoleKeys) -> list[SigningKey]:
    """The keys that we keep among those that may sign for a role, opened: as many as it asks for."""
    kept = {each.id for each in keys.all()}
    ours = [key for key in may.keys.values() if key.bare.id in kept]
    return [SigningKey(keys.open(key.bare.id), key.public if key.is_wrapped else None) for key in ours[: may.threshold]]


def may_sign(keys: TrustKeys, may: RoleKeys) -> bool:
    """Whether we keep keys that suffice for the role; none is opened."""
    kept = {each.id for each in keys.all()}
    return len([key for key in may.keys.values() if key.bare.id in kept]) >= may.threshold


def repository_key(keys: TrustKeys, role: str, gun: str) -> PrivateKey:
    """The key kept for the role of this repository, made where there is none: one that was made before something failed
    serves the next time."""
    kept = next((each for each in keys.all() if (each.role, each.gun) == (role, gun)), None)
    return keys.make(role, gun) if kept is None else keys.open(kept.id)
