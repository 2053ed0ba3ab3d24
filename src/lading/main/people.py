"""Users of the service, wired, and how they are known."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from lading.backends.database.service_database import ServiceDatabase
from lading.backends.passwords.hashing import ArgonPasswords
from lading.main.authenticating import authentication_of, sessions_of, throttle_of
from lading.main.signing_on import sign_on
from lading.services.audit.audit import Trail
from lading.services.identity.roles import Roles
from lading.services.identity.setup import Setup
from lading.services.identity.tokens import Tokens
from lading.services.identity.users import Users
from lading.settings import Settings


class People:
    """All over the same rows. Making it raises StorageFailed, SignOnHalf, IssuerInPlain, RolesUnknown."""

    def __init__(self, stack: ExitStack, settings: Settings, database: ServiceDatabase, trail: Trail) -> None:
        passwords = ArgonPasswords()
        self.roles = Roles(database.users, trail)
        self.roles.ensure_built_in()
        self.users = Users(
            database.users, database.sessions, passwords, trail, time.time, identities=database.identities
        )
        self.tokens = Tokens(database.tokens, database.users, trail, time.time, os.urandom)
        self.sessions = sessions_of(database)
        self.sign_on = sign_on(stack, settings, database, self.sessions, trail)
        self.setup = Setup(database.users, database.settings, passwords, trail, clock=time.time, random=os.urandom)
        self.throttle = throttle_of(settings, database)
        self.authentication = authentication_of(database, passwords, self.sessions, trail, self.throttle)

    def first_admin(self, settings: Settings) -> str | None:
        """Made by its password, or else the token of the link that makes it; None where there is one."""
        if settings.no_auth:
            return None
        if settings.admin_password is not None:
            self.setup.ensure_admin(settings.admin_password)
        return self.setup.begin()
