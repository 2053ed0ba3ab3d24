"""Pulls, added to the rows of manifests and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import BindParameter, Connection, Update, bindparam, select, update

from lading.backends.database.repository_view import batches
from lading.backends.database.tables import held_manifest, repository, tag
from lading.services.repositories.pull_counts import Pulled, Pulls

_NAMES: BindParameter[Sequence[str]] = bindparam("names", expanding=True)

# Changes lock their repository first, and so does this: in one order, so that two processes do not wait for each other.
_LOCKED = (
    select(repository.c.id, repository.c.name)
    .where(repository.c.name.in_(_NAMES))
    .order_by(repository.c.id)
    .with_for_update()
)
_MANIFEST: Update = (
    update(held_manifest)
    .where(held_manifest.c.repository == bindparam("key"), held_manifest.c.digest == bindparam("of"))
    .values(pulls=held_manifest.c.pulls + bindparam("more"), pulled=bindparam("at"))
)
_TAG: Update = (
    update(tag)
    .where(tag.c.repository == bindparam("key"), tag.c.name == bindparam("by"), tag.c.digest == bindparam("of"))
    .values(pulls=tag.c.pulls + bindparam("more"), pulled=bindparam("at"))
)


def count_pulls(connection: Connection, pulls: Mapping[Pulled, Pulls]) -> None:
    """To what is still there, and to tags that still name what was pulled by them."""
    keys = _locked(connection, {pulled.repository for pulled in pulls})
    known = {pulled: each for pulled, each in pulls.items() if pulled.repository in keys}
    rows = [_row(keys, pulled, each) for pulled, each in known.items()]
    if rows:
        connection.execute(_MANIFEST, rows)
    tagged = [{**row, "by": pulled.tag} for row, pulled in zip(rows, known, strict=True) if pulled.tag]
    if tagged:
        connection.execute(_TAG, tagged)


def _locked(connection: Connection, names: set[str]) -> Mapping[str, int]:
    keys: dict[str, int] = {}
    for batch in batches(sorted(names)):
        keys |= {row.name: row.id for row in connection.execute(_LOCKED, {"names": batch})}
    return keys


def _row(keys: Mapping[str, int], pulled: Pulled, pulls: Pulls) -> dict[str, object]:
    return {"key": keys[pulled.repository], "of": pulled.digest, "more": pulls.count, "at": pulls.at}
