"""What one follower of a job reads at a time: objects, and the same as server-sent events, made where somebody wants it
so and once for all who read the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.services.jobs.job import JsonObject
from lading.wire.event_stream import line_text, snapshot_text, tick_text
from lading.wire.job_board_stream import line_item


class Told(Protocol):
    """Something told, as an object and as SSE text."""

    @property
    def told(self) -> JsonObject:
        """The object."""

    def encoded(self) -> bytes:
        """The text, made when the first follower reads it: most jobs have none."""


@dataclass(slots=True)
class LineTold:
    """One line; the `terminal` one is the last."""

    number: int
    told: JsonObject
    terminal: bool = False
    text: bytes = b""
    _item: bytes = b""

    def encoded(self) -> bytes:
        self.text = self.text or line_text(self.number, self.told, self.terminal)
        return self.text

    def item(self) -> bytes:
        """The same for streams of many jobs, also made once."""
        self._item = self._item or line_item(self.told, self.terminal)
        return self._item


@dataclass(slots=True)
class TickTold:
    """Byte counts: `layers` are lines, as far as they moved."""

    told: JsonObject
    text: bytes = b""

    def encoded(self) -> bytes:
        self.text = self.text or tick_text(self.told)
        return self.text


@dataclass(slots=True)
class SnapshotTold:
    """How the job stood when somebody came."""

    told: JsonObject

    def encoded(self) -> bytes:
        return snapshot_text(self.told)


@dataclass(slots=True)
class Reading:
    """What there is for one follower, perhaps nothing. `behind`: more is to be had by `catch_up` only."""

    all: Sequence[Told] = ()
    ended: bool = False
    behind: bool = False
    _text: bytes | None = None

    @property
    def text(self) -> bytes:
        """As server-sent events."""
        if self._text is None:
            self._text = b"".join(each.encoded() for each in self.all)
        return self._text
