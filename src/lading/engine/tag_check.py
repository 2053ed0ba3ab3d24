"""How a destination's tags stand before anything moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lading.engine.arrival import Destination
from lading.engine.stores import TagMoved, Tags, permits
from lading.errors import NotFound
from lading.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class TagCheck:
    """The tags that are `right` already, and those whose condition does not hold."""

    right: frozenset[str]
    refused: Mapping[str, TagMoved]


def check_tags(destination: Destination, wanted: Digest) -> TagCheck:
    """Ask for each tag, but without a condition only until one is not right: the others are then written anyway.

    So a first push costs one request here, and a push that was done before one a tag.
    """
    right: set[str] = set()
    refused: dict[str, TagMoved] = {}
    for asked, tag in enumerate(destination.tags):
        if destination.condition == "any" and len(right) < asked:
            break
        holds = _held(destination.store, tag)
        if holds == wanted:
            right.add(tag)
        elif not permits(destination.condition, holds, wanted):
            refused[tag] = TagMoved(tag, destination.store.name, holds)
    return TagCheck(frozenset(right), refused)


def _held(store: Tags, tag: str) -> Digest | None:
    try:
        return store.resolve(tag).digest
    except NotFound:
        return None
