"""How an image with all that belongs to it is written into another repository: in parts, and its tag with the last.

While a transaction writes, everybody else waits; so no more pieces are written by one than `AT_ONCE`. What an image
needs is written before it. A tag or an index leads to nothing that is not there, and who pulls the tag gets the image
of before until the whole new one is there. Parts of one that was refused on the way stay, as those of a push that
broke off: no tag names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lading.engine.removal_order import parents_first
from lading.oci.digest import Digest
from lading.services.repositories.attached_lists import Listed
from lading.services.repositories.decisions import check_whole, hold, point
from lading.services.repositories.edits import Edit, HoldBlob, PointTag
from lading.services.repositories.errors import ChildrenMissing
from lading.services.repositories.protection import Protection
from lading.services.repositories.records import RepositoryView
from lading.services.repositories.rows import Carried, HeldManifest

AT_ONCE = 100
"""Pieces in one transaction: some tens of milliseconds."""

Attached = tuple[str, HeldManifest]
"""A list of what is attached, by its tag."""

Part = Sequence[HoldBlob | HeldManifest | Attached]


def digests(part: Part) -> Sequence[Digest]:
    """Whose bytes have to be here."""
    blobs = [piece.digest for piece in part if isinstance(piece, HoldBlob)]
    return [*blobs, *(manifest.descriptor.digest for manifest in _manifests(part))]


@dataclass(frozen=True, slots=True)
class Carrying:
    """This image is to be this tag of this repository; `now` is in seconds since 1970. What is written is the same
    however often it is tried."""

    repository: str
    tag: str
    carried: Carried
    now: float
    listed: Listed

    def parts(self) -> Sequence[Part]:
        """All of it, blobs first, each manifest after those below it, lists at the end; at least one part."""
        manifests = {manifest.descriptor.digest: manifest for manifest in self.carried.manifests}
        below = {digest: [each for each in held.children if each in manifests] for digest, held in manifests.items()}
        pieces: list[HoldBlob | HeldManifest | Attached] = [
            *(HoldBlob(digest, size) for digest, size in self.carried.blobs),
            *(manifests[digest] for digest in reversed(parents_first(manifests, below))),
            *self.carried.lists,
        ]
        return [pieces[start : start + AT_ONCE] for start in range(0, max(len(pieces), 1), AT_ONCE)]

    def check(self, view: RepositoryView) -> None:
        """What would be refused at the end. Raises ChildrenMissing, Protected."""
        check_whole(view, self.repository, self.carried.manifests, frozenset(self.carried.digests))
        point(view, self.tag, self.carried.root, self._protection(view))

    def hold(self, part: Part, view: RepositoryView) -> Sequence[Edit]:
        """What becomes of the rows with a part before the last. Raises ChildrenMissing where what it needs has gone
        meanwhile, Protected."""
        check_whole(view, self.repository, _manifests(part), frozenset(digests(part)))
        return self._held(part, view, self._protection(view))

    def finish(self, part: Part, view: RepositoryView) -> Sequence[Edit]:
        """With the last one, and the tag. Raises ChildrenMissing where any of it has gone meanwhile, Protected."""
        coming = frozenset(digests(part))
        check_whole(view, self.repository, self.carried.manifests, coming)
        self._check_held([each for each in self.carried.manifests if each.descriptor.digest not in coming], view)
        protection = self._protection(view)
        return [*self._held(part, view, protection), *point(view, self.tag, self.carried.root, protection)]

    def _held(self, part: Part, view: RepositoryView, protection: Protection) -> list[Edit]:
        edits: list[Edit] = []
        for piece in part:
            match piece:
                case HoldBlob(digest, size):
                    edits += [] if view.blob(digest) == size else [piece]
                case HeldManifest():
                    edits += hold(view, piece, protection, self.now)
                case (tag, manifest):
                    edits += _attach(view, tag, manifest, protection)
        return edits

    def _check_held(self, manifests: Sequence[HeldManifest], view: RepositoryView) -> None:
        wanted = [manifest.descriptor.digest for manifest in manifests]
        held = view.held_manifests(wanted)
        if missing := [digest for digest in wanted if digest not in held]:
            raise ChildrenMissing(self.repository, missing)

    def _protection(self, view: RepositoryView) -> Protection:
        return Protection(view, self.repository, self.now, self.listed)


def _attach(view: RepositoryView, tag: str, manifest: HeldManifest, protection: Protection) -> list[Edit]:
    """A list of what is attached: it loses nothing, so it needs no leave."""
    digest = manifest.descriptor.digest
    named = view.tag(tag)
    before = view.manifest(named) if named else None
    grows = before is None or (named != digest and protection.grows(tag, before, manifest))
    return [PointTag(tag, digest)] if grows else []


def _manifests(part: Part) -> list[HeldManifest]:
    return [piece for piece in part if isinstance(piece, HeldManifest)]
