"""What the client has learned and may forget: locations, profiles, uploads begun. Losing a row costs time alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from lading.backends.database import statements
from lading.backends.database.connection import CatalogueConnections
from lading.backends.database.failures import DatabaseFailed
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.wire.endpoint import Profile

DAY = 24 * 60 * 60

LOCATION_SECONDS = 30 * DAY
"""A blob seen there longer ago has most likely been collected or moved."""

LOCATIONS_OF_ONE = 8
"""Of one blob in one registry, under one login: nobody tries more."""

PENDING = 256
PENDING_SECONDS = 5.0
"""How many locations, and how old ones, wait in memory: a copy learns one per blob, and one transaction takes many."""

PROFILE_SECONDS = 30 * DAY
"""Then a registry may show again what it can do: it may have been updated."""

UPLOAD_SECONDS = 7 * DAY
"""Registries drop an upload that nobody went on with after a week or sooner (docker-registry: uploadpurging, 168 h)."""


class KnownLocations:
    """Fulfils engine.stores.Locations for one account: the most recent first. Written many at once, and at `flush`."""

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float], account: str) -> None:
        self._connections, self._clock, self._account = connections, clock, account
        self._changing = Lock()
        self._pending: dict[tuple[Digest, Repository], float] = {}

    def of(self, digest: Digest, registry: str) -> Sequence[Repository]:
        since = self._clock() - LOCATION_SECONDS
        with self._connections.reading() as connection:
            known = (self._account, str(digest), registry, since)
            seen = dict(connection.execute(statements.LOCATIONS_OF, known).fetchall())
        with self._changing:
            pending = self._pending.items()
            seen |= {place.path: at for (of, place), at in pending if (of, place.registry) == (digest, registry)}
        best = sorted(seen, key=lambda path: (-seen[path], path))
        return [Repository(registry, path) for path in best[:LOCATIONS_OF_ONE]]

    def learn(self, digest: Digest, repository: Repository) -> None:
        now = self._clock()
        with self._changing:
            self._pending[digest, repository] = now
            oldest = next(iter(self._pending.values()))
            due = len(self._pending) >= PENDING or now - oldest >= PENDING_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        """Write what was learned. A database that cannot take it is no reason to fail a copy that is done."""
        with self._changing:
            learned, self._pending = self._pending, {}
        if not learned:
            return
        try:
            self._write(learned)
        except DatabaseFailed:
            return

    def _write(self, learned: dict[tuple[Digest, Repository], float]) -> None:
        rows = [(self._account, str(digest), at.registry, at.path, seen) for (digest, at), seen in learned.items()]
        with self._connections.writing(durable=False) as connection:
            connection.executemany(statements.LEARN_LOCATION, rows)
            connection.executemany(
                statements.DROP_LOCATIONS_BEYOND, [(*key, *key, LOCATIONS_OF_ONE) for key in {row[:3] for row in rows}]
            )
            connection.execute(statements.DROP_LOCATIONS_BEFORE, (self._clock() - LOCATION_SECONDS,))


class KnownProfiles:
    """Fulfils wire.endpoint.Profiles."""

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float]) -> None:
        self._connections, self._clock = connections, clock

    def of(self, host: str) -> Profile:
        with self._connections.reading() as connection:
            row = connection.execute(statements.PROFILE_OF, (host, self._clock() - PROFILE_SECONDS)).fetchone()
        if row is None:
            return Profile()
        scheme, realm, service, chunk_limit, *abilities = row
        patches, mounts, mounts_itself, resumes = map(bool, abilities)
        return Profile(scheme, realm, service, chunk_limit, patches, mounts, mounts_itself, resumes)

    def learn(self, host: str, profile: Profile) -> None:
        row = (
            host,
            self._clock(),
            profile.scheme,
            profile.realm,
            profile.service,
            profile.chunk_limit,
            profile.patches,
            profile.mounts,
            profile.mounts_itself,
            profile.resumes,
        )
        with self._connections.writing(durable=False) as connection:
            connection.execute(statements.LEARN_PROFILE, row)


class KnownUploads:
    """Fulfils wire.endpoint.Uploads for one account: written at once, so that a killed process leaves it to the next.

    A session's URL may carry the registry's own secret, which is why the file is readable by its owner alone.
    """

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float], account: str) -> None:
        self._connections, self._clock, self._account = connections, clock, account

    def of(self, repository: Repository, digest: Digest) -> str | None:
        known = (*self._key(repository, digest), self._clock() - UPLOAD_SECONDS)
        with self._connections.reading() as connection:
            row = connection.execute(statements.UPLOAD_OF, known).fetchone()
        return None if row is None else str(row[0])

    def begun(self, repository: Repository, digest: Digest, url: str) -> None:
        now = self._clock()
        with self._connections.writing(durable=False) as connection:
            connection.execute(statements.DROP_UPLOADS_BEFORE, (now - UPLOAD_SECONDS,))
            connection.execute(statements.UPLOAD_BEGUN, (*self._key(repository, digest), url, now))

    def ended(self, repository: Repository, digest: Digest) -> None:
        with self._connections.writing(durable=False) as connection:
            connection.execute(statements.UPLOAD_ENDED, self._key(repository, digest))

    def _key(self, repository: Repository, digest: Digest) -> tuple[str, str, str, str]:
        return (self._account, repository.registry, repository.path, str(digest))
