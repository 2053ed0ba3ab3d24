"""What names a subject, read a few rows at a time: what their annotations are worth in memory, strangers decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any  # what a column holds, its statement says

from sqlalchemy import BindParameter, Connection, Row, bindparam, select

from lading.backends.database.columns import CodePointText
from lading.backends.database.repository_view import descriptor_of, own
from lading.backends.database.tables import held_manifest
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest

BATCH = 500
"""Rows found by one statement, without what they say."""

BYTES = 1024 * 1024
"""Of manifests whose annotations are read by one statement, unless the first alone has more: no annotations are larger
than their manifest."""

_AMONG: BindParameter[Sequence[Digest]] = bindparam("digests", expanding=True)
_held = held_manifest.c
_ordered = _held.digest.concat("")
"""Of no index: by the order of digests SQLite would go through the whole repository in search of the subject."""

_FOUND = (
    select(_held.digest, _held.size)
    .where(
        _held.repository == own(),
        _held.subject == bindparam("subject"),
        _ordered > bindparam("after", type_=CodePointText()),
    )
    .order_by(_ordered)
    .limit(BATCH)
)
_TYPED = _FOUND.where(_held.artifact_type == bindparam("type"))
_READ = select(held_manifest).where(_held.repository == own(), _held.digest.in_(_AMONG)).order_by(_held.digest)


def referrers(
    reading: Callable[[], AbstractContextManager[Connection]],
    repository: str,
    subject: Digest,
    artifact_type: str | None,
    after: str,
) -> Iterator[Descriptor]:
    """As RepositoryRecords has it. No connection is held while who asked looks at what was read."""
    statement, asked = _FOUND, {"name": repository, "subject": subject, "after": after}
    if artifact_type is not None:
        statement, asked = _TYPED, {**asked, "type": artifact_type}
    full = True
    while full:
        with reading() as connection:
            found = connection.execute(statement, asked).all()
        full = len(found) == BATCH
        for few in _few(found):
            with reading() as connection:
                rows = connection.execute(_READ, {"name": repository, "digests": few}).all()
            yield from map(descriptor_of, rows)
            asked["after"] = str(few[-1])


def _few(found: Sequence[Row[Any, Any]]) -> Iterator[Sequence[Digest]]:
    """Their digests, so many at once as have their manifests in BYTES."""
    few, size = list[Digest](), 0
    for row in found:
        if few and size + row.size > BYTES:
            yield few
            few, size = [], 0
        few.append(row.digest)
        size += row.size
    if few:
        yield few
