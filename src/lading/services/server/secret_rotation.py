"""A new key for the secrets at rest, in one go: everything is sealed again, and the old key opens nothing any more.

    add a key before the old one ─▶ reseal the database's fields, in one transaction ─▶ reseal the logins ─▶ drop it

Wherever it is interrupted, both keys are there and everything opens: it is simply done again. No other process may seal
meanwhile: `lading serve` is not running.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lading.errors import InputInvalid, Refused
from lading.services.secrets import KEY_SETTING, SealedRecords
from lading.services.setting_records import SettingRecords


class KeyInUse(Refused):
    """Another command of this machine works with the secrets just now."""

    hint = "Wait until it has ended: most take a moment, those that follow something until they are stopped."

    def __str__(self) -> str:
        return "another lading command is using the secret key"


class NewKeyMissing(InputInvalid):
    """The environment holds the key, and no other one to change to."""

    why = "LADING_SECRET_KEY holds one key, which is the one in use."
    hint = "Give both, the new key first."
    command = 'LADING_SECRET_KEY="NEW OLD" lading config rotate-key, where NEW is what openssl rand -base64 32 prints'

    def __str__(self) -> str:
        return "there is no new secret key"


class Keys(Protocol):
    """The keys of this installation, the first of which seals. Raises StorageFailed, InputInvalid."""

    def add(self) -> None:
        """A new one before the others; nothing where somebody else keeps them, who has put it there already."""

    def ids(self) -> Sequence[str]:
        """The first seals."""

    def reseal(self, place: str, sealed: str) -> str:
        """With the first key. Raises SealBroken."""

    def drop_others(self) -> None:
        """All but the first are forgotten; nothing where somebody else keeps them."""


class SealedLogins(Protocol):
    """The logins of the command line, which have a file of their own."""

    def reseal(self) -> int:
        """With the first key. Returns how many. Raises StorageFailed."""


def rotate(keys: Keys, records: SealedRecords, logins: SealedLogins, settings: SettingRecords) -> int:
    """How many secrets were sealed again. Raises SealBroken, StorageFailed; then the old keys still open everything."""
    keys.add()
    settings.put_setting(KEY_SETTING, keys.ids()[0])
    count = records.reseal(keys.reseal) + logins.reseal()
    keys.drop_others()
    return count
