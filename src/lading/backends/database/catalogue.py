"""The catalogue: what the command line keeps in the database, by the standard library alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock

from lading.backends.database import statements
from lading.backends.database.connection import CatalogueConnections, Connections
from lading.backends.database.hints import KnownLocations, KnownProfiles, KnownUploads
from lading.engine.records import Image
from lading.engine.stores import Condition, TagMoved, permits
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest

LEASE_SECONDS = 24 * 60 * 60
RENEW_SECONDS = 10 * 60
"""A lease is written at most once per blob, process and ten minutes (architecture, What is true where)."""


class Catalogue:
    """Everything kept beside the store, over one database. Nothing is opened before the first question.

    Every method of what it gives raises DatabaseFailed.
    """

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float]) -> None:
        self._connections, self._clock = connections, clock
        self._changing = Lock()
        self._locations: dict[str, KnownLocations] = {}
        self.images = ImageRows(connections, clock)
        self.leases = LeaseRows(connections, clock)
        self.profiles = KnownProfiles(connections, clock)

    def locations(self, account: str) -> KnownLocations:
        """What was learned under this login; `account` is an opaque fingerprint, so no hint passes to another login."""
        with self._changing:
            if account not in self._locations:
                self._locations[account] = KnownLocations(self._connections, self._clock, account)
            return self._locations[account]

    def uploads(self, account: str) -> KnownUploads:
        """The uploads begun under this login."""
        return KnownUploads(self._connections, self._clock, account)

    def close(self) -> None:
        """Writes the hints not yet written, and closes every connection; harmless twice."""
        with self._changing:
            locations, self._locations = self._locations, {}
        for known in locations.values():
            known.flush()
        self._connections.close()


def open_catalogue(
    path: Path, clock: Callable[[], float], queue: AbstractContextManager[object] | None = None
) -> Catalogue:
    """The catalogue in the database at `path`, which is made when first asked; `clock` tells seconds since 1970, and
    `queue` is where other writers of this process wait as well."""
    return Catalogue(Connections(path, queue), clock)


class ImageRows:
    """Fulfils engine.records.ImageNames. Of a root's descriptor the media type, digest and size are kept."""

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float]) -> None:
        self._connections, self._clock = connections, clock

    def find(self, reference: str) -> Image | None:
        with self._connections.reading() as connection:
            row = connection.execute(statements.FIND_IMAGE, (reference,)).fetchone()
        return None if row is None else _image(row)

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        moved = self._clock()
        with self._connections.writing() as connection:
            for reference in references:
                row = connection.execute(statements.FIND_IMAGE, (reference,)).fetchone()
                holds = None if row is None else _image(row).root.digest
                if not permits(condition, holds, root.digest):
                    raise TagMoved(reference, "the local store", holds)
            connection.executemany(
                statements.POINT_IMAGE,
                [(reference, root.media_type, str(root.digest), root.size, moved) for reference in references],
            )

    def forget(self, reference: str) -> bool:
        with self._connections.writing() as connection:
            return connection.execute(statements.FORGET_IMAGE, (reference,)).rowcount > 0

    def all(self) -> Sequence[Image]:
        with self._connections.reading() as connection:
            rows = connection.execute(statements.ALL_IMAGES).fetchall()
        return [_image(row) for row in rows]


def _image(row: tuple[str, str, str, int, float]) -> Image:
    reference, media_type, digest, size, moved = row
    return Image(reference, Descriptor(media_type, Digest.parse(digest), size), moved)


def _no_work() -> float:
    return float("inf")


class LeaseRows:
    """Fulfils engine.records.Leases. A lease lasts a day from the last `hold`, whether that wrote a row or not.

    Many transfers at once share their commits: one writes for all who came while the one before wrote.
    """

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float]) -> None:
        self._connections, self._clock = connections, clock
        self._writing, self._asking = Lock(), Lock()
        self._asked: set[Digest] = set()
        self._written: dict[Digest, float] = {}
        self._swept = 0.0
        self._work_began: Callable[[], float] = _no_work

    def keep_for_work(self, began: Callable[[], float]) -> None:
        """`began` tells when the oldest work that runs began, in seconds since 1970, infinity where none runs: leases
        given since then count until it ends, though it takes days."""
        self._work_began = began

    def hold(self, digests: Collection[Digest]) -> None:
        if not self._due(digests):
            return
        with self._asking:
            self._asked.update(digests)
        with self._writing:
            with self._asking:
                asked, self._asked = self._asked, set()
            asked.update(digests)  # whoever took them along may have failed
            if due := self._due(asked):
                self._write(due)

    def renewed(self, digests: Collection[Digest]) -> bool:
        return not self._due(digests)

    def held(self) -> Collection[Digest]:
        with self._connections.reading() as connection:
            rows = connection.execute(statements.HELD_LEASES, (self._over(),)).fetchall()
        return {Digest.parse(digest) for (digest,) in rows}

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        over = self._over()
        with self._connections.reading() as connection:
            return [
                digest
                for digest in digests
                if connection.execute(statements.IS_LEASED, (str(digest), over)).fetchone() is not None
            ]

    def _over(self) -> float:
        """Leases until then are over."""
        return min(self._clock(), self._work_began() + LEASE_SECONDS)

    def _due(self, digests: Collection[Digest]) -> list[Digest]:
        fresh = self._clock() - RENEW_SECONDS
        return [digest for digest in digests if self._written.get(digest, fresh) <= fresh]

    def _write(self, digests: Sequence[Digest]) -> None:
        now = self._clock()
        over = self._over() if (sweeping := now - self._swept >= RENEW_SECONDS) else 0.0
        until = now + LEASE_SECONDS + RENEW_SECONDS  # a later hold within ten minutes counts on this row
        with self._connections.writing() as connection:
            connection.executemany(statements.HOLD_LEASE, [(str(digest), until) for digest in digests])
            if sweeping:
                connection.execute(statements.DROP_LEASES_OVER, (over,))
        if sweeping:
            self._swept = now
            self._written = {digest: at for digest, at in self._written.items() if at > now - RENEW_SECONDS}
        self._written.update(dict.fromkeys(digests, now))
