"""Where trust metadata comes from and goes to (Notary v1): a repository's trust server, and what was seen of it.

Protocols of services.notary.notary, which backends fulfil. `gun` is a repository's full name, as docker spells it:
`docker.io/library/alpine`, `localhost:5000/team/app`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lading.proof.tuf_keys import TrustKey
from lading.proof.tuf_trusted import TrustMemory
from lading.proof.tuf_walk import Wanted
from lading.wire.message import Cancel


class TrustServer(Protocol):
    """A trust server, asked with one login. Thread-safe.

    Everything raises AccessDenied where the login does not suffice, TrustServerUnreachable where it does not answer,
    TrustServerAbsent where the host is none, and the errors of wire.registry_errors for other answers.
    """

    def fetch(self, gun: str, wanted: Wanted, cancel: Cancel) -> bytes | None:
        """A metadata file, read no further than a byte beyond its limit; None where there is none."""

    def publish(self, gun: str, files: Mapping[str, bytes], cancel: Cancel) -> None:
        """All files by role, at once or not at all. Raises UpdateRefused, UpdateOutdated."""

    def public_key(self, gun: str, role: str, cancel: Cancel) -> TrustKey:
        """The server's own key for `snapshot` or `timestamp`."""

    def rotate(self, gun: str, role: str, cancel: Cancel) -> TrustKey:
        """A new key of the server's for that role; it signs once the root names it."""


class TrustMemories(Protocol):
    """What was seen of repositories, by full name. Thread-safe; several processes may share them."""

    def of(self, gun: str) -> TrustMemory | None:
        """None where nothing was seen. Raises StorageFailed: what cannot be read is not taken for nothing."""

    def keep(self, gun: str, memory: TrustMemory, began: TrustMemory | None) -> bool:
        """What a walk saw that began with `began`, by the rule of `TrustMemory.after`. False where another root was
        kept meanwhile: nothing was changed, and the walk has to be made anew. Raises StorageFailed."""

    def forget(self, gun: str) -> None:
        """As if nothing had been seen; harmless twice. Raises StorageFailed."""


class Fetch:
    """Fetches files of one walk, and has the newest of every role afterwards."""

    def __init__(self, server: TrustServer, gun: str, cancel: Cancel) -> None:
        self._server, self._gun, self._cancel = server, gun, cancel
        self.files: dict[str, bytes] = {}

    def __call__(self, wanted: Wanted) -> bytes | None:
        """None where there is none. Raises as TrustServer.fetch."""
        raw = self._server.fetch(self._gun, wanted, self._cancel)
        if raw is not None and wanted.version is None:
            self.files[wanted.role] = raw
        return raw
