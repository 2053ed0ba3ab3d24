"""Removing images of our own engine, told as Docker tells it: names that were taken, and images that went with them.

A tag goes alone while the image has another name. With its last name, or by its id, an image goes, and with it what
only it held. A `repository@digest` is told gone with the repository's last name for the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lading.engine.records import Image
from lading.errors import InputInvalid
from lading.oci.digest import Digest
from lading.oci.media_types import is_index
from lading.oci.platform import Platform, subject_of_attestation
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import Collector, OwnStore, Shedder
from lading.services.embedded.images import ImageHasNames
from lading.services.embedded.lookup import EmbeddedLookup, Found, Held
from lading.services.embedded.views import EmbeddedView
from lading.services.environments.orders import Pruned, PruneOrder
from lading.services.lookup import ImageUnknown
from lading.wire.message import Cancel


class ForceNeeded(InputInvalid):
    """Single platforms of an image, whose content is given up although the image stays: that must be meant."""

    hint = "Remove them with force; a pull brings them again."

    def __str__(self) -> str:
        return "removing single platforms of an image must be forced"


@dataclass(frozen=True, slots=True)
class EmbeddedRemoval:
    """For one call. `view` reads an image."""

    lookup: EmbeddedLookup
    own: OwnStore
    view: Callable[[Held], EmbeddedView]
    collect: Collector
    shed: Shedder

    def remove(self, text: str, force: bool, platforms: Sequence[Platform], cancel: Cancel) -> Pruned:
        """Raises ImageUnknown, IdAmbiguous, ImageHasNames, PlatformMissing, ForceNeeded before anything is taken."""
        found = self.lookup.find(text)
        if platforms:
            return self._give_up(found.image, platforms, force, cancel)
        going = tuple(_going(found))
        several = len(found.image.repositories) > 1 or len(found.image.tags) > 1
        if found.name is None and several and not force:
            raise ImageHasNames(text, map(str, found.image.references))
        pinned = found.name is not None and found.name.digest is not None
        removed = self._take([(found.image, going)], cancel, pinned=pinned)
        if not removed.untagged and not removed.deleted:
            raise ImageUnknown(text, ["the local store"])
        return removed

    def prune(self, order: PruneOrder, cancel: Cancel) -> Pruned:
        """Nothing here runs an image, so none is kept for that."""
        going = [image for image in self.lookup.all() if self._unneeded(image, order)]
        return self._take([(image, image.rows) for image in going], cancel, sweeps=True)

    def _take(
        self,
        going: Sequence[tuple[Held, Sequence[Image]]],
        cancel: Cancel,
        *,
        sweeps: bool = False,
        pinned: bool = False,
    ) -> Pruned:
        """These names; images that have no other go. `sweeps`: collect though none went; `pinned`: what was asked for
        was a digest."""
        views = {}
        for image, rows in going:
            cancel.check()
            if len(rows) == len(image.rows):
                views[image.root.digest] = self.view(image)
        taken = {row.reference for row in self.own.untag_as([row for _, rows in going for row in rows])}
        touched = [(image, went) for image, rows in going if (went := [row for row in rows if row.reference in taken])]
        left = {image.root.digest: image for image in (self.lookup.all() if touched else ())}
        gone = [image.root.digest for image, _ in touched if image.root.digest not in left]
        told = [name for image, rows in touched for name in _told(rows, left.get(image.root.digest), pinned)]
        layers = self._only_theirs([views[root] for root in gone if root in views], left.values())
        reclaimed = self.collect(False, set(gone), cancel).size if gone or sweeps else 0
        return Pruned(tuple(told), tuple(map(str, gone)), reclaimed, tuple(map(str, layers)))

    def _only_theirs(self, gone: Sequence[EmbeddedView], left: Iterable[Held]) -> Iterable[Digest]:
        """The layers of images that went, the newest first, which no image that is left has."""
        if not gone:
            return ()
        kept = {layer for image in left for layer in self.view(image).layers()}
        return [
            layer for layer in dict.fromkeys(layer for view in gone for layer in view.layers()) if layer not in kept
        ]

    def _unneeded(self, image: Held, order: PruneOrder) -> bool:
        if order.dangling and image.references:
            return False
        if order.until is None and not order.labels:
            return True
        view = self.view(image)
        if order.until is not None and (view.created or 0) >= order.until:
            return False
        labels = view.labels
        return all(each.permits(labels) for each in order.labels)

    # ── single platforms

    def _give_up(self, image: Held, platforms: Sequence[Platform], force: bool, cancel: Cancel) -> Pruned:
        if not force:
            raise ForceNeeded
        view = self.view(image)
        chosen = [view.description.serving(platform) for platform in platforms]
        if not is_index(image.root.media_type):
            return self._take([(image, image.rows)], cancel)
        manifests = {variant.descriptor.digest for variant in chosen}
        manifests |= {each.digest for each in view.description.attached if subject_of_attestation(each) in manifests}
        before = view.sizes()
        content = {child.digest for each in chosen if each.manifest for child in each.manifest.children}
        gone = self.shed(image.root.digest, manifests, cancel)
        collected = self.collect(False, content, cancel)
        told = tuple(str(each) for each in sorted(gone))
        return Pruned((), told, collected.size + sum(before.get(each, 0) for each in gone))


def _going(found: Found) -> Iterator[Image]:
    """The rows that a text takes: all of an image, what one repository calls it, or one tag. With the last tag of a
    repository goes what was pulled from there by digest."""
    name = found.name
    if name is None:
        yield from found.image.rows
        return
    same = [tag for tag in found.image.tags if tag.repository == name.repository]
    for row in found.image.rows:
        reference = Reference.parse(row.reference) if row.named else None
        if reference == name:
            yield row
        elif reference is None or reference.repository != name.repository:
            continue
        elif name.digest is not None or (reference.digest is not None and same == [name]):
            yield row


def _told(rows: Sequence[Image], after: Held | None, pinned: bool) -> Iterator[str]:
    """`Untagged` lines: each tag, and `repository@digest` where a repository has no other name for the image; where
    `after` these the image is still there, and was not `pinned`, only where it was pulled so."""
    left = set(after.repositories) if after else set()
    taken = Held(rows[0].root, tuple(rows))
    tags: dict[Repository, list[str]] = {}
    for tag in taken.tags:
        tags.setdefault(tag.repository, []).append(str(tag))
    by_digest = {name.repository for name in taken.references if name.digest}
    for repository in taken.repositories:
        yield from tags.get(repository, ())
        if repository not in left and (after is None or pinned or repository in by_digest):
            yield f"{repository}@{taken.root.digest}"
