"""The ledger: events folded into totals, and ticks made few. The terminal, a job's row and the page all count here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lading.wire.progress import Advanced, Event, Piece, Planned, Report, State

TICK_SECONDS = 0.2
"""The least time between two byte counts of one piece: at most five a second reach anybody (interfaces §2, Jobs)."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Bytes: of the image, sent now, kept from an earlier attempt, existing, mounted, left; None where a size is
    unknown."""

    image: int | None
    sent: int
    kept: int
    exists: int
    mounted: int
    left: int | None

    @property
    def saved(self) -> int:
        """What did not have to move."""
        return self.kept + self.exists + self.mounted

    def plus(self, other: Totals) -> Totals:
        """Both together; unknown stays unknown."""
        return Totals(
            _sum(self.image, other.image),
            self.sent + other.sent,
            self.kept + other.kept,
            self.exists + other.exists,
            self.mounted + other.mounted,
            _sum(self.left, other.left),
        )


NOTHING = Totals(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece at one target, and how far it has come: `current` bytes held there, `kept` of them from before."""

    piece: Piece
    state: State = State.WAITING
    current: int = 0
    kept: int = 0
    detail: str = ""
    seconds: float | None = None

    def advanced(self, event: Advanced) -> Entry:
        """As it stands after `event`, whose `total` tells the size where the plan did not know it."""
        piece = self.piece if self.piece.size is not None else replace(self.piece, size=event.total)
        current = piece.size or event.current if event.state is State.DONE else event.current
        return Entry(piece, event.state, current, event.kept, event.detail, event.seconds)

    @property
    def totals(self) -> Totals:
        """This piece's share."""
        size = self.piece.size
        arrived = size or self.current
        match self.state:
            case State.EXISTS:
                return Totals(size, 0, 0, arrived, 0, 0)
            case State.MOUNTED:
                return Totals(size, 0, 0, 0, arrived, 0)
            case State.DONE:
                return Totals(size, max(self.current - self.kept, 0), self.kept, 0, 0, 0)
        left = None if size is None else max(size - self.current, 0)
        return Totals(size, max(self.current - self.kept, 0), self.kept, 0, 0, left)


class Ledger:
    """Folds events into totals. Not for several threads: a Report is called by one at a time."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def apply(self, event: Event) -> None:
        """Take the next event; a piece never planned is planned by it."""
        match event:
            case Planned():
                for piece in event.pieces:
                    self._entries.setdefault((event.target, piece.id), Entry(piece))
            case Advanced():
                key = (event.target, event.id)
                before = self._entries.get(key) or Entry(Piece(event.id, size=event.total))
                self._entries[key] = before.advanced(event)

    def totals(self, target: str | None = None) -> Totals:
        """Of one target, or of all."""
        together = NOTHING
        for entry in self.entries(target):
            together = together.plus(entry.totals)
        return together

    def entries(self, target: str | None = None) -> Iterator[Entry]:
        """The pieces of one target, or of all, in the order in which they were planned."""
        return (entry for (name, _), entry in self._entries.items() if target in {None, name})

    def find(self, target: str, piece: str) -> Entry | None:
        """How one piece stands."""
        return self._entries.get((target, piece))


class Coalesced:
    """A Report that lets every line pass and makes ticks few.

    A line is a change of state; a tick is a byte count of a piece that was moving already. The last tick of a piece is
    overtaken by its next line, which tells the same bytes, so nothing has to be flushed.
    """

    def __init__(self, report: Report, clock: Callable[[], float], seconds: float = TICK_SECONDS) -> None:
        self._report, self._clock, self._seconds = report, clock, seconds
        self._moving: dict[tuple[str, str], float] = {}

    def __call__(self, event: Event) -> None:
        """Take the next event, and tell it now or not at all."""
        if isinstance(event, Advanced):
            key, now = (event.target, event.id), self._clock()
            if event.state is not State.MOVING:
                self._moving.pop(key, None)
            elif now - self._moving.get(key, -self._seconds) < self._seconds:
                return
            else:
                self._moving[key] = now
        self._report(event)


def _sum(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right
