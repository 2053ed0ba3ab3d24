"""Progress on stderr, in three forms of one vocabulary: bars, plain lines, JSON lines; each fed from a Ledger."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from lading.errors import InputInvalid
from lading.fronts.cli.console import Console
from lading.fronts.cli.progress.lines import JsonLines, PlainLines
from lading.wire.ledger import Coalesced
from lading.wire.progress import Event, Report


class Renderer(Protocol):
    """Shows events while work runs."""

    @property
    def report(self) -> Report:
        """Takes the next event."""

    def paused(self) -> AbstractContextManager[None]:
        """Inside, nothing is redrawn: somebody is asked a question there."""

    def close(self) -> None:
        """Nothing is drawn after this."""


class ProgressUnknown(InputInvalid):
    """A way of showing progress that there is not."""

    hint = "Write auto, tty, plain, json or none."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"progress cannot be shown as {self.text!r}"


class Silent:
    """Shows nothing."""

    def report(self, event: Event) -> None:
        """Takes the next event, and forgets it."""

    def paused(self) -> AbstractContextManager[None]:
        """There is nothing to redraw."""
        return nullcontext()

    def close(self) -> None:
        """There is nothing to close."""


def renderer(mode: str, console: Console) -> Renderer:
    """The one that flags, environment and terminal ask for; --quiet asks for none unless JSON was asked by name.

    Raises ProgressUnknown.
    """
    stderr = console.streams.stderr
    if mode == "json":
        return JsonLines(stderr, lambda report: Coalesced(report, time.monotonic))
    if mode == "none" or console.wishes.quiet:
        return Silent()
    if mode == "tty" or (mode == "auto" and console.is_terminal):
        from lading.fronts.cli.progress.bars import Bars  # noqa: PLC0415  # rich is imported only to draw bars

        return Bars(stderr, time.monotonic, console.colours)
    if mode in {"plain", "auto"}:
        return PlainLines(stderr, time.monotonic)
    raise ProgressUnknown(mode)
