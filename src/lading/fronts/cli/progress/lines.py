"""Progress as lines: plain ones for logs, and JSON ones for programs. Never a carriage return."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import TextIO

from lading.fronts.cli.progress.speed import Speed, seconds_left
from lading.fronts.cli.progress.words import describe, short
from lading.fronts.cli.texts import duration, plural, progress, size, visible, visible_json
from lading.wire.event_json import event_json
from lading.wire.ledger import Ledger
from lading.wire.progress import Advanced, Event, Held, Noted, Planned, Report, State, Tagged

LINE_SECONDS = 5.0
"""The longest time without a line while bytes move."""

_TOLD = frozenset({State.MOVING, State.RETRYING, State.EXISTS, State.MOUNTED, State.DONE, State.FAILED})


class JsonLines:
    """One event a line, by the schema of `wire/event_json`."""

    def __init__(self, stream: TextIO, coalesced: Callable[[Report], Report]) -> None:
        self._stream = stream
        self.report: Report = coalesced(self._write)

    def _write(self, event: Event) -> None:
        _write(self._stream, visible_json(json.dumps(event_json(event), ensure_ascii=False)))

    def paused(self) -> contextlib.AbstractContextManager[None]:
        """There is nothing to redraw."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """There is nothing to close: every line is whole."""


class PlainLines:
    """A line when a piece changes its state, and one every five seconds while bytes move."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._ledger, self._speed = Ledger(), Speed()
        self._spoke = clock()

    def report(self, event: Event) -> None:
        """Takes the next event."""
        before = self._ledger.find(event.target, event.id) if isinstance(event, Advanced) else None
        self._ledger.apply(event)
        line = self._line(event, before.state if before else None)
        if line is not None:
            self._say(line)
        elif self._clock() - self._spoke >= LINE_SECONDS:
            self._say(self._total())

    def paused(self) -> contextlib.AbstractContextManager[None]:
        """There is nothing to redraw."""
        return contextlib.nullcontext()

    def close(self) -> None:
        """There is nothing to close: every line is whole."""

    def _line(self, event: Event, before: State | None) -> str | None:
        match event:
            case Planned(target, pieces):
                return f"{target}: {plural(len(pieces), 'piece')}, {size(self._ledger.totals(target).image)} in all"
            case Advanced(target, piece, state):
                entry = self._ledger.find(target, piece)
                if state is before or state not in _TOLD or entry is None:
                    return None
                return f"{target}: {short(piece)} {entry.piece.kind} {describe(entry)}"
            case Held(host, reason):
                return f"{host}: waiting, {reason}"
            case Tagged(target, tag, digest):
                return f"{target} is {digest}" if tag == target else f"{target}: {tag} is {digest}"
            case Noted(target, text):
                return f"{target}: {text}"

    def _total(self) -> str:
        totals = self._ledger.totals()
        speed = self._speed.at(self._clock(), totals.sent)
        left = seconds_left(totals.left, speed)
        ending = f", {duration(left)} left" if left is not None else ""
        moved = None if totals.left is None else totals.sent + totals.left
        return f"total {progress(totals.sent, moved)}, {size(round(speed))}/s{ending}"

    def _say(self, line: str) -> None:
        self._spoke = self._clock()
        _write(self._stream, visible(line))


def _write(stream: TextIO, line: str) -> None:
    """Where it cannot be written nobody reads it, and the work goes on."""
    with contextlib.suppress(OSError):
        stream.write(line + "\n")
        stream.flush()
