"""The work for one destination: its tags are looked at first and moved last.

    check ──> expect ──> image: wish, move ──> company: wish, move ──> admit ──> conclude
      ├─ a condition does not hold: nothing moves
      └─ all tags are right, in a registry: only what speaks of the image moves

A registry takes a tag only with all below it, so a right tag there says that everything is there. A local store may
hold an index without all its children (a pull of one platform), so there every piece is looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lading.engine.arrival import Arrival, Destination
from lading.engine.cancel import Cancellation
from lading.engine.graph import NOTHING, Graph
from lading.engine.holders import Holders
from lading.engine.mover import Mover
from lading.engine.reads import Readings, Wish
from lading.engine.referrers import own_tag, sibling
from lading.engine.reporting import Reporter, pieces_of
from lading.engine.stores import Mounter, Outcome, untold
from lading.engine.tag_check import TagCheck, check_tags
from lading.errors import Cancelled, LadingError, TimedOut
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import BytesContent
from lading.wire.progress import State


@dataclass(frozen=True, slots=True)
class Cargo:
    """Part of what a copy moves: the image itself, or its company, which is what speaks of it.

    `labels` say what made each layer, `notes` what a person should read of it.
    """

    graph: Graph = NOTHING
    labels: Mapping[Digest, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one destination needs of a cargo, and where it reads that."""

    cargo: Cargo
    wish: Wish
    readings: Readings

    def release(self) -> None:
        """Nothing more is read of it: others need not keep bytes for this destination. Harmless twice."""
        for reading in self.readings.values():
            reading.taker.leave()


class Delivery:
    """One destination of one copy. Its failure ends its own lanes only; a SourceFault passes through every method."""

    def __init__(
        self,
        destination: Destination,
        root: Descriptor,
        *,
        holders: Holders | None,
        lanes: int,
        reporter: Reporter,
        cancel: Cancellation,
    ) -> None:
        self.destination, self._root, self._holders, self._cancel = destination, root, holders, cancel
        self._reporter, self._telling = reporter, reporter.to(destination.name)
        self._mover = Mover(destination.store, holders, lanes, self._telling, cancel)
        self._store = destination.store
        self._lock = threading.Lock()
        self._error: LadingError | None = None
        self._tags: dict[str, LadingError | None] = {}
        self._checked = TagCheck(frozenset(), {})
        self._present: frozenset[Digest] = frozenset()
        self._referrers = 0
        self.finished = False

    # ── what the copy asks

    @property
    def failed(self) -> bool:
        """Whether nothing more is to be done here."""
        return self._error is not None

    @property
    def needs_image(self) -> bool:
        """Whether the image's own content has to be looked at."""
        return not self.failed and not (self._right and self._holders is not None)

    @property
    def _right(self) -> bool:
        tags = self.destination.tags
        return bool(tags) and len(self._checked.right) == len(tags)

    @property
    def _remaining(self) -> list[str]:
        """The tags that are not right yet: each sends the root's bytes to a registry again."""
        return [tag for tag in self.destination.tags if tag not in self._checked.right]

    def arrival(self) -> Arrival:
        """What became of it, once `conclude` has ended."""
        name, tags = self.destination.name, self.destination.tags
        results = {tag: self._tags.get(tag, self._error) for tag in tags}
        return Arrival(name, self._reporter.totals(name), results, self._error, self._referrers)

    def attempt(self, step: Callable[[], None]) -> None:
        """A step of this destination; its error is kept, and ends what else goes on here. A SourceFault passes."""
        if self.failed:
            return
        try:
            step()
        except LadingError as error:
            self._fail(error)

    def _fail(self, error: LadingError) -> None:
        """The first cause counts, not what follows from it or from somebody's wish to stop."""
        with self._lock:
            if self._error is None and not isinstance(error, Cancelled | TimedOut):
                self._error = error
        self._cancel.cancel()

    # ── the steps

    def check(self) -> None:
        """Look at the tags. Raises TagMoved where a condition does not hold."""
        self._checked = check_tags(self.destination, self._root.digest)
        self._tags.update(self._checked.refused)
        for refusal in self._checked.refused.values():
            raise refusal

    def expect(self, image: Cargo) -> None:
        """Name the repositories to mount from, all at once, so that one token covers them."""
        if isinstance(self._store, Mounter) and self._holders is not None:
            self._store.expect(self._holders.siblings(image.graph.blobs.values()))

    def prepare(self) -> None:
        """Ask what has to be known before anything is sent, where somebody wants that. Raises what that one raises."""
        if self.destination.prepare is not None:
            self.destination.prepare()

    def wish(self, cargo: Cargo) -> Wish:
        """Tell what belongs to the work, and say which blobs it needs from the source."""
        pieces = pieces_of(cargo.graph)
        self._telling.planned(pieces, cargo.labels)
        for note in cargo.notes:
            self._telling.noted(note)
        if self.needs_image or self._root.digest not in cargo.graph:
            self._find_present(cargo.graph)
        else:
            self._present |= {piece.digest for piece in pieces}
        for piece in pieces:
            if self._is_present(piece) and not (piece == self._root and self._remaining):
                self._telling.piece(piece).end(Outcome.EXISTS)
        return Wish(self._store, tuple(blob for blob in cargo.graph.blobs.values() if not self._is_present(blob)))

    def move(self, parcel: Parcel) -> None:
        """Blobs, then manifests from the leaves up, but not the root. Raises the first error."""
        try:
            self._mover.blobs(parcel.wish.pieces, parcel.readings)
        finally:
            parcel.release()
        self._mover.manifests(parcel.cargo.graph, self._is_present, self._root)

    def admit(self, image: Cargo) -> None:
        """Ask whether what has come may have its tags, where somebody is to be asked. Raises what that one raises."""
        if self.destination.admit is not None:
            if self._remaining:
                self._store.push(self._root, self._root_content(image), untold, self._cancel)
            self.destination.admit()

    def introduce(self, company: Cargo) -> None:
        """Give cosign's tags, which say what their manifest speaks of. Raises the first error."""
        for root in company.graph.roots:
            tag = own_tag(root)
            beside = next(iter(self.destination.tags), "" if self._holders is not None else None)
            if tag is not None and beside is not None:
                content = BytesContent(company.graph.documents[root.digest].raw)
                results = self._store.tag(root, content, [sibling(beside, tag)], "any", self._cancel)
                _raise_first(results)
        self._referrers = len(company.graph.roots)

    def conclude(self, image: Cargo) -> None:
        """The root: by its tags, which are read back, or by its digest where there are none. Raises the first error."""
        self._cancel.check()
        if self._remaining:
            self._tag(image, self._remaining)
        elif not self._is_present(self._root):
            self._hold_root(image)
        for tag in self.destination.tags:
            if self._tags.setdefault(tag, None) is None:
                self._telling.tagged(tag, self._root)
        _raise_first(self._tags)
        self.finished = True

    def foresee(self, cargo: Cargo, wish: Wish) -> None:
        """Tell what moving it would do, as far as asking can tell."""
        self._mover.foresee(wish.pieces)
        if self._holders is None:
            manifests = cargo.graph.manifests.values()
            self._mover.foresee([manifest for manifest in manifests if not self._is_present(manifest)])

    def dismiss(self) -> None:
        """Nothing was to move: no tag has an error unless its condition did not hold."""
        self._tags.update(dict.fromkeys(self.destination.tags))
        self.finished = True

    # ── their parts

    def _find_present(self, graph: Graph) -> None:
        """Ask a registry for a manifest where all below it was there when last seen: one request instead of many."""
        if self._holders is not None:
            for root in graph.roots:
                self._look(root, graph, self._holders)

    def _look(self, descriptor: Descriptor, graph: Graph, holders: Holders) -> None:
        if descriptor.digest in self._present or descriptor.digest not in graph.manifests:
            return
        below = graph.below(descriptor)
        if below.blobs and holders.likely_here(below.blobs.values()) and self._store.has(descriptor):
            self._present |= {piece.digest for piece in pieces_of(below)}
            return
        for child in graph.children(descriptor.digest):
            self._look(child, graph, holders)

    def _is_present(self, descriptor: Descriptor) -> bool:
        return descriptor.digest in self._present

    def _hold_root(self, image: Cargo) -> None:
        """A name that is right already holds it; without names it is held by its digest."""
        if self.destination.tags:
            self._telling.piece(self._root).end(Outcome.EXISTS)
        else:
            self._mover.manifest(self._root, image.graph)

    def _tag(self, image: Cargo, tags: list[str]) -> None:
        track = self._telling.piece(self._root)
        content = self._root_content(image)
        with self._mover.failing(track):
            track(State.COMMITTING)
            outcome = Outcome.EXISTS if self._holders is None and self._store.has(self._root) else Outcome.SENT
            results = self._store.tag(self._root, content, tags, self.destination.condition, self._cancel)
            self._tags.update(results)
            if None not in results.values():
                _raise_first(results)
            track.end(outcome)

    def _root_content(self, image: Cargo) -> BytesContent:
        return BytesContent(image.graph.documents[self._root.digest].raw)


def _raise_first(results: Mapping[str, LadingError | None]) -> None:
    for error in filter(None, results.values()):
        raise error
