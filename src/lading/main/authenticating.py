"""How users of the service are known, wired."""

from __future__ import annotations

import os
import time

from lading.backends.database.service_database import ServiceDatabase
from lading.backends.passwords.hashing import ArgonPasswords
from lading.services.audit.audit import Trail
from lading.services.identity.authentication import Accounts, Authentication
from lading.services.identity.password_memory import KEY_BYTES, PasswordMemory
from lading.services.identity.sessions import Sessions
from lading.services.identity.throttling import Throttle


def sessions_of(database: ServiceDatabase) -> Sessions:
    """Of people in browsers."""
    return Sessions(database.sessions, time.time, os.urandom)


def authentication_of(
    database: ServiceDatabase, passwords: ArgonPasswords, sessions: Sessions, trail: Trail
) -> Authentication:
    """By password, API token or session. Which passwords were right, and how often somebody failed, each process
    remembers for itself."""
    return Authentication(
        Accounts(database.users, database.tokens, sessions),
        passwords,
        PasswordMemory(os.urandom(KEY_BYTES), time.monotonic),
        Throttle(time.monotonic),
        trail,
        clock=time.time,
    )
