"""Garbage: content that no name, lease or running work reaches, marked and then swept while others go on working.

What is swept is chosen among the blobs that were there before marking began, so nothing newer is ever considered.
Whoever wants a blob kept leases it first (`HeldContent.keep`), and the sweep asks for leases again, with everybody
held off, at the moment it removes. A few blobs go at a time, so nobody is held off for long.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from lading.engine.reach import reach
from lading.engine.records import ImageNames, Leases
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import Cancel, Reader

BATCH = 16
"""Blobs removed while everybody else waits: unlinking some GiB takes a file system tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """What an ended transfer left behind to go on from: a partial or an upload; `size` in bytes."""

    name: str
    size: int


class Collectable(Protocol):
    """Content that can be collected; a content folder fulfils it."""

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """As Source.open."""

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What is held and has this subject."""

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Everything held, with its size in bytes."""

    def alone(self) -> AbstractContextManager[bool]:
        """Whether nobody else has used the content since they opened it, and nobody begins to while inside."""

    def sweep(self, digests: Collection[Digest], release: Callable[[Collection[Digest]], Collection[Digest]]) -> None:
        """Removes those of these that `release` lets go. From the asking until they are gone, nobody can lease any."""

    def leftovers(self, before: float) -> Iterable[Leftover]:
        """Those that nobody works on, untouched since `before`, in seconds since 1970."""

    def discard(self, leftover: Leftover) -> bool:
        """Removes it; False where somebody works on it again."""


class Keeper(Protocol):
    """Somebody else whose names keep content: the repositories of the registry."""

    def reached(self) -> Iterable[Digest]:
        """What its names reach; whatever the manifests among these need is found by itself."""

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Forgets these, except those it needs by now; answers the forgotten."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be: pieces, and their bytes."""

    removed: int
    size: int


def collect(
    content: Collectable,
    images: ImageNames,
    leases: Leases,
    keepers: Collection[Keeper],
    *,
    given_up: Collection[Digest] = (),
    left_before: float,
    dry_run: bool,
    cancel: Cancel,
) -> Collected:
    """Removes all that nothing keeps, and leftovers untouched since `left_before` (seconds since 1970).

    `given_up` are roots of images somebody has just removed on purpose: while nobody else uses the content, a lease
    does not keep what only they reached. Raises StorageFailed leaves and Cancelled; what is gone by then is gone.
    """
    with content.alone() if given_up else nullcontext(False) as alone:
        swept = _Sweep(content, images, leases, keepers, given_up if alone else ())
        garbage = swept.garbage()
        leftovers = tuple(content.leftovers(left_before))
        if dry_run:
            return Collected(
                len(garbage) + len(leftovers), sum(garbage.values()) + sum(leftover.size for leftover in leftovers)
            )
        removed = swept.remove(garbage, cancel)
        dropped = [leftover.size for leftover in leftovers if content.discard(leftover)]
        return Collected(len(removed) + len(dropped), sum(removed) + sum(dropped))


class _Sweep:
    """One collection: what keeps content was read once for marking, and is asked again before each removal."""

    def __init__(
        self,
        content: Collectable,
        images: ImageNames,
        leases: Leases,
        keepers: Collection[Keeper],
        given_up: Collection[Digest],
    ) -> None:
        self._content, self._images, self._leases, self._keepers = content, images, leases, keepers
        self._given_up = given_up
        self._forfeited: set[Digest] = set()

    def garbage(self) -> dict[Digest, int]:
        """Digest and size of everything that nothing keeps. The blobs are listed before anything is marked."""
        blobs = dict(self._content.blobs())
        named = self._reach([*self._roots(), *(digest for keeper in self._keepers for digest in keeper.reached())])
        self._forfeited = self._reach(self._given_up) - named
        leased = self._reach(set(self._leases.held()) - self._forfeited)
        return {digest: size for digest, size in blobs.items() if digest not in named and digest not in leased}

    def remove(self, garbage: dict[Digest, int], cancel: Cancel) -> list[int]:
        """The sizes of those that went."""
        waiting = iter(garbage)
        removed: list[int] = []

        def release(digests: Collection[Digest]) -> Collection[Digest]:
            going = self._released(digests)
            removed.extend(garbage[digest] for digest in going)
            return going

        while batch := list(islice(waiting, BATCH)):
            cancel.check()
            self._content.sweep(batch, release)
        return removed

    def _released(self, digests: Collection[Digest]) -> Collection[Digest]:
        kept = (set(self._leases.held()) - self._forfeited) | set(self._roots())
        going: Collection[Digest] = [digest for digest in digests if digest not in kept]
        for keeper in self._keepers:
            going = keeper.release(going)
        return going

    def _roots(self) -> Iterable[Digest]:
        return [image.root.digest for image in self._images.all()]

    def _reach(self, roots: Iterable[Digest]) -> set[Digest]:
        return reach(self._content, roots, self._content.referrers)
