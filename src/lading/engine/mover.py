"""Moving pieces into one store by the best way it offers: mount, in several parts at once, or plainly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lading.engine.cancel import Cancellation
from lading.engine.graph import Graph
from lading.engine.holders import Holders
from lading.engine.lanes import Queue
from lading.engine.reads import Reading, Readings
from lading.engine.reporting import PieceTrack, Telling
from lading.engine.stores import Mounter, Outcome, Ranged, Store
from lading.engine.together import each, together
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.wire.message import BytesContent, Content


class SourceFault(Exception):
    """The source is why a piece did not arrive: not this store's error, but the end of the whole copy."""

    def __init__(self, piece: Descriptor, error: LadingError) -> None:
        super().__init__(piece, error)
        self.piece, self.error = piece, error


class Mover:
    """The way into one store. `holders` is None where nothing can be mounted."""

    def __init__(
        self, store: Store, holders: Holders | None, lanes: int, telling: Telling, cancel: Cancellation
    ) -> None:
        self._store, self._holders, self._lanes = store, holders, lanes
        self._telling, self._cancel = telling, cancel
        self._mounter = store if isinstance(store, Mounter) else None
        self._ranged = store if isinstance(store, Ranged) and store.verifies else None

    def blobs(self, pieces: Sequence[Descriptor], readings: Readings) -> None:
        """All of them, `lanes` at a time. Raises the first error, a SourceFault where it is the source's."""
        queue = Queue(pieces, self._lanes)

        def lane(number: int) -> Callable[[], None]:
            return lambda: self._drain(queue, number, readings)

        together([lane(number) for number in range(queue.lanes)], self._cancel.cancel, "lane")

    def foresee(self, pieces: Sequence[Descriptor]) -> None:
        """Tell what would become of them: there already, mounted from where another repository holds it, or to send."""
        each(pieces, self._foresee, self._lanes, self._cancel.cancel)

    def _foresee(self, piece: Descriptor) -> None:
        self._cancel.check()
        track = self._telling.piece(piece)
        sibling = self._holders.sibling(piece) if self._holders is not None else None
        if self._store.has(piece):
            track.end(Outcome.EXISTS)
        elif sibling is not None:
            track.end(Outcome.MOUNTED, f"probably, from {sibling}")

    def manifests(self, graph: Graph, present: Callable[[Descriptor], bool], last: Descriptor | None = None) -> None:
        """Children before parents; not those that are `present`, and not `last`."""
        for level in graph.levels():
            waiting = [descriptor for descriptor in level if descriptor != last and not present(descriptor)]
            each(waiting, lambda descriptor: self.manifest(descriptor, graph), self._lanes, self._cancel.cancel)

    def manifest(self, descriptor: Descriptor, graph: Graph) -> None:
        """One of them, held by its digest."""
        track = self._telling.piece(descriptor)
        content = BytesContent(graph.documents[descriptor.digest].raw)
        with self.failing(track):
            self._cancel.check()
            track.end(self._store.push(descriptor, content, track, self._cancel))

    @contextmanager
    def failing(self, track: PieceTrack) -> Iterator[None]:
        """An error in here ends the piece. What follows from a cancel, a closed socket above all, is no failure.

        Raises Cancelled instead of it.
        """
        try:
            yield
        except LadingError as error:
            self._cancel.check()
            track.fail(error)
            raise

    def _drain(self, queue: Queue, lane: int, readings: Readings) -> None:
        while (piece := queue.take(lane)) is not None:
            try:
                self._blob(piece, readings[piece.digest], queue.spare)
            finally:
                queue.done()

    def _blob(self, piece: Descriptor, reading: Reading, spare: Callable[[], bool]) -> None:
        track = self._telling.piece(piece)
        try:
            with self.failing(track), self._cancel.closing(reading.taker.leave):
                outcome = self._push(piece, reading.taker, spare, track)
        except LadingError as error:
            if reading.content.blamed_for(error):
                raise SourceFault(piece, error) from error
            raise
        finally:
            reading.taker.leave()
        if self._holders is not None:
            self._holders.learn(piece, read=outcome is Outcome.SENT)
        track.end(outcome)

    def _push(self, piece: Descriptor, content: Content, spare: Callable[[], bool], track: PieceTrack) -> Outcome:
        if self._mounter is not None and self._holders is not None:
            return self._mounter.mount(piece, content, self._holders.origins(piece), track, self._cancel)
        if self._ranged is not None:
            return self._ranged.push_ranged(piece, content, spare, track, self._cancel)
        return self._store.push(piece, content, track, self._cancel)
