"""In which order garbage goes: parents before their children, so that no manifest is ever here without its parts.

A manifest names its children by digest, so none can be below itself: there always is such an order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from lading.engine.reach import ByDigest, kin
from lading.oci.digest import Digest
from lading.wire.message import Cancel

Families = Mapping[Digest, Sequence[Digest]]
"""Manifests with those of their children that are spoken of."""


def families(content: ByDigest, digests: Collection[Digest], cancel: Cancel) -> Families:
    """The manifests among these, with their children among these. Raises Cancelled."""
    found: dict[Digest, Sequence[Digest]] = {}
    for digest in digests:
        cancel.check()
        found_kin = kin(content, digest)
        named = dict.fromkeys(found_kin.children) if found_kin else {}
        if children := [child for child in named if child in digests]:
            found[digest] = children
    return found


def closure(digests: Iterable[Digest], children: Families) -> set[Digest]:
    """These, and what they need, each looked at once."""
    seen: set[Digest] = set()
    waiting = list(digests)
    while waiting:
        digest = waiting.pop()
        if digest not in seen:
            seen.add(digest)
            waiting += children.get(digest, ())
    return seen


def parents_first(digests: Iterable[Digest], children: Families) -> list[Digest]:
    """All of them, each before its children: a depth-first walk, told backwards, without recursion because indexes
    may be nested deeply."""
    done: dict[Digest, None] = {}
    for root in digests:
        path = [(root, iter(children.get(root, ())))] if root not in done else []
        while path:
            digest, left = path[-1]
            child = next((each for each in left if each not in done), None)
            if child is None:
                done[digest] = None
                path.pop()
            else:
                path.append((child, iter(children.get(child, ()))))
    return list(reversed(done))
