"""What repositories hold, added up by the database: services.content.storage_looks.RepositorySums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any  # what a column holds, its statement says

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, select, union, union_all

from lading.backends.database.repository_view import batches
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag
from lading.backends.database.transactions import Transactions
from lading.oci.digest import Digest
from lading.services.content.storage_figures import RepositoryFigures, Sum

_AMONG: BindParameter[Sequence[Digest]] = bindparam("digests", expanding=True)
_REACHED_AMONG = union(*(select(rows.c.digest).where(rows.c.digest.in_(_AMONG)) for rows in (held_manifest, child)))

_NAMES = select(repository.c.id, repository.c.name).order_by(repository.c.name)
_TAGS = select(tag.c.repository, func.count()).group_by(tag.c.repository)
_MANIFESTS, _BLOBS = (
    select(held.c.repository, func.count(), func.sum(held.c.size)).group_by(held.c.repository)
    for held in (held_manifest, held_blob)
)
_HELD = union_all(
    *(select(held.c.repository, held.c.digest, held.c.size) for held in (held_manifest, held_blob))
).subquery("held")
_ALONE = (
    select(func.min(_HELD.c.repository).label("repository"), func.max(_HELD.c.size).label("size"))
    .group_by(_HELD.c.digest)
    .having(func.min(_HELD.c.repository) == func.max(_HELD.c.repository))
    .subquery("alone")
)
_UNIQUE = select(_ALONE.c.repository, func.sum(_ALONE.c.size)).group_by(_ALONE.c.repository)
_NEEDED = union_all(
    select(held_manifest.c.digest, held_manifest.c.size),
    select(held_blob.c.digest, held_blob.c.size).where(
        select(child.c.digest)
        .where(child.c.digest == held_blob.c.digest, child.c.repository == held_blob.c.repository)
        .exists()
    ),
).subquery("needed")
_ONCE = select(func.max(_NEEDED.c.size).label("size")).group_by(_NEEDED.c.digest).subquery("once")
_REACHED = select(func.count(), func.sum(_ONCE.c.size))


class DatabaseFigures:
    """Every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def repositories(self) -> Sequence[RepositoryFigures]:
        with self._transactions.reading() as connection:
            names = connection.execute(_NAMES).all()
            tags, manifests, blobs, unique = (
                _by_key(connection, asked) for asked in (_TAGS, _MANIFESTS, _BLOBS, _UNIQUE)
            )
        none = (0, 0)
        return [
            RepositoryFigures(
                row.name,
                tags.get(row.id, none)[0],
                manifests.get(row.id, none)[0],
                blobs.get(row.id, none)[0],
                int(manifests.get(row.id, none)[1] + blobs.get(row.id, none)[1]),
                int(unique.get(row.id, none)[0]),
            )
            for row in names
        ]

    def reached(self) -> Sum:
        with self._transactions.reading() as connection:
            pieces, size = connection.execute(_REACHED).one()
        return Sum(pieces, int(size or 0))

    def reached_among(self, digests: Collection[Digest]) -> Collection[Digest]:
        found: set[Digest] = set()
        with self._transactions.reading() as connection:
            for batch in batches(digests):
                found.update(connection.scalars(_REACHED_AMONG, {"digests": batch}))
        return found


def _by_key(connection: Connection, asked: Select[Any]) -> Mapping[int, Sequence[Any]]:
    return {row[0]: tuple(row[1:]) for row in connection.execute(asked)}
