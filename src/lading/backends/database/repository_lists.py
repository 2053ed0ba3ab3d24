"""Repositories and tags for lists: what they hold is counted and added up by the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, select, union

from lading.backends.database.repository_view import TAGS, batches, own, tag_of
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag
from lading.oci.digest import Digest
from lading.services.repositories.rows import RepositoryRow, TagRow, Visibility
from lading.services.repositories.rules import own_rules
from lading.services.repositories.trust import read_trust

_NAMES: BindParameter[Sequence[str]] = bindparam("names", expanding=True)
_KEYS: BindParameter[Sequence[int]] = bindparam("keys", expanding=True)
_ROOTS: BindParameter[Sequence[Digest]] = bindparam("roots", expanding=True)

_REPOSITORIES = select(repository).where(repository.c.name.in_(_NAMES)).order_by(repository.c.name)
_HELD = union(
    *(
        select(held.c.repository, held.c.digest, held.c.size).where(held.c.repository.in_(_KEYS))
        for held in (held_blob, held_manifest)
    )
).subquery("held")
_SIZES = select(_HELD.c.repository, func.sum(_HELD.c.size)).group_by(_HELD.c.repository)
_TAGS = select(tag.c.repository, func.count()).where(tag.c.repository.in_(_KEYS)).group_by(tag.c.repository)
_PULLS = (
    select(held_manifest.c.repository, func.sum(held_manifest.c.pulls), func.max(held_manifest.c.pulled))
    .where(held_manifest.c.repository.in_(_KEYS))
    .group_by(held_manifest.c.repository)
)


def repository_rows(connection: Connection, names: Collection[str]) -> Sequence[RepositoryRow]:
    """Those that are there, in order of name."""
    rows: list[RepositoryRow] = []
    for batch in batches(sorted(set(names))):
        found = connection.execute(_REPOSITORIES, {"names": batch}).all()
        keys = [row.id for row in found]
        tags, sizes, pulls = (_by_key(connection, asked, keys) for asked in (_TAGS, _SIZES, _PULLS))
        rows += (
            _repository_row(row, tags.get(row.id, (0,)), sizes.get(row.id, (0,)), pulls.get(row.id, (0, None)))
            for row in found
        )
    return rows


def _by_key(connection: Connection, asked: Select[Any], keys: Sequence[int]) -> Mapping[int, Sequence[Any]]:
    return {row[0]: tuple(row[1:]) for row in connection.execute(asked, {"keys": keys})} if keys else {}


def _repository_row(row: Row[Any], tags: Sequence[Any], sizes: Sequence[Any], pulls: Sequence[Any]) -> RepositoryRow:
    return RepositoryRow(
        row.name,
        Visibility(row.visibility),
        own_rules(row.rules),
        row.created,
        row.pushed,
        pulls[1],
        int(pulls[0]),
        int(tags[0]),
        int(sizes[0]),
        read_trust(row.trust),
    )


_REACH = (
    select(held_manifest.c.digest.label("root"), held_manifest.c.digest.label("digest"))
    .where(held_manifest.c.repository == own(), held_manifest.c.digest.in_(_ROOTS))
    .cte("reach", recursive=True)
)
_BELOW = _REACH.union(
    select(_REACH.c.root, child.c.digest).where(child.c.repository == own(), child.c.manifest == _REACH.c.digest)
)
_NEEDED = union(
    *(
        select(_BELOW.c.root, held.c.digest, held.c.size)
        .join(held, held.c.digest == _BELOW.c.digest)
        .where(held.c.repository == own())
        for held in (held_blob, held_manifest)
    )
).subquery("needed")
_NEEDED_SIZES = select(_NEEDED.c.root, func.sum(_NEEDED.c.size)).group_by(_NEEDED.c.root)
_NAMED = (
    TAGS.add_columns(
        held_manifest.c.media_type,
        held_manifest.c.pulls.label("manifest_pulls"),
        held_manifest.c.pulled.label("manifest_pulled"),
    )
    .join(
        held_manifest,
        (held_manifest.c.repository == tag.c.repository) & (held_manifest.c.digest == tag.c.digest),
    )
    .where(tag.c.name.in_(_NAMES))
)


def tag_rows(connection: Connection, name: str, tags: Collection[str]) -> Sequence[TagRow]:
    """Those that are there, in order."""
    rows: list[TagRow] = []
    for batch in batches(sorted(set(tags))):
        found = connection.execute(_NAMED, {"name": name, "names": batch}).all()
        roots = list({row.digest for row in found})
        asked = {"name": name, "roots": roots}
        sizes = {root: int(size) for root, size in connection.execute(_NEEDED_SIZES, asked)} if roots else {}
        rows += (
            TagRow(tag_of(row), row.media_type, sizes[row.digest], row.manifest_pulls, row.manifest_pulled)
            for row in found
        )
    return rows
