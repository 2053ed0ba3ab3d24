"""Telling what happens: calls come from every lane, and reach the report one at a time, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from lading.engine.graph import Graph
from lading.engine.stores import Outcome
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_document, is_image_config, is_index
from lading.wire.ledger import Ledger, Totals
from lading.wire.progress import Advanced, Event, Kind, Noted, Piece, Planned, Report, State, Tagged

NO_LABELS: Mapping[Digest, str] = {}


class Reporter:
    """The report of one copy, and the ledger that its arrivals are read from."""

    def __init__(self, report: Report) -> None:
        self._report, self._ledger, self._lock = report, Ledger(), threading.Lock()

    def tell(self, event: Event) -> None:
        """Now, after all that was told before."""
        with self._lock:
            self._ledger.apply(event)
            self._report(event)

    def totals(self, target: str) -> Totals:
        """Of what was told of this target."""
        with self._lock:
            return self._ledger.totals(target)

    def to(self, target: str) -> Telling:
        """What is told of one target."""
        return Telling(self, target)


class Telling:
    """Reports of one target."""

    def __init__(self, reporter: Reporter, target: str) -> None:
        self._tell, self.target = reporter.tell, target

    def planned(self, descriptors: Iterable[Descriptor], labels: Mapping[Digest, str] = NO_LABELS) -> None:
        """These pieces belong to the work."""
        pieces = tuple(Piece(str(d.digest), kind_of(d), d.size, labels.get(d.digest, "")) for d in descriptors)
        if pieces:
            self._tell(Planned(self.target, pieces))

    def piece(self, descriptor: Descriptor) -> PieceTrack:
        """What a store tells of one piece."""
        return PieceTrack(self._tell, self.target, descriptor)

    def noted(self, text: str) -> None:
        """For a person to read."""
        self._tell(Noted(self.target, text))

    def tagged(self, tag: str, root: Descriptor) -> None:
        """It was read back and is the root."""
        self._tell(Tagged(self.target, tag, root.digest, root.size))


class PieceTrack:
    """A Track: one piece at one target, which ends once."""

    def __init__(self, tell: Callable[[Event], None], target: str, descriptor: Descriptor) -> None:
        self._tell, self._target, self._descriptor = tell, target, descriptor
        self._current = self._kept = 0
        self._ended = False

    def __call__(
        self, state: State, current: int = 0, *, kept: int = 0, detail: str = "", seconds: float | None = None
    ) -> None:
        """Silent once the piece has ended; `kept` stays known when it is not said again."""
        if self._ended:
            return
        self._kept = kept or self._kept
        self._current, self._ended = current, state.ended
        size = self._descriptor.size
        self._tell(
            Advanced(self._target, str(self._descriptor.digest), state, current, size, self._kept, detail, seconds)
        )

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """Held by the target; says nothing where the store has said so itself."""
        state = {Outcome.EXISTS: State.EXISTS, Outcome.MOUNTED: State.MOUNTED, Outcome.SENT: State.DONE}[outcome]
        self(state, self._descriptor.size, detail=detail)

    def fail(self, error: LadingError) -> None:
        """It did not get there."""
        self(State.FAILED, self._current, detail=str(error))


def kind_of(descriptor: Descriptor) -> Kind:
    """What a piece is to people."""
    if is_index(descriptor.media_type):
        return Kind.INDEX
    if is_document(descriptor.media_type):
        return Kind.MANIFEST
    return Kind.CONFIG if is_image_config(descriptor.media_type) else Kind.LAYER


def pieces_of(graph: Graph) -> tuple[Descriptor, ...]:
    """Blobs in the order of mention, then manifests, children first."""
    return (*graph.blobs.values(), *graph.manifests.values())
