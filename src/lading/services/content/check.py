"""Whether what we keep still is what its names say: every blob is read again within so many days, a little at a time.

A disk forgets silently; only who reads can tell. What is found damaged is set aside, so that nobody is given it: from
then on it is missing, and who pushes or pulls it again makes it whole. What is checked next is what was checked, or
written, the longest ago, so that the work is spread evenly whatever came when.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Protocol

from lading.oci.digest import Digest
from lading.wire.message import Cancel

log = logging.getLogger("lading.content")

ROUND_SECONDS = 60 * 60.0
"""A part is checked so often."""

AHEAD = 0.75
"""How much of the time allowed a whole turn takes: rounds may be missed."""

OVERDUE = 0.9
"""From this part of the time allowed on a blob is checked in any case, however much there is."""

MOST = 4096
"""Blobs of one round."""

AT_ONCE = 500
"""Blobs asked about together."""


class Found(StrEnum):
    """What re-reading a blob found."""

    OK = "ok"
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Kept:
    """A blob: its size in bytes, and when it was written, and thereby checked, in seconds since 1970."""

    digest: Digest
    size: int
    written: float


class CheckedContent(Protocol):
    """Content that can be read again; a content folder fulfils it. Every method raises StorageFailed."""

    def kept(self) -> Iterable[Kept]:
        """Every blob, in no order."""

    def turn(self) -> AbstractContextManager[bool]:
        """Whether nobody else checks it; nobody begins to while inside."""

    def sound(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool | None:
        """Whether its bytes are what its name says; None where it is not held. `passed` hears how many were read, and
        may wait."""

    def set_aside(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool:
        """Looks once more, and then nobody reads it from now on; False where it is sound after all."""

    def damaged(self) -> Sequence[Digest]:
        """What was set aside, and has not come again."""

    def holds(self, digest: Digest) -> bool:
        """Whether it is here."""


class CheckRecords(Protocol):
    """blob_check(digest, checked, found). Every method raises StorageFailed."""

    def checked(self, digests: Collection[Digest]) -> Mapping[Digest, float]:
        """When each of these was checked last, in seconds since 1970, where it was."""

    def note(self, found: Mapping[Digest, Found], at: float) -> None:
        """These were checked just now."""

    def forget(self, before: float) -> None:
        """Those that were not checked since then: they are gone."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check did: how many blobs, their bytes, and which of them were set aside; `missing` is
    named, and not here."""

    pieces: int
    size: int
    damaged: tuple[Digest, ...]
    missing: tuple[Digest, ...] = ()


class ContentCheck:
    """`every` is how long all of it may take, in seconds; `clock` tells seconds since 1970."""

    def __init__(
        self,
        content: CheckedContent,
        records: CheckRecords,
        needed: Callable[[], Iterable[Digest]],
        *,
        every: float,
        clock: Callable[[], float],
    ) -> None:
        """`needed` is what repositories name: it is missed where it is not here."""
        self._content, self._records, self._needed = content, records, needed
        self._every, self._clock = every, clock

    def round(self, passed: Callable[[int], None], cancel: Cancel) -> Checked:
        """A part of it: what one of the rounds has to do so that all is done in time. Nothing where somebody else is
        at it. Raises StorageFailed, Cancelled."""
        with self._content.turn() as ours:
            if not ours:
                return Checked(0, 0, ())
            self._records.forget(self._clock() - 2 * self._every)
            return self._check(self._due(), passed, cancel)

    def all(self, passed: Callable[[int], None], cancel: Cancel) -> Checked:
        """All of it, now; and what is named and is not here. Raises StorageFailed, Cancelled."""
        checked = self._check(self._content.kept(), passed, cancel)
        missing = [digest for digest in set(self._needed()) if not self._content.holds(digest)]
        self._records.note(dict.fromkeys(set(missing) - set(checked.damaged), Found.MISSING), self._clock())
        return Checked(checked.pieces, checked.size, checked.damaged, tuple(sorted(missing)))

    def damaged(self) -> Sequence[Digest]:
        """What was set aside, and has not come again."""
        return self._content.damaged()

    def _due(self) -> Sequence[Kept]:
        """The longest unchecked first: as much as one round has to do, and all that is nearly overdue."""
        now = self._clock()
        total = 0

        def aged() -> Iterator[tuple[float, Digest, Kept]]:
            nonlocal total
            for kept, last in self._last():
                total += kept.size
                yield last, kept.digest, kept

        oldest = heapq.nsmallest(MOST, aged(), key=lambda each: each[:2])
        share = total * ROUND_SECONDS / (self._every * AHEAD)
        return list(_first(oldest, share, now - self._every * OVERDUE, now - self._every * (1 - AHEAD)))

    def _last(self) -> Iterator[tuple[Kept, float]]:
        """Every blob, and when it was checked last."""
        waiting = iter(self._content.kept())
        while some := list(islice(waiting, AT_ONCE)):
            noted = self._records.checked([kept.digest for kept in some])
            yield from ((kept, max(noted.get(kept.digest, 0.0), kept.written)) for kept in some)

    def _check(self, blobs: Iterable[Kept], passed: Callable[[int], None], cancel: Cancel) -> Checked:
        pieces = size = 0
        damaged: list[Digest] = []
        waiting = iter(blobs)
        while some := list(islice(waiting, AT_ONCE)):
            found: dict[Digest, Found] = {}
            try:
                for kept in some:
                    cancel.check()
                    sound = self._content.sound(kept.digest, passed, cancel)
                    if sound is False and self._content.set_aside(kept.digest, passed, cancel):
                        log.error("%s is not what its name says any more, and is set aside", kept.digest)
                        damaged.append(kept.digest)
                        # at once: a commit, from which on nobody remembers that it was here
                        self._records.note({kept.digest: Found.DAMAGED}, self._clock())
                    elif sound:
                        found[kept.digest] = Found.OK
                    pieces, size = pieces + 1, size + kept.size
            finally:
                self._records.note(found, self._clock())
        return Checked(pieces, size, tuple(sorted(damaged)))


def _first(oldest: Iterable[tuple[float, Digest, Kept]], share: float, overdue: float, young: float) -> Iterator[Kept]:
    """At least one, then as many as fit into `share` bytes, and whatever was not checked since `overdue`; nothing that
    was checked since `young`."""
    taken = 0
    for last, _, kept in oldest:
        if last >= young or (taken >= share and last >= overdue):
            return
        yield kept
        taken += max(kept.size, 1)
