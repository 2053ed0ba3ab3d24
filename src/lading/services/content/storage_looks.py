"""The figures of our storage, put together: repositories from rows, images from their manifests, the rest from disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.engine.reach import ByDigest, reach
from lading.engine.records import ImageNames
from lading.oci.digest import Digest
from lading.services.content.storage_figures import DiskFigures, NamedFigures, RepositoryFigures, Sum


class RepositorySums(Protocol):
    """What rows say. Every method raises StorageFailed."""

    def repositories(self) -> Sequence[RepositoryFigures]:
        """Each of them, in order of name."""

    def reached(self) -> Sum:
        """What manifests of repositories are and need, once each."""

    def reached_among(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Those of these that they are or need."""


class FiguredContent(ByDigest, Protocol):
    """Content that images reach."""

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What is held and has this subject."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Fulfils storage_figures.StorageLooks."""

    sums: RepositorySums
    images: ImageNames
    content: FiguredContent
    look_at_disk: Callable[[], DiskFigures]

    def repositories(self) -> Sequence[RepositoryFigures]:
        return self.sums.repositories()

    def disk(self) -> DiskFigures:
        return self.look_at_disk()

    def named(self) -> NamedFigures:
        rows, reached = self.sums.repositories(), self.sums.reached()
        roots = {image.root.digest for image in self.images.all()}
        held = [self._held(reach(self.content, (root,), self.content.referrers)) for root in roots]
        in_images = {digest: size for each in held for digest, size in each.items()}
        both = set(self.sums.reached_among(list(in_images)))
        more = [size for digest, size in in_images.items() if digest not in both]
        logical = sum(row.logical for row in rows) + sum(sum(each.values()) for each in held)
        return NamedFigures(len(roots), len(rows), logical, Sum(reached.pieces + len(more), reached.size + sum(more)))

    def _held(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        sizes = {digest: self.content.size(digest) for digest in digests}
        return {digest: size for digest, size in sizes.items() if size is not None}
