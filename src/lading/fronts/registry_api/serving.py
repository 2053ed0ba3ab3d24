"""The registry as a whole, ready to be served: what the composition root and the tests put together."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from lading.errors import Refused
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.limits import DEFAULT_LIMITS
from lading.fronts.registry_api.application import RegistryApi
from lading.fronts.registry_api.content import Count, Elsewhere
from lading.fronts.registry_api.gate import Gate, OpenGate
from lading.oci.digest import Digest
from lading.services.changes import Changes
from lading.services.repositories.content import RepositoryContent
from lading.services.repositories.lookups import Renewed
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.uploads import RepositoryUploads
from lading.services.trust.gates import TrustGate
from lading.wire.guard import is_loopback

LOOPBACK_LIMITS = replace(DEFAULT_LIMITS, per_address=DEFAULT_LIMITS.connections)
"""All clients of a loopback door have one address, so it says nothing of how many they are."""


class OpenToOthers(Refused):
    """What asks for no login would listen where other machines reach it."""

    hint = "Open, it may listen on loopback alone."
    command = "lading serve --no-auth --host 127.0.0.1"

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"without logins, Lading listens on this machine's own addresses only, and not on {self.host}"


def registry_application(
    records: RepositoryRecords,
    content: RepositoryContent,
    gate: Gate | None = None,
    changes: Changes | None = None,
    count: Count | None = None,
    *,
    trust: TrustGate | None = None,
    elsewhere: Elsewhere | None = None,
    alone: bool = True,
) -> RegistryApi:
    """The /v2/ door over these rows and bytes; without a gate it is open, without `changes` it remembers no row,
    without a `count` nobody counts pulls, without `trust` no signature is asked for, and without `elsewhere` all bytes
    go through here. Not `alone`: others may be beginning uploads over the same rows now."""
    renewed = None if changes is None else Renewed(changes, time.monotonic)
    repositories = Repositories(records, content, renewed, clock=time.time)
    uploads = RepositoryUploads(
        repositories,
        records,
        content.uploads,
        clock=time.time,
        new_session=lambda: secrets.token_urlsafe(24),
    )
    if alone:
        uploads.forget_collected()
    return RegistryApi(repositories, uploads, gate or OpenGate(), count or _uncounted, trust=trust, elsewhere=elsewhere)


def _uncounted(repository: str, reference: str | Digest, digest: Digest) -> None:
    pass


def open_registry(
    records: RepositoryRecords,
    content: RepositoryContent,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    changes: Changes | None = None,
) -> ByteServer:
    """A registry without a login, to be entered as a context; port 0 takes any free one (see `addresses`). `changes` as
    registry_application has them.

    Raises OpenToOthers, and when it is entered ListenFailed.
    """
    if not is_loopback(host):
        raise OpenToOthers(host)
    return ByteServer([(host, port)], registry_application(records, content, changes=changes), LOOPBACK_LIMITS)
