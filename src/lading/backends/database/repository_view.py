"""One repository, read: every question is one statement, inside a change or by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, bindparam, select, union

from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag
from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import Digest
from lading.services.repository_records import HeldManifest

BATCH = 500
"""Digests in one statement: SQLite takes 999 parameters at least (sqlite.org/limits.html)."""


def own() -> ScalarSelect[int]:
    """The id of the repository whose name is the parameter `name`."""
    return select(repository.c.id).where(repository.c.name == bindparam("name")).scalar_subquery()


_BLOB = select(held_blob.c.size).where(held_blob.c.repository == own(), held_blob.c.digest == bindparam("digest"))
_MANIFEST = select(held_manifest).where(
    held_manifest.c.repository == own(), held_manifest.c.digest == bindparam("digest")
)
_CHILDREN = (
    select(child.c.digest)
    .where(child.c.repository == own(), child.c.manifest == bindparam("digest"))
    .order_by(child.c.position)
)
_HELD = union(
    *(
        select(held.c.digest).where(held.c.repository == own(), held.c.digest.in_(bindparam("digests", expanding=True)))
        for held in (held_blob, held_manifest)
    )
)
_TAG = select(tag.c.digest).where(tag.c.repository == own(), tag.c.name == bindparam("tag"))
_TAGS_OF = select(tag.c.name).where(tag.c.repository == own(), tag.c.digest == bindparam("digest")).order_by(tag.c.name)
_PARENTS = (
    select(child.c.manifest)
    .distinct()
    .where(child.c.repository == own(), child.c.digest == bindparam("digest"))
    .order_by(child.c.manifest)
)


class RepositoryRows:
    """Fulfils services.repository_records.RepositoryView; `reading` lends the connection to ask."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]], name: str) -> None:
        self._reading, self._name = reading, name

    def blob(self, digest: Digest) -> int | None:
        with self._reading() as connection:
            size: int | None = connection.scalar(_BLOB, self._of(digest))
        return size

    def manifest(self, digest: Digest) -> HeldManifest | None:
        with self._reading() as connection:
            row = connection.execute(_MANIFEST, self._of(digest)).one_or_none()
            children = connection.scalars(_CHILDREN, self._of(digest)).all() if row else ()
        return None if row is None else HeldManifest(descriptor_of(row), tuple(children), row.subject)

    def held(self, digests: Collection[Digest]) -> Collection[Digest]:
        found: set[Digest] = set()
        with self._reading() as connection:
            for batch in batches(digests):
                found.update(connection.scalars(_HELD, {"name": self._name, "digests": batch}))
        return found

    def tag(self, tag: str) -> Digest | None:
        with self._reading() as connection:
            digest: Digest | None = connection.scalar(_TAG, {"name": self._name, "tag": tag})
        return digest

    def tags_of(self, digest: Digest) -> Sequence[str]:
        with self._reading() as connection:
            return connection.scalars(_TAGS_OF, self._of(digest)).all()

    def parents_of(self, digest: Digest) -> Sequence[Digest]:
        with self._reading() as connection:
            return connection.scalars(_PARENTS, self._of(digest)).all()

    def _of(self, digest: Digest) -> dict[str, object]:
        return {"name": self._name, "digest": digest}


def descriptor_of(row: Row[Any]) -> Descriptor:
    """What a row of held_manifest says of its manifest."""
    return Descriptor(
        row.media_type,
        row.digest,
        row.size,
        artifact_type=row.artifact_type,
        annotations=row.annotations or NO_ANNOTATIONS,
    )


def batches(digests: Collection[Digest]) -> Iterator[Sequence[Digest]]:
    """These in groups that fit one statement."""
    whole = list(digests)
    return (whole[start : start + BATCH] for start in range(0, len(whole), BATCH))
