"""Tags of our own registry that images only pass through: taken back when their work is over, or when they are so old
that whoever made them must have been killed.

With its tag an image's manifest goes, and those of its platforms, unless somebody else needs them; layers stay for a
while, so of the next image only what is new moves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from lading.errors import LadingError, NotFound, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.services.reading import read_manifest
from lading.services.repositories import decisions
from lading.services.repositories.edits import Edit
from lading.services.repositories.own_repository import OwnRepository
from lading.services.repositories.records import Decide, RepositoryRecords, RepositoryView
from lading.services.repositories.repositories import Repositories

log = logging.getLogger("lading.registry")

LEFT_SECONDS = 7 * 24 * 60 * 60.0
"""After so long a passing tag is one that nobody took back: no transfer takes a week."""

REPOSITORIES_AT_ONCE = 500


class PassingTags:
    """Of the repositories under one folder. For any number of threads."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        folder: str,
        start: str,
        clock: Callable[[], float],
    ) -> None:
        """`folder` is the first part of their names, `start` how passing tags begin; `clock` tells seconds since
        1970."""
        self._repositories, self._records, self._clock = repositories, records, clock
        self._folder, self._start = folder, start

    def drop(self, path: str, tag: str) -> None:
        """Never raises: what stays is a tag that nobody knows."""
        try:
            root = self._repositories.manifest(path, tag)
            children = self._children(path, root)
            self._repositories.change(path, _without(path, tag, root.digest, self._clock()))
            for child in children:
                with suppress(NotFound, Refused):  # another image has it too, or another transfer of this one
                    self._repositories.change(path, _untagged(path, child, self._clock()))
        except NotFound:
            return  # it did not come so far
        except LadingError as error:
            log.warning("%s:%s could not be removed from the registry: %s", path, tag, error)

    def forget_left(self) -> None:
        """What processes left behind that were killed, once it is so old that nobody uses it. Raises StorageFailed."""
        before = self._clock() - LEFT_SECONDS
        for path in self._paths():
            for tag in self._records.view(path).all_tags():
                if tag.name.startswith(self._start) and tag.pointed < before:
                    self.drop(path, tag.name)

    def _paths(self) -> Iterator[str]:
        start = after = f"{self._folder}/"
        more = True
        while more:
            page = self._repositories.repositories(after, REPOSITORIES_AT_ONCE)
            names = [name for name in page.names if name.startswith(start)]
            yield from names
            after, more = (names[-1] if names else after), page.more and len(names) == len(page.names)

    def _children(self, path: str, root: Descriptor) -> Sequence[Digest]:
        document = read_manifest(OwnRepository(self._repositories, path), root)
        return [child.digest for child in document.manifests] if isinstance(document, Index) else []


def _without(path: str, tag: str, digest: Digest, now: float) -> Decide:
    """The tag goes, and the manifest where no other tag names it."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        others = [each for each in view.naming(digest) if each.name != tag]
        if others or view.above([digest]):
            return decisions.delete_tag(path, tag, now)(view)
        return decisions.delete_manifest(path, digest, now)(view)

    return decide


def _untagged(path: str, digest: Digest, now: float) -> Decide:
    """A platform's manifest goes, unless a tag names it."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        return [] if view.naming(digest) else decisions.delete_manifest(path, digest, now)(view)

    return decide
