"""How users of the service are known, wired."""

from __future__ import annotations

import os
import secrets
import time

from lading.backends.database.service_database import ServiceDatabase
from lading.backends.passwords.hashing import ArgonPasswords
from lading.main.secret_keys import keys_of
from lading.services.audit.audit import Trail
from lading.services.identity.authentication import Accounts, Authentication
from lading.services.identity.password_memory import KEY_BYTES, PasswordMemory
from lading.services.identity.sessions import Sessions
from lading.services.identity.shared_throttling import SharedThrottle
from lading.services.identity.standing import Standing
from lading.services.identity.throttling import Throttle
from lading.settings import Settings


def sessions_of(database: ServiceDatabase) -> Sessions:
    """Of people in browsers."""
    return Sessions(database.sessions, time.time, os.urandom)


def throttle_of(settings: Settings, database: ServiceDatabase) -> SharedThrottle:
    """Of all processes over this database, once this one hears of the others. Raises SecretKeyMissing,
    SecretKeyInvalid."""
    key, name = keys_of(settings, settings.data).of_registry_tokens()[0], secrets.token_hex(8)
    return SharedThrottle(Throttle(time.monotonic), database.wakes.tell, name, key)


def authentication_of(
    database: ServiceDatabase, passwords: ArgonPasswords, sessions: Sessions, trail: Trail, throttle: SharedThrottle
) -> Authentication:
    """By password, API token or session. Which passwords were right, each process remembers for itself."""
    standing = Standing(database.users, database.tokens, database.changes, time.time)
    return Authentication(
        Accounts(database.users, database.tokens, sessions, standing),
        passwords,
        PasswordMemory(os.urandom(KEY_BYTES), time.monotonic),
        throttle,
        trail,
        clock=time.time,
    )
