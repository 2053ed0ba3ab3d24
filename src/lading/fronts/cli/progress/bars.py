"""Progress as bars, on a terminal: one line for each piece that moves, one for all of them. The only file with rich."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lading.fronts.cli.progress.speed import Speed, seconds_left
from lading.fronts.cli.progress.words import WORDS, describe, short
from lading.fronts.cli.texts import duration, progress, size, visible
from lading.wire.ledger import Entry, Ledger
from lading.wire.progress import Advanced, Event, Held, Noted, Piece, State

SHOWN_PIECES = 10
BAR_WIDTHS = range(8, 29)
WORDS_WIDTH = 72
"""Columns that the longest words beside a bar take; the bar has what the terminal leaves."""

ECHO_WIDTH = 2
"""Columns left free on the right: `^C` stands there when it is typed, and must not begin a line that nobody erases."""

REFRESHES_A_SECOND = 8

_MOVES = frozenset({State.MOVING, State.COMMITTING, State.RETRYING, State.UNPACKING})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of bars: bytes done of `total` (None: not known yet), and the words beside it."""

    name: str
    current: int
    total: int | None
    note: str


class Bars:
    """Redraws from its own Ledger eight times a second; messages scroll above the bars."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], colours: bool, live: bool = True) -> None:
        self._clock = clock
        self._ledger = Ledger()
        self._speeds: dict[str, Speed] = {}
        self._lock = threading.Lock()
        self._console = Console(file=stream, force_terminal=True, no_color=not colours, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REFRESHES_A_SECOND,
            auto_refresh=live,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def report(self, event: Event) -> None:
        """Takes the next event; what ends badly or must be read is written above the bars."""
        with self._lock:
            self._ledger.apply(event)
        message = self._message(event)
        if message is not None:
            self._console.print(Text(visible(message)))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The bars go, and come back afterwards."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def close(self) -> None:
        """The bars go; the cursor comes back."""
        self._live.stop()

    def rows(self) -> list[Row]:
        """What is drawn now: no more than the terminal has lines for, as only those can be erased again."""
        with self._lock:
            entries = list(self._ledger.entries())
            totals = self._ledger.totals()
        moving = [entry for entry in entries if entry.state in _MOVES]
        moving = moving[: max(0, min(SHOWN_PIECES, self._console.height - 2))]
        rows = [Row(short(e.piece.id), e.current, e.piece.size, self._note(e)) for e in moving]
        if entries:
            moved = None if totals.left is None else totals.sent + totals.kept + totals.left
            speed = self._speed("total", totals.sent)
            words = [f"{size(round(speed))}/s", *_ending(totals.left, speed), *_there(totals.exists, totals.mounted)]
            rows.append(Row("total", totals.sent + totals.kept, moved, "  ".join(words)))
        return rows

    def _note(self, entry: Entry) -> str:
        if entry.state is State.MOVING:
            return f"{size(round(self._speed(entry.piece.id, entry.current)))}/s"
        return describe(entry) if entry.state is State.RETRYING else WORDS[entry.state]

    def _speed(self, name: str, moved: int) -> float:
        return self._speeds.setdefault(name, Speed()).at(self._clock(), moved)

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 1), pad_edge=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True)
        room = self._console.width - ECHO_WIDTH
        width = max(BAR_WIDTHS[0], min(BAR_WIDTHS[-1], room - WORDS_WIDTH))
        for row in self.rows():
            bar = ProgressBar(total=row.total or None, completed=row.current, width=width, pulse=False)
            table.add_row(Text(visible(row.name)), bar, progress(row.current, row.total), Text(visible(row.note)))
        return Constrain(table, room)

    @staticmethod
    def _message(event: Event) -> str | None:
        match event:
            case Noted(target, text):
                return f"{target}: {text}"
            case Held(host, reason):
                return f"{host}: waiting, {reason}"
            case Advanced(target, piece, state) if state is State.FAILED or _starts_again(event):
                return f"{target}: {short(piece)} {describe(Entry(Piece(piece), state, detail=event.detail))}"
        return None


def _starts_again(event: Advanced) -> bool:
    """Whether its bar goes back at once, for a reason; where it waits first, the reason stands beside the bar."""
    return event.state is State.RETRYING and event.seconds is None


def _ending(left: int | None, speed: float) -> Iterator[str]:
    seconds = seconds_left(left, speed)
    if seconds is not None:
        yield f"{duration(seconds)} left"


def _there(exists: int, mounted: int) -> Iterator[str]:
    if exists + mounted:
        yield f"{size(exists + mounted)} already there"
