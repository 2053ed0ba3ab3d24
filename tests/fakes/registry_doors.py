"""The gate of a registry with users, put together as main does, over people and a set of public repositories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames
from lading.fronts.registry_api.doorstep import Doorstep
from lading.fronts.registry_api.login_gate import LoginGate
from lading.fronts.registry_api.token_door import TokenDoor
from lading.services.identity.registry_tokens import RegistryTokens
from lading.services.identity.standing import Standing
from lading.services.repositories.admission import RepositoryAdmission
from lading.services.repositories.audit import RepositoryAudit
from tests.fakes.people import People

KEY = bytes(range(32))
PROXY = "127.0.0.1"
PUBLIC_URL = "https://registry.corp"


@dataclass
class Doors:
    """What may be changed under the gate: who there is, and what is public."""

    people: People
    public: set[str] = field(default_factory=set)
    trusted: Collection[str] = ()
    public_url: str | None = PUBLIC_URL

    @property
    def tokens(self) -> RegistryTokens:
        database, clock = self.people.database, self.people.clock
        standing = Standing(database.users, database.tokens, database.changes, clock)
        return RegistryTokens([KEY], standing, database.changes, clock)

    @property
    def admission(self) -> RepositoryAdmission:
        return RepositoryAdmission(self.audit, lambda name: name in self.public, lambda names: self.public & {*names})

    @property
    def audit(self) -> RepositoryAudit:
        return RepositoryAudit(self.people.trail, self.people.clock)

    def gate(self) -> LoginGate:
        names = OurNames.of_urls([self.public_url] if self.public_url else [])
        doorstep = Doorstep(names, Forwarding.parse(self.trusted), lambda: "request-1", self.public_url)
        authentication, tokens, admission = self.people.authentication, self.tokens, self.admission
        door = TokenDoor(doorstep, authentication, tokens, admission)
        return LoginGate(doorstep, authentication, tokens, admission, self.audit, door)
