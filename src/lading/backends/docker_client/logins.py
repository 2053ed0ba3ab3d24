"""The login that a daemon is lent for one registry, for one transfer.

One that a provider minted may end while the daemon still moves layers, and a daemon keeps what it was given: so each
attempt brings the login of the moment, and a refusal after which there is another one is a reason for another attempt.
"""

from __future__ import annotations

from dataclasses import dataclass

from lading.services.environments.orders import Access
from lading.wire.authorize import Credential
from lading.wire.docker_auth import registry_auth

AUTH_FIELD = "X-Registry-Auth"

LOGIN_ENDED = "the login ended on the way, and it goes on with the next one: what is there is not moved twice"
"""Why a transfer is begun again."""


@dataclass(slots=True)
class LentLogin:
    """At the registry `host`, by its access."""

    access: Access
    host: str
    _lent: Credential | None = None

    def fields(self) -> dict[str, str]:
        """The header field with the login of the moment. Raises what renewing it does."""
        self._lent = self._current()
        return {AUTH_FIELD: registry_auth(self._lent, self.host)}

    def ended(self) -> bool:
        """Whether there is another one by now than the daemon was lent last. Raises what renewing it does."""
        return self._current() != self._lent

    def _current(self) -> Credential | None:
        return None if self.access.credential is None else self.access.credential.current
