"""Repositories and tags for lists: what they hold is counted and added up by the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, select, union

from lading.backends.database.each_of import all_of, each_of, listed
from lading.backends.database.repository_view import TAGS, batches, own, tag_of
from lading.backends.database.tables import child, held_blob, held_manifest, repository, tag
from lading.backends.database.totals import Totals
from lading.services.repositories.rows import RepositoryRow, TagRow, Visibility
from lading.services.repositories.rules import own_rules
from lading.services.repositories.trust import read_trust

_NAMES: BindParameter[Sequence[str]] = bindparam("names", expanding=True)
_KEYS: BindParameter[Sequence[int]] = bindparam("keys", expanding=True)

_REPOSITORIES = select(repository).where(repository.c.name.in_(_NAMES)).order_by(repository.c.name)
_HELD = union(
    *(
        select(held.c.repository, held.c.digest, held.c.size).where(held.c.repository.in_(_KEYS))
        for held in (held_blob, held_manifest)
    )
).subquery("held")
_SIZES = select(_HELD.c.repository, func.sum(_HELD.c.size), func.count()).group_by(_HELD.c.repository)
_TAGS = select(tag.c.repository, func.count()).where(tag.c.repository.in_(_KEYS)).group_by(tag.c.repository)
_PULLS = (
    select(held_manifest.c.repository, func.sum(held_manifest.c.pulls), func.max(held_manifest.c.pulled))
    .where(held_manifest.c.repository.in_(_KEYS))
    .group_by(held_manifest.c.repository)
)


HOLDS_MUCH = 1000
"""Pieces of content, and tags, of a repository whose figures are remembered: all of them are added up for each."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a repository comes to; `pieces` are contents that it holds."""

    tags: int
    size: int
    pieces: int
    pulls: int
    pulled: float | None


Key = tuple[int, float]
"""Of a repository: its row's id, which another may get that is made once it has gone, and when it was made."""


def figures() -> Totals[Key, Figures]:
    """Where those of large repositories are remembered."""
    return Totals(lambda found: max(found.tags, found.pieces) > HOLDS_MUCH)


def repository_rows(
    connection: Connection, names: Collection[str], remembered: Totals[Key, Figures]
) -> Sequence[RepositoryRow]:
    """Those that are there, in order of name."""
    rows: list[RepositoryRow] = []
    for batch in batches(sorted(set(names))):
        found = connection.execute(_REPOSITORIES, {"names": batch}).all()
        known = _figures(connection, [(row.id, row.created) for row in found], remembered)
        rows += (_repository_row(row, known[row.id, row.created]) for row in found)
    return rows


def _figures(connection: Connection, keys: Sequence[Key], remembered: Totals[Key, Figures]) -> Mapping[Key, Figures]:
    known = {key: told for key in keys if (told := remembered.known(key)) is not None}
    began, unknown = remembered.now(), [key for key in keys if key not in known]
    ids = [number for number, _ in unknown]
    tags, sizes, pulls = (_by_key(connection, asked, ids) for asked in (_TAGS, _SIZES, _PULLS))
    for key in unknown:
        size, pieces = sizes.get(key[0], (0, 0))
        count, last = pulls.get(key[0], (0, None))
        known[key] = Figures(int(tags.get(key[0], (0,))[0]), int(size), pieces, int(count), last)
        remembered.counted(key, known[key], began)
    return known


def _by_key(connection: Connection, asked: Select[Any], keys: Sequence[int]) -> Mapping[int, Sequence[Any]]:
    return {row[0]: tuple(row[1:]) for row in connection.execute(asked, {"keys": keys})} if keys else {}


def _repository_row(row: Row[Any], found: Figures) -> RepositoryRow:
    return RepositoryRow(
        row.name,
        Visibility(row.visibility),
        own_rules(row.rules),
        row.created,
        row.pushed,
        found.pulled,
        found.pulls,
        found.tags,
        found.size,
        read_trust(row.trust),
    )


_EACH = each_of("digests")
_BELOW = select(
    _EACH.c.value,
    all_of(
        child.c.digest, select(child.c.digest).where(child.c.repository == own(), child.c.manifest == _EACH.c.value)
    ),
)
_SIZE = func.coalesce(
    *(
        select(held.c.size).where(held.c.repository == own(), held.c.digest == _EACH.c.value).scalar_subquery()
        for held in (held_blob, held_manifest)
    )
)
_EACH_SIZE = select(_EACH.c.value, _SIZE)
_MANIFEST = select(
    _EACH.c.value,
    *(
        select(column)
        .where(held_manifest.c.repository == own(), held_manifest.c.digest == _EACH.c.value)
        .scalar_subquery()
        for column in (held_manifest.c.media_type, held_manifest.c.pulls, held_manifest.c.pulled)
    ),
)
_NAMED = TAGS.where(tag.c.name.in_(_NAMES), tag.c.name >= bindparam("first"), tag.c.name <= bindparam("last"))
"""The names of a page stand beside each other: where PostgreSQL looks for them by their bounds, it reads no others."""


def tag_rows(connection: Connection, name: str, tags: Collection[str]) -> Sequence[TagRow]:
    """Those that are there, in order."""
    rows: list[TagRow] = []
    for batch in batches(sorted(set(tags))):
        asked = {"name": name, "names": batch, "first": batch[0], "last": batch[-1]}
        found = [tag_of(row) for row in connection.execute(_NAMED, asked)]
        roots = {str(each.digest) for each in found}
        sizes = _needed(connection, name, roots)
        manifests = _looked_up(connection, _MANIFEST, name, roots)
        for each in found:
            media_type, pulls, pulled = manifests[str(each.digest)]
            rows.append(TagRow(each, media_type, sizes[str(each.digest)], pulls, pulled))
    return rows


def _needed(connection: Connection, name: str, roots: Collection[str]) -> Mapping[str, int]:
    """How many bytes each of these manifests needs, each content once."""
    below: dict[str, Sequence[str]] = {}
    while unread := {digest for root in roots for digest in _reach(root, below)}.difference(below):
        below.update({digest: told or () for digest, (told,) in _looked_up(connection, _BELOW, name, unread).items()})
    sizes = _looked_up(connection, _EACH_SIZE, name, below)
    return {root: sum(sizes[digest][0] or 0 for digest in _reach(root, below)) for root in roots}


def _looked_up(
    connection: Connection, asked: Select[Any], name: str, digests: Collection[str]
) -> Mapping[str, Sequence[Any]]:
    """The other columns of what is asked of each, by the digest."""
    if not digests:
        return {}
    values = {"name": name, "digests": listed(sorted(digests))}
    return {row[0]: tuple(row[1:]) for row in connection.execute(asked, values)}


def _reach(root: str, below: Mapping[str, Sequence[str]]) -> Collection[str]:
    """It, and all below it as far as that was read."""
    found = {root}
    waiting = [root]
    while waiting:
        for digest in below.get(waiting.pop(), ()):
            if digest not in found:
                found.add(digest)
                waiting.append(digest)
    return found
