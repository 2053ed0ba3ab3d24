"""Garbage: content that no name, lease or running work reaches, marked and then swept while others go on working.

What is swept is chosen among the blobs that were there before marking began, so nothing newer is ever considered.
Whoever wants a blob kept leases it first (`HeldContent.keep`), and the sweep asks for leases again, with everybody
held off, at the moment it removes. Parents go before their children: so whoever finds a manifest here finds what it
needs, and a manifest that is leased again in the last moment keeps all of it. A few blobs go at a time, so nobody is
held off for long. A collection that is killed or cancelled leaves nothing half done: the next one begins anew.

Work holds what it needs by leases of its own (engine.records.Holder), sets its names, and ends: its leases are ENDED
then, but only a collection drops them, and only as its first act, alone in its turn, before it reads a name; so are
those that are LEFT of what somebody gave up. So to every collection,

- work that ended before has its names set, and names are read after: they keep its content;
- work that ends while it runs still has all its leases, though it found what no name kept, and named it after the names
  were read: they are seen when the sweep asks;
- work that runs, as a second pull of the image that is being removed, has its leases, whoever else's are dropped;
- work that is killed between its names and its end has both: a lease too many.

Whoever else has leased the same content has a row of their own, which the end of a work does not touch. A registry's
client who asks between that end and the collection either gets its lease before the sweep asks, and the sweep passes
by, or finds nothing: both stand at the same gate (`Collectable.sweep`, ContentFolder.keep).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lading.engine.reach import reach
from lading.engine.records import EVERY_HOLDER, Holder, ImageNames, Leases
from lading.engine.removal_order import closure, families, parents_first
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import Cancel, Reader

BATCH = 32
"""Blobs removed while everybody else waits: a transaction and as many renames, some milliseconds."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How many pieces, and their bytes."""

    pieces: int = 0
    size: int = 0

    @classmethod
    def of(cls, sizes: Iterable[int]) -> Amount:
        """Pieces of these sizes."""
        each = tuple(sizes)
        return cls(len(each), sum(each))


@dataclass(frozen=True, slots=True)
class Leftover:
    """What an ended transfer left behind to go on from: a partial or an upload. `size` in bytes, `touched` in seconds
    since 1970; `given_up` where that is long ago, and nobody works on it."""

    name: str
    size: int
    touched: float
    given_up: bool


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

    def turn(self, cancel: Cancel) -> AbstractContextManager[None]:
        """Inside, nobody else collects here. Waits for who does. Raises Cancelled."""

    def alone(self) -> AbstractContextManager[bool]:
        """Whether nobody else has used the content since they opened it, and nobody begins to while inside."""

    def sweep(self, digests: Collection[Digest], release: Callable[[Collection[Digest]], Collection[Digest]]) -> None:
        """Removes those of these that `release` lets go. From the asking until they are gone, nobody can lease any."""

    def leftovers(self, before: float) -> Iterable[Leftover]:
        """Everything unfinished; what was not touched since `before`, in seconds since 1970, is given up."""

    def set_aside(self) -> Iterable[tuple[Digest, Leftover]]:
        """What was damaged and is held no more, under the digest that it should have."""

    def discard(self, leftover: Leftover) -> bool:
        """Removes it; False where somebody works on it again, or has since it was looked at."""


class Related(Protocol):
    """Content as whoever marks it sees it."""

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """As Source.open."""

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What is held and has this subject."""

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Everything held, with its size in bytes."""


@runtime_checkable
class Distant(Protocol):
    """Content of which each question takes its time: who asks about all of it looks at it as a whole."""

    def surveyed(self) -> Related:
        """As it is listed now. What comes later is not in it, and needs no look: whoever brings it leases it, and each
        piece that it needs; and the rows of the registry's names, which are asked last, name what a manifest needs."""


class Keeper(Protocol):
    """Somebody else whose names keep content: the repositories of the registry."""

    def reached(self) -> Iterable[Digest]:
        """What its names reach; whatever the manifests among these need is found by itself."""

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Forgets these, except those it needs by now; answers the forgotten."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, or would be: pieces, and their bytes; and why the rest of what no name reaches stays.

    `leased` is kept by a lease alone: it was used lately. `unfinished` are transfers that have not ended, and are too
    young to be given up, or are being worked on.
    """

    removed: int
    size: int
    leased: Amount = Amount()
    unfinished: Amount = Amount()


def _unheard(_found: Amount) -> None:
    """Nobody wants to know."""


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
    found: Callable[[Amount], None] = _unheard,
) -> Collected:
    """Removes all that nothing keeps, and leftovers untouched since `left_before` (seconds since 1970).

    `given_up` are roots of images somebody has just removed on purpose: nothing that they reach is kept for the next
    try of work that failed; nor, while nobody else uses the content, for work that was killed. `found` hears what is
    going to be removed before it is. Raises StorageFailed leaves and Cancelled; what is gone by then is gone.
    """
    with (
        nullcontext() if dry_run else content.turn(cancel),
        content.alone() if given_up else nullcontext(False) as alone,
    ):
        if not dry_run:
            leases.forget_ended()
            if given_up:
                reached = reach(content, given_up, content.referrers, cancel)
                leases.forget(reached, {Holder.LEFT, Holder.WORK} if alone else {Holder.LEFT})
        counting = EVERY_HOLDER - {Holder.ENDED} if dry_run else EVERY_HOLDER
        swept = _Sweep(content, images, leases, counting, keepers, cancel=cancel)
        garbage = swept.garbage()
        leftovers = tuple(content.leftovers(left_before))
        old = [each for each in leftovers if each.given_up]
        old += [leftover for digest, leftover in content.set_aside() if digest not in swept.kept]
        unfinished = Amount.of(each.size for each in leftovers if not each.given_up)
        going = Amount.of([*garbage.values(), *(each.size for each in old)])
        found(going)
        if not dry_run:
            removed = swept.remove(garbage)
            going = Amount.of([*removed, *(each.size for each in old if content.discard(each))])
        return Collected(going.pieces, going.size, swept.leased, unfinished)


class _Sweep:
    """One collection: what keeps content was read once for marking, and is asked again before each removal."""

    def __init__(
        self,
        content: Collectable,
        images: ImageNames,
        leases: Leases,
        counting: Collection[Holder],
        keepers: Collection[Keeper],
        *,
        cancel: Cancel,
    ) -> None:
        self._content, self._images, self._leases, self._keepers = content, images, leases, keepers
        self._seen: Related = content.surveyed() if isinstance(content, Distant) else content
        self._counting, self._cancel = counting, cancel
        self.leased = Amount()
        """What only a lease keeps, once `garbage` has been told."""
        self.kept: set[Digest] = set()
        """What names and leases reach, held or not, once `garbage` has been told."""

    def garbage(self) -> dict[Digest, int]:
        """Digest and size of everything that nothing keeps. The blobs are listed before anything is marked."""
        blobs = dict(self._seen.blobs())
        roots = [image.root.digest for image in self._images.all()]
        named = self._reach([*roots, *(digest for keeper in self._keepers for digest in keeper.reached())])
        leased = self._reach(self._leases.held(self._counting))
        nameless = {digest: size for digest, size in blobs.items() if digest not in named}
        self.leased = Amount.of(size for digest, size in nameless.items() if digest in leased)
        self.kept = named | leased
        return {digest: size for digest, size in nameless.items() if digest not in leased}

    def remove(self, garbage: Mapping[Digest, int]) -> list[int]:
        """The sizes of those that went."""
        children = families(self._seen, garbage, self._cancel)
        order = parents_first(garbage, children)
        removed: list[int] = []
        spared: set[Digest] = set()

        def release(digests: Collection[Digest]) -> Collection[Digest]:
            spared.update(closure(self._kept(digests), children))
            going: Collection[Digest] = [digest for digest in digests if digest not in spared]
            for keeper in self._keepers:
                going = keeper.release(going)
            spared.update(closure(set(digests).difference(going), children))
            removed.extend(garbage[digest] for digest in going)
            return going

        for start in range(0, len(order), BATCH):
            self._cancel.check()
            if batch := [digest for digest in order[start : start + BATCH] if digest not in spared]:
                self._content.sweep(batch, release)
        return removed

    def _kept(self, digests: Collection[Digest]) -> set[Digest]:
        """Those of these that have been leased or named meanwhile: few are asked about, however many there are."""
        return set(self._leases.among(digests, self._counting)).union(self._images.among(digests))

    def _reach(self, roots: Iterable[Digest]) -> set[Digest]:
        return reach(self._seen, roots, self._seen.referrers, self._cancel)
