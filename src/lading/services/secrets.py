"""Secrets at rest: sealed for the place where they are kept, so that a seal that was moved elsewhere does not open.

A place is a row's field in words: `registry/3/password`. Keys have ids, and a seal names the key that made it: after a
change of keys the old ones still open, until everything has been sealed again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from typing import Protocol

from lading.errors import InputInvalid, StorageFailed
from lading.services.setting_records import SettingRecords

KEY_SETTING = "secret-key-id"
"""The id of the key that seals. It says nothing of the key."""

Reseal = Callable[[str, str], str]
"""From a place and its seal to a new seal."""

OF_REGISTRY = "registry/{}/password"
OF_ENVIRONMENT = "environment/{}/tls_key"
OF_STANDARD_AGENT = "environment/{}/hawser_token"
"""The places that secrets are sealed for, by the id of their row."""

OF_TRUST_KEY = "trust/{}/{}/{}"
"""The place that a private key of the trust server is sealed for, by GUN, role and key id."""

AUTHORITY_SETTING = "certificate-authority"
"""Our own authority for client certificates: an object of its `certificate` and its `key`, which is sealed."""

OF_AUTHORITY = "certificate-authority/key"
"""The place that this key is sealed for."""

OF_AUDIT_HEAD = "audit/head"
"""The place that the end of the audit trail is sealed for: no secret, but what nobody else may write."""


class SecretBox(Protocol):
    """For any number of threads."""

    def seal(self, place: str, plain: str) -> str:
        """Text that opens again for this place alone."""

    def open(self, place: str, sealed: str) -> str:
        """Raises SealBroken."""


class SealedRecords(Protocol):
    """Every field of the database that is sealed. Raises StorageFailed."""

    def reseal(self, change: Reseal) -> int:
        """All of them in one transaction, or none where `change` raises. Returns how many."""


class SealBroken(StorageFailed):
    """A stored secret that does not open: another key made it, or it was changed or moved since."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place, self.reason = place, reason
        self.hint = "Bring the right key back, or enter the secret again"

    def __str__(self) -> str:
        return f"the stored secret {self.place} cannot be opened: {self.reason}"


class SecretKeyWrong(StorageFailed):
    """The secrets here were sealed with a key that we do not have."""

    hint = "Bring the key back that was used so far: the file secret.key of the data folder, or LADING_SECRET_KEY"

    def __init__(self, wanted: str, ours: Collection[str]) -> None:
        super().__init__(wanted, ours)
        self.wanted, self.ours = wanted, tuple(ours)

    def __str__(self) -> str:
        ours = ", ".join(self.ours)
        return f"the secrets here were sealed with the key {self.wanted}, and " + (
            f"ours is {ours}" if ours else "there is none"
        )


class SecretKeyNeeded(InputInvalid):
    """The database is on another machine, and several servers may use it: a key in one's folder is not enough."""

    hint = "set LADING_SECRET_KEY_FILE, to the same key for every server: openssl rand -base64 32"

    def __str__(self) -> str:
        return "with PostgreSQL, LADING_SECRET_KEY must be set"


def key_in_use(settings: SettingRecords) -> str | None:
    """The id of the key that seals here; None before the first. Raises StorageFailed."""
    held = settings.setting(KEY_SETTING)
    return held if isinstance(held, str) else None


def check_keys(settings: SettingRecords, ours: Collection[str]) -> None:
    """Whether ours, the first of which seals, are the keys of this database; a new one takes them on.

    Raises SecretKeyWrong, StorageFailed.
    """
    first = next(iter(ours), None)
    held = key_in_use(settings) if first is None else settings.add_setting(KEY_SETTING, first)
    if isinstance(held, str) and held not in ours:
        raise SecretKeyWrong(held, ours)


def unguessable(random: Callable[[int], bytes], count: int) -> str:
    """`count` random bytes as text for a cookie, a header or a link."""
    return base64.urlsafe_b64encode(random(count)).rstrip(b"=").decode("ascii")
