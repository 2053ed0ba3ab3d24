"""The keys of an installation: given by whoever starts it, or kept in its data folder."""

from __future__ import annotations

from pathlib import Path

from lading.backends.credentials.box import GivenKeys, KeyFile
from lading.services.secrets import SecretBox, SecretKeyNeeded, check_keys, key_in_use
from lading.services.setting_records import SettingRecords
from lading.settings import Settings

KEY_FILE = "secret.key"


def keys_of(settings: Settings, data: Path) -> GivenKeys | KeyFile:
    """LADING_SECRET_KEY where it is set, else the file. Raises SecretKeyInvalid, SecretKeyNeeded."""
    if settings.database and not settings.secret_key:
        raise SecretKeyNeeded
    return GivenKeys(settings.secret_key) if settings.secret_key else KeyFile(data / KEY_FILE)


def secret_box(settings: Settings, data: Path, kept: SettingRecords) -> SecretBox:
    """What opens the secrets of this database. Raises SecretKeyWrong, SecretKeyMissing, SecretKeyInvalid,
    SecretKeyNeeded."""
    keys = keys_of(settings, data)
    box = keys.box(making=key_in_use(kept) is None)
    check_keys(kept, keys.ids())
    return box
