"""Who is let in to the registry of `lading serve`: its gate, wired."""

from __future__ import annotations

import time

from lading.backends.database.service_database import ServiceDatabase
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.ours import OurNames
from lading.fronts.registry_api.doorstep import Doorstep
from lading.fronts.registry_api.gate import Gate, OpenGate
from lading.fronts.registry_api.login_gate import LoginGate
from lading.fronts.registry_api.token_door import TokenDoor
from lading.main.request_ids import new_request
from lading.main.secret_keys import keys_of
from lading.services.audit.audit import Trail
from lading.services.changes import Remembered
from lading.services.identity.authentication import Authentication
from lading.services.identity.registry_tokens import RegistryTokens
from lading.services.identity.standing import Standing
from lading.services.repositories.admission import RepositoryAdmission
from lading.services.repositories.audit import RepositoryAudit
from lading.settings import Settings


def registry_gate(settings: Settings, database: ServiceDatabase, trail: Trail, authentication: Authentication) -> Gate:
    """Open where nobody logs in. Raises SecretKeyMissing, SecretKeyInvalid."""
    audit = RepositoryAudit(trail, time.monotonic)
    if settings.no_auth:
        return OpenGate(audit)
    names = OurNames.of_urls([url for url in (settings.public_url, settings.registry_public_url) if url])
    forwarding = Forwarding.parse(settings.trusted_proxies)
    doorstep = Doorstep(names, forwarding, new_request, settings.registry_public_url)
    standing = Standing(database.users, database.tokens, database.changes, time.time)
    keys = keys_of(settings, settings.data).of_registry_tokens()
    tokens = RegistryTokens(keys, standing, database.changes, time.time)
    public_among = database.repositories.public

    def is_public(repository: str) -> bool:
        return repository in public_among([repository])

    admission = RepositoryAdmission(audit, Remembered(database.changes, is_public).of, public_among)
    token_door = TokenDoor(doorstep, authentication, tokens, admission)
    return LoginGate(doorstep, authentication, tokens, admission, audit, token_door)
