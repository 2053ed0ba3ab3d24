"""The catalogue: what the command line keeps in the database, by the standard library alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock

from lading.backends.database import statements
from lading.backends.database.connection import CatalogueConnections, Connections, Statements
from lading.backends.database.failures import DatabaseFailed, not_noted
from lading.backends.database.hints import KnownLocations, KnownProfiles, KnownUploads
from lading.backends.database.lease_rows import LeaseRows
from lading.engine.records import Image
from lading.engine.stores import Condition, TagMoved, permits
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest


class Catalogue:
    """Everything kept beside the store, over one database. Nothing is opened before the first question.

    Every method of what it gives raises DatabaseFailed.
    """

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float]) -> None:
        self._connections, self._clock = connections, clock
        self._changing = Lock()
        self._locations: dict[str, KnownLocations] = {}
        self.images = ImageRows(connections, clock)
        self.lasting_images = ImageRows(connections, clock, keeps_nameless=True)
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
    path: Path,
    clock: Callable[[], float],
    queue: AbstractContextManager[object] | None = None,
    noted: Callable[[DatabaseFailed], None] = not_noted,
) -> Catalogue:
    """The catalogue in the database at `path`, which is made when first asked; `clock` tells seconds since 1970,
    `queue` is where other writers of this process wait as well, and `noted` hears of what SQLite refuses."""
    return Catalogue(Connections(path, queue, noted), clock)


class ImageRows:
    """Fulfils engine.records.ImageNames. Of a root's descriptor the media type, digest and size are kept.

    With `keeps_nameless` an image whose last name moves away stays, called by its digest, until it is forgotten so.
    """

    def __init__(
        self, connections: CatalogueConnections, clock: Callable[[], float], *, keeps_nameless: bool = False
    ) -> None:
        self._connections, self._clock, self._keeps_nameless = connections, clock, keeps_nameless
        self._last: tuple[Sequence[object], Sequence[Image]] = ((), ())
        """The rows as they were read last, and what they say: there may be very many, and they seldom change."""

    def find(self, reference: str) -> Image | None:
        with self._connections.reading() as connection:
            row = connection.execute(statements.FIND_IMAGE, (reference,)).fetchone()
        return None if row is None else _image(row)

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        moved, robbed = self._clock(), []
        with self._connections.writing() as connection:
            for reference in references:
                row = connection.execute(statements.FIND_IMAGE, (reference,)).fetchone()
                held = None if row is None else _image(row)
                holds = None if held is None else held.root.digest
                if not permits(condition, holds, root.digest):
                    raise TagMoved(reference, "the local store", holds)
                robbed += [held] if held is not None and holds != root.digest else []
            connection.executemany(statements.POINT_IMAGE, [_row(reference, root, moved) for reference in references])
            _call_nameless(connection, references, root, robbed if self._keeps_nameless else ())

    def forget(self, reference: str) -> bool:
        with self._connections.writing() as connection:
            return connection.execute(statements.FORGET_IMAGE, (reference,)).rowcount > 0

    def forget_as(self, images: Collection[Image]) -> Collection[Image]:
        roots = {str(image.root.digest) for image in images}
        with self._connections.writing() as connection:
            held = {
                (reference, root)
                for root in roots
                for (reference,) in connection.execute(statements.NAMES_OF, (root,)).fetchall()
            }
            going = {(image.reference, str(image.root.digest)): image for image in images}
            gone = {name: image for name, image in going.items() if name in held}
            connection.executemany(statements.FORGET_IMAGE_AS, list(gone))
        return list(gone.values())

    def all(self) -> Sequence[Image]:
        with self._connections.reading() as connection:
            rows = connection.execute(statements.ALL_IMAGES).fetchall()
        before, images = self._last
        if rows != before:
            images = [_image(row) for row in rows]
            self._last = rows, images
        return [*images]

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        with self._connections.reading() as connection:
            return [
                digest
                for digest in digests
                if connection.execute(statements.IS_ROOT, (str(digest),)).fetchone() is not None
            ]


def _call_nameless(
    connection: Statements, references: Collection[str], root: Descriptor, robbed: Collection[Image]
) -> None:
    """After `references` were pointed at `root`: what has no name now is called by its digest, what has one is not.

    All rows are read only where a name was taken from another image, or none was given.
    """
    nameless = str(root.digest)
    named = any(reference != nameless for reference in references)
    if named:
        connection.execute(statements.FORGET_IMAGE, (nameless,))
    if named and not robbed:
        return
    images = [_image(row) for row in connection.execute(statements.ALL_IMAGES, ()).fetchall()]
    if any(image.named and image.root.digest == root.digest for image in images):
        connection.execute(statements.FORGET_IMAGE, (nameless,))
    left = {image.root.digest for image in images}
    for image in {each.root.digest: each for each in robbed if each.root.digest not in left}.values():
        connection.execute(statements.POINT_IMAGE, _row(str(image.root.digest), image.root, image.moved))


def _row(reference: str, root: Descriptor, moved: float) -> tuple[str, str, str, int, float]:
    return reference, root.media_type, str(root.digest), root.size, moved


def _image(row: tuple[str, str, str, int, float]) -> Image:
    reference, media_type, digest, size, moved = row
    return Image(reference, Descriptor(media_type, Digest.parse(digest), size), moved)
