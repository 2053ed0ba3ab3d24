"""Users, roles, tokens, logins and their trail over a real database, with a clock that is set by hand and random bytes
that can be told beforehand."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.credentials.box import GivenKeys
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.backends.passwords.hashing import ArgonPasswords
from lading.services.access import Actor
from lading.services.audit.head import Heads
from lading.services.audit.records import AuditRow
from lading.services.audit.trail import AuditTrail
from lading.services.identity.authentication import Accounts, Authentication, Visit
from lading.services.identity.password_memory import PasswordMemory
from lading.services.identity.passwords import Checked, PasswordsBusy
from lading.services.identity.roles import Roles
from lading.services.identity.sessions import Sessions
from lading.services.identity.setup import Setup
from lading.services.identity.shared_throttling import SharedThrottle
from lading.services.identity.standing import Standing, proof_of
from lading.services.identity.throttling import Throttle
from lading.services.identity.tokens import Tokens
from lading.services.identity.user_records import RoleRow, UserRow
from lading.services.identity.users import Users

NOW = 1_800_000_000.0
PASSWORD = "correct horse battery"
HOME = Visit("192.0.2.1", "request-1")


KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""A secret key, as whoever starts a server gives it."""


def heads(database: ServiceDatabase, key: str = KEY) -> Heads:
    """The head of this database's trail."""
    return Heads(database.audit, GivenKeys(key).box(making=False))


@dataclass
class SetClock:
    """Seconds since 1970, as they are set."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class CountedBytes:
    """Fulfils `random`: never the same bytes twice."""

    count: int = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(str(self.count).encode()).digest(size)


@dataclass
class CountedPasswords:
    """Fulfils services.identity.passwords.Passwords, by argon2 with next to no memory; counts its work."""

    real: ArgonPasswords = field(default_factory=lambda: ArgonPasswords(passes=1, memory_kib=8))
    checked: int = 0
    stale: bool = False
    busy: bool = False

    def hash(self, password: str) -> str:
        return self.real.hash(password)

    def check(self, hash: str | None, password: str) -> Checked:  # noqa: A002
        if self.busy:
            raise PasswordsBusy
        self.checked += 1
        found = self.real.check(hash, password)
        return Checked.STALE if self.stale and found is Checked.RIGHT else found


class People:
    """All of the services, put together as main does."""

    def __init__(self, database: ServiceDatabase) -> None:
        self.database, self.clock, self.random = database, SetClock(), CountedBytes()
        self.passwords = CountedPasswords()
        self._throttles: list[SharedThrottle] = []
        self.trail = AuditTrail(database.audit, self.clock)
        self.roles = Roles(database.users, self.trail)
        self.roles.ensure_built_in()
        self.users = Users(
            database.users, database.sessions, self.passwords, self.trail, self.clock, identities=database.identities
        )
        self.tokens = Tokens(database.tokens, database.users, self.trail, self.clock, self.random)
        self.sessions = Sessions(database.sessions, self.clock, self.random)
        self.setup = Setup(
            database.users, database.settings, self.passwords, self.trail, clock=self.clock, random=self.random
        )
        self.authentication = self.process()

    def process(self) -> Authentication:
        """As another process of the same installation would have it."""
        throttle = SharedThrottle(
            Throttle(self.clock), self._tell, f"process-{len(self._throttles)}", b"the same to all"
        )
        self._throttles.append(throttle)
        standing = Standing(self.database.users, self.database.tokens, self.database.changes, self.clock)
        return Authentication(
            Accounts(self.database.users, self.database.tokens, self.sessions, standing),
            self.passwords,
            PasswordMemory(self.random(32), self.clock),
            throttle,
            self.trail,
            clock=self.clock,
        )

    def _tell(self, topic: str) -> None:
        for throttle in self._throttles:
            throttle.woken(topic)

    def role(self, name: str) -> RoleRow:
        return next(role for role in self.database.users.roles() if role.name == name)

    def user(self, name: str, *roles: str, password: str | None = PASSWORD) -> UserRow:
        """Made at the database, past every rule."""
        ids = tuple(sorted(self.role(role).id for role in roles))
        hashed = None if password is None else self.passwords.hash(password)
        return self.database.users.add_user(lambda id: UserRow(id, name, hashed, created=NOW, roles=ids))  # noqa: A006

    def actor(self, name: str, *roles: str) -> Actor:
        """A new user, as they are when they have logged in."""
        row = self.user(name, *roles)
        return Actor(name, tuple(self.database.users.grants_of(row.id)), row.id, proof=proof_of(row))

    @property
    def records(self) -> Sequence[AuditRow]:
        """The trail, oldest first."""
        return self.database.audit.after(0, 10_000)

    @property
    def said(self) -> list[tuple[str, str, str]]:
        """Action, entity's type and result, oldest first."""
        found = (row.entry for row in self.records)
        return [(each.deed.action, each.deed.entity_type, each.result.value) for each in found]


@contextmanager
def people(folder: Path) -> Iterator[People]:
    """With a database of their own."""
    clock = SetClock()
    database = open_service_database(folder / "lading.db", clock)
    try:
        yield People(database)
    finally:
        database.close()


def basic(name: str, secret: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
