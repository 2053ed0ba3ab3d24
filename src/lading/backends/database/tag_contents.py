"""What tags come to, by the rows of what manifests need: services.repositories.tag_contents.

Upwards from content to the tags that need it, and downwards from roots to layers: each is one question, however deep
indexes lie in each other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BindParameter, bindparam, func, select

from lading.backends.database.columns import counted
from lading.backends.database.repository_view import batches, own
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag
from lading.backends.database.transactions import Transactions
from lading.oci.digest import Digest
from lading.oci.media_types import INDEXES
from lading.services.repositories.tag_contents import RootContent, TagNaming, TagsWith

_AMONG: BindParameter[Sequence[Digest]] = bindparam("digests", expanding=True)

_NEEDED_BY = (
    select(child.c.digest.label("content"), child.c.repository, child.c.manifest)
    .where(child.c.digest.in_(_AMONG))
    .cte("needed_by", recursive=True)
)
_ABOVE = _NEEDED_BY.union(
    select(_NEEDED_BY.c.content, child.c.repository, child.c.manifest).where(
        child.c.repository == _NEEDED_BY.c.repository, child.c.digest == _NEEDED_BY.c.manifest
    )
)
_TAGS_WITH = (
    select(_ABOVE.c.content, repository.c.name, tag.c.digest, func.count())
    .join(tag, (tag.c.repository == _ABOVE.c.repository) & (tag.c.digest == _ABOVE.c.manifest))
    .join(repository, repository.c.id == tag.c.repository)
    .group_by(_ABOVE.c.content, repository.c.name, tag.c.digest)
)
_TAGS_ON = (
    select(held_manifest.c.digest, repository.c.name, tag.c.digest, func.count())
    .join(tag, (tag.c.repository == held_manifest.c.repository) & (tag.c.digest == held_manifest.c.digest))
    .join(repository, repository.c.id == tag.c.repository)
    .where(held_manifest.c.digest.in_(_AMONG))
    .group_by(held_manifest.c.digest, repository.c.name, tag.c.digest)
)
_TAGS_NAMING = (
    select(repository.c.name, tag.c.name.label("tag"), tag.c.digest)
    .join(tag, tag.c.repository == repository.c.id)
    .join(held_manifest, (held_manifest.c.repository == tag.c.repository) & (held_manifest.c.digest == tag.c.digest))
    .where(held_manifest.c.digest.in_(_AMONG))
    .order_by(repository.c.name, tag.c.name)
)
_ROOTS = (
    select(held_manifest.c.digest.label("root"), held_manifest.c.digest.label("manifest"))
    .where(held_manifest.c.repository == own(), held_manifest.c.digest.in_(_AMONG))
    .cte("roots", recursive=True)
)
_CHILD = held_manifest.alias("child_manifest")
_BELOW = _ROOTS.union(
    select(_ROOTS.c.root, child.c.digest)
    .join_from(_ROOTS, child, child.c.manifest == _ROOTS.c.manifest)
    .join(_CHILD, (_CHILD.c.repository == child.c.repository) & (_CHILD.c.digest == child.c.digest))
    .where(child.c.repository == own())
)
_PARENT = held_manifest.alias("parent")
_LAYERS = (
    select(_BELOW.c.root, child.c.digest, held_blob.c.size)
    .join_from(_BELOW, child, child.c.manifest == _BELOW.c.manifest)
    .join(_PARENT, (_PARENT.c.repository == child.c.repository) & (_PARENT.c.digest == child.c.manifest))
    .join(
        held_blob,
        (held_blob.c.repository == child.c.repository) & (held_blob.c.digest == child.c.digest),
        isouter=True,
    )
    .where(child.c.repository == own())
    .where(child.c.position > 0)  # the first child of an image's manifest is its config (oci.manifest)
    .where(_PARENT.c.media_type.not_in(sorted(INDEXES)))
    .order_by(_BELOW.c.root, child.c.manifest, child.c.position)
)


class DatabaseTagContents:
    """Fulfils TagContents; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._reading = transactions.reading

    def tags_with(self, contents: Collection[Digest]) -> Sequence[TagsWith]:
        with self._reading() as connection:
            return [
                TagsWith(*row)
                for batch in batches(contents)
                for asked in (_TAGS_WITH, _TAGS_ON)
                for row in connection.execute(asked, {"digests": batch})
            ]

    def tags_naming(self, digests: Collection[Digest], limit: int) -> Sequence[TagNaming]:
        found: list[TagNaming] = []
        with self._reading() as connection:
            for batch in batches(digests):
                rows = connection.execute(_TAGS_NAMING.limit(counted(limit)), {"digests": batch})
                found += (TagNaming(row.name, row.tag, row.digest) for row in rows)
        return sorted(found, key=lambda each: (each.repository, each.tag))[:limit]

    def layers_of(self, repository: str, roots: Collection[Digest]) -> Sequence[RootContent]:
        found: dict[Digest, dict[Digest, int | None]] = {}
        with self._reading() as connection:
            for batch in batches(roots):
                asked = {"name": repository, "digests": batch}
                for root, digest, size in connection.execute(_LAYERS, asked):
                    found.setdefault(root, {})[digest] = size
        return [RootContent(root, blobs) for root, blobs in found.items()]
