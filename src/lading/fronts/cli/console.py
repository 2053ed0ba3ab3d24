"""The terminal as the commands see it: results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Generic, TextIO, TypeVar

import click

from lading.errors import StorageFailed
from lading.fronts.cli import failures, templates, texts

T = TypeVar("T")

Record = Mapping[str, object]
"""One result as `--format json` prints it."""

_COLOURS = {"error": "red", "why": None, "try": "green", "raw": None, "warning": "yellow"}
_SHOWN_RAW = 4000
_LAYOUT = "\n\t"


class OutputLost(StorageFailed):
    """Standard output does not take the result: its disk is full, or it was closed."""

    hint = "Send standard output somewhere that takes it; what the command did is done"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return "the result cannot be written to standard output"


@dataclass(frozen=True, slots=True)
class Streams:
    """The three streams of a process."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO

    @classmethod
    def of_process(cls) -> Streams:
        """This process's own, whatever encoding they have. One that its caller has closed gives nothing or takes
        nothing, so that no file opened later is taken for it."""
        if sys.stdin is None:
            sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
        if sys.stdout is None:
            sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")  # every write fails: the result is lost
        if sys.stderr is None:
            sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        return cls(sys.stdin.buffer, sys.stdout, sys.stderr)


@dataclass(slots=True)
class Wishes:
    """What the general flags asked of the terminal, wherever on the line they stood."""

    quiet: bool = False
    verbose: int = 0
    debug: bool = False
    no_color: bool = False


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list of results, and how one of them is told: as JSON, as a row of a table, and with --quiet."""

    each: Sequence[T]
    record: Callable[[T], Record]
    headings: Sequence[str]
    row: Callable[[T], Sequence[str]]
    quiet: Callable[[T], str]


class Console:
    """Prints results and messages in the form that flags, environment and terminal ask for."""

    def __init__(self, streams: Streams, environment: Mapping[str, str]) -> None:
        self.streams = streams
        self.wishes = Wishes()
        self._environment = environment

    @property
    def is_terminal(self) -> bool:
        """Whether bars can be drawn: stderr is a terminal that can move its cursor, and no CI reads it."""
        return (
            self.streams.stderr.isatty() and self._environment.get("TERM") != "dumb" and not self._environment.get("CI")
        )

    @property
    def colours(self) -> bool:
        """NO_COLOR (any value but empty) and --no-color win over FORCE_COLOR, and that over what stderr is."""
        if self.wishes.no_color or self._environment.get("NO_COLOR"):
            return False
        return bool(self._environment.get("FORCE_COLOR")) or self.is_terminal

    def say(self, text: str) -> None:
        """A message for the person, not with --quiet."""
        if not self.wishes.quiet:
            self._print_error(texts.visible(text, kept=_LAYOUT))

    def warn(self, text: str) -> None:
        """Something to know although the work goes on."""
        self._print_error(f"{self._label('warning')} {texts.visible(text)}")

    def print(self, text: str) -> None:
        """A line of the result, or several. Raises BrokenPipeError, OutputLost."""
        self._write(texts.visible(text, kept=_LAYOUT))

    def json(self, value: Record | Sequence[Record]) -> None:
        """A result as one JSON object, or a list of them as one array. Raises as `print` does."""
        self._write(texts.visible_json(json.dumps(value, ensure_ascii=False, indent=2)))

    def pass_on(self, text: str) -> None:
        """A piece of a result that is a file of its own, and brings its own ends of lines: as it is, unless a terminal
        would read it. Raises as `print` does."""
        self._write(texts.visible(text, kept=_LAYOUT) if self.streams.stdout.isatty() else text, end="")

    def _write(self, text: str, end: str = "\n") -> None:
        try:
            self.streams.stdout.write(text + end)
            self.streams.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from error

    def result(self, form: str | None, record: Record, text: str, quiet: str | None = None) -> None:
        """One result: `text` for people, `quiet` with --quiet, `record` for json and templates."""
        if self.wishes.quiet:
            self.print(text if quiet is None else quiet)
        elif form in {None, "table"}:
            self.print(text)
        elif form == "json":
            self.json(record)
        else:
            self.print(templates.render(form or "", record))

    def results(self, form: str | None, listing: Listing[T]) -> None:
        """A list: one array as json, a line each with a template, else a table."""
        if self.wishes.quiet:
            for each in listing.each:
                self.print(listing.quiet(each))
        elif form in {None, "table"}:
            self.print(texts.table(listing.headings, [listing.row(each) for each in listing.each]))
        elif form == "json":
            self.json([listing.record(each) for each in listing.each])
        else:
            for each in listing.each:
                self.print(templates.render(form or "", listing.record(each)))

    def failure(self, error: BaseException, command: str | None = None) -> None:
        """What failed, why and what to try; the traceback only with --debug. `command` is the one that was called."""
        if self.wishes.debug:
            import traceback  # noqa: PLC0415  only --debug shows one

            self._print_error(texts.visible("".join(traceback.format_exception(error)).rstrip(), kept=_LAYOUT))
        for label, text in failures.lines(error, bool(self.wishes.verbose or self.wishes.debug), command):
            self._print_error(f"{self._label(label)} {texts.visible(text[:_SHOWN_RAW])}")

    def _label(self, label: str) -> str:
        text = f"{label}:".ljust(6)
        return click.style(text, fg=_COLOURS[label], bold=True) if self.colours else text

    def _print_error(self, text: str) -> None:
        """Where messages cannot be written nobody reads them, and the work is none the worse for it."""
        with contextlib.suppress(OSError):
            self.streams.stderr.write(text + "\n")
            self.streams.stderr.flush()
