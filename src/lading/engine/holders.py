"""Which repositories hold a blob: where to mount it from, what is likely there already, and what a copy learns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lading.engine.stores import Locations
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Repository

ORIGIN_LIMIT = 3
"""A registry is asked for a blob from so many repositories: each is a request, and the best come first."""


class NoLocations:
    """Nothing is known and nothing is learned."""

    def of(self, _digest: Digest, _registry: str) -> Sequence[Repository]:
        """Never any."""
        return ()

    def learn(self, digest: Digest, repository: Repository) -> None:
        """Forgotten at once."""


class Holders:
    """What is known for one target repository; `origin` is the repository that the copy reads from, if it is one."""

    def __init__(self, locations: Locations, here: Repository, origin: Repository | None) -> None:
        self._locations, self._here, self._origin = locations, here, origin
        self._beside = (origin,) if origin is not None and origin.registry == here.registry else ()
        self._known: dict[Digest, Sequence[Repository]] = {}

    def origins(self, blob: Descriptor) -> Sequence[Repository]:
        """Where it is known to lie, best first: the target repository itself alone where it was seen there before, else
        the repository that the copy reads where that is beside it, which needs no other's token."""
        known = self._of(blob.digest)
        if self._here in known:
            return (self._here,)
        return self._beside or tuple(known[:ORIGIN_LIMIT])

    def siblings(self, blobs: Iterable[Descriptor]) -> Collection[Repository]:
        """All other repositories that these will be asked from; the one that the copy reads is among them early."""
        return {*self._beside, *(repository for blob in blobs for repository in self.origins(blob))} - {self._here}

    def sibling(self, blob: Descriptor) -> Repository | None:
        """The other repository that it would be mounted from."""
        return next((repository for repository in self.origins(blob) if repository != self._here), None)

    def likely_here(self, blobs: Iterable[Descriptor]) -> bool:
        """Whether all of these were in the target repository when it was last seen."""
        return all(self._here in self._of(blob.digest) for blob in blobs)

    def learn(self, blob: Descriptor, read: bool) -> None:
        """It is here now; and where it was read, it was there."""
        self._locations.learn(blob.digest, self._here)
        if read and self._origin is not None:
            self._locations.learn(blob.digest, self._origin)

    def _of(self, digest: Digest) -> Sequence[Repository]:
        if digest not in self._known:
            self._known[digest] = self._locations.of(digest, self._here.registry)
        return self._known[digest]
