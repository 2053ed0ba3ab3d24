"""Who else has what an image consists of: other images of our own engine, and tags of our own registry.

Each actor is told of those that it may see. What has the same root is the same image, whatever it is called, and no
other.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.services.access import Actor, Permission
from lading.services.browsing.content_counts import ContentCounts, contents_of
from lading.services.changes import Changes
from lading.services.environment_images import Summary
from lading.services.environments.seen_lists import MadeOfLists
from lading.services.repositories.tag_contents import TagContents

MOST_COUNTED = 3
"""Lists of which counts are kept: of one that everybody sees, and a few of who sees less."""


@dataclass(frozen=True, slots=True)
class _Uniques:
    images: Sequence[Summary]
    stamp: Hashable
    found: Mapping[str, int | None]


class ContentSharing:
    """For any number of threads. Every method raises StorageFailed."""

    def __init__(self, tags: TagContents, changes: Changes) -> None:
        self._tags, self._changes = tags, changes
        self._counts: MadeOfLists[ContentCounts] = MadeOfLists(MOST_COUNTED)
        self._lock = threading.Lock()
        self._last: _Uniques | None = None

    def others(
        self, actor: Actor, image: Summary, images: Sequence[Summary], contents: Collection[Digest]
    ) -> Mapping[Digest, int]:
        """For each of `contents`, how many others have it; `images` are those that the actor may see."""
        counts, own = self._counts.of(id(images), images, ContentCounts), contents_of(image)
        tagged = self._tagged(actor, _root(image), contents)
        return {each: counts.others(each, own) + tagged[each] for each in contents}

    def unique(self, actor: Actor, some: Sequence[Summary], images: Sequence[Summary]) -> Sequence[int | None]:
        """Of each of `some`, the bytes that nothing else has; None where nobody knows what it consists of."""
        counts = self._counts.of(id(images), images, ContentCounts)
        alone = [
            {digest: size for digest, size in own.items() if not counts.others(digest, own)}
            for own in map(contents_of, some)
        ]
        roots = self._roots({digest for each in alone for digest in each}, actor)
        return [
            sum(size for digest, size in each.items() if roots.get(digest, set()) <= {_root(image)})
            if image.parts
            else None
            for image, each in zip(some, alone, strict=True)
        ]

    def all_unique(self, actor: Actor, images: Sequence[Summary]) -> Mapping[str, int | None]:
        """The same of all that the actor may see, by id: for who puts them in order. Remembered until something is
        committed."""
        stamp = (self._changes.stamp(), actor.grants, actor.scopes)
        with self._lock:
            last = self._last
        if last is not None and last.images is images and last.stamp == stamp:
            return last.found
        found = {image.id: size for image, size in zip(images, self.unique(actor, images, images), strict=True)}
        with self._lock:
            self._last = _Uniques(images, stamp, found)
        return found

    def _tagged(self, actor: Actor, root: Digest | None, contents: Collection[Digest]) -> Counter[Digest]:
        tagged: Counter[Digest] = Counter()
        for found in self._tags.tags_with(contents):
            if found.root != root and _may_see(actor, found.repository):
                tagged[found.content] += found.tags
        return tagged

    def _roots(self, contents: Collection[Digest], actor: Actor) -> Mapping[Digest, set[Digest | None]]:
        """Of which tagged images each is a part."""
        roots: dict[Digest, set[Digest | None]] = {}
        for found in self._tags.tags_with(contents):
            if _may_see(actor, found.repository):
                roots.setdefault(found.content, set()).add(found.root)
        return roots


def _root(image: Summary) -> Digest | None:
    return image.root.digest if image.root is not None else None


def _may_see(actor: Actor, repository: str) -> bool:
    return actor.may(Permission.REPOSITORIES_VIEW, None, repository)
