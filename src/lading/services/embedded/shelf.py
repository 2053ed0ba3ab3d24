"""The list of our own images, kept: of ten thousand, those alone are read again that have changed since.

    names     are read each time: an image whose rows are as they were is as it was, as far as its content is
    content   has a stamp: while that stands, nothing came or went; else the content that did says whose images changed

What manifests and configs say never changes, as their digests name them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.oci.digest import Digest
from lading.services.embedded.lookup import Held
from lading.services.embedded.views import EmbeddedView
from lading.services.environment_images import Summary
from lading.wire.message import Cancel


class ContentListing(Protocol):
    """What lies in the store. For any number of threads, while other processes bring and remove content."""

    def stamp(self) -> Hashable:
        """Equal to an earlier one only where nothing came or went in between."""

    def held(self) -> frozenset[str]:
        """All there is, by the hexadecimal digits of its digests."""


class NoListing:
    """Fulfils ContentListing where nobody can tell: everything is read each time."""

    def stamp(self) -> Hashable:
        return object()

    def held(self) -> frozenset[str] | None:
        return None


@dataclass(frozen=True, slots=True)
class _Kept:
    """An image as it was read: `needs` are the digits of all that it consists of, here or not."""

    image: Held
    summary: Summary
    needs: frozenset[str]


class EmbeddedShelf:
    """For any number of threads; one of them reads, the others wait for what it found."""

    def __init__(self, listing: ContentListing | NoListing, view: Callable[[Held], EmbeddedView]) -> None:
        self._listing, self._view = listing, view
        self._lock = threading.Lock()
        self._stamp: Hashable = None
        self._held: frozenset[str] | None = None
        self._kept: Mapping[Digest, _Kept] = {}
        self._list: list[Summary] = []

    def all(self, images: Collection[Held], cancel: Cancel) -> Sequence[Summary]:
        """Of these, which are all there are: newest first. The very same list as before where nothing changed."""
        with self._lock:
            stamp = self._listing.stamp()
            changed = self._changed(stamp)
            kept: dict[Digest, _Kept] = {}
            for image in images:
                cancel.check()
                before = self._kept.get(image.root.digest) if changed is not None else None
                if before is None or before.image != image or (changed and not changed.isdisjoint(before.needs)):
                    before = self._read(image)
                kept[image.root.digest] = before
            if kept != self._kept:
                created = (each.summary for each in kept.values())
                self._list = sorted(created, key=lambda each: each.created or 0, reverse=True)
            self._kept, self._stamp = kept, stamp
            return self._list

    def _changed(self, stamp: Hashable) -> frozenset[str] | None:
        """What came or went since; None where nobody knows."""
        if stamp == self._stamp:
            return frozenset()
        before, self._held = self._held, self._listing.held()
        if before is None or self._held is None:
            return None
        return frozenset([*(before ^ self._held)])  # made anew: a set that was great once is walked through whole

    def _read(self, image: Held) -> _Kept:
        view = self._view(image)
        return _Kept(image, view.summary(), frozenset(each.encoded for each in view.contents()))
