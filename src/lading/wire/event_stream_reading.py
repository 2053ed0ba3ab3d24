"""Server-sent events read back (HTML standard, Server-sent events): bytes in any slices, events out."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST = 16 * 1024 * 1024
"""Bytes of an event. A line of a job is some hundreds; a scan's result may be some millions."""


class EventTooLong(ValueError):
    """A line or an event that never ends is no event stream."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: `id` is the text of its `id:` field, empty where it has none of its own."""

    name: str
    data: str
    id: str = ""


@dataclass(slots=True)
class EventReader:
    """Feed it what arrives; it gives each event when its blank line is there. Comments give nothing."""

    longest: int = LONGEST
    _rest: bytearray = field(default_factory=bytearray)
    _held: int = 0
    """Bytes of the lines of the event that has begun."""
    _name: str = ""
    _id: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that this piece ends. Raises EventTooLong."""
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        found = [event for line in lines if (event := self._taken(line)) is not None]
        if self._held + len(self._rest) > self.longest:
            raise EventTooLong
        return found

    def _taken(self, line: bytes) -> ServerEvent | None:
        self._held += len(line) + 1
        return self._line(line.removesuffix(b"\r").decode("utf-8", "replace"))

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._ended()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
        return None

    def _ended(self) -> ServerEvent | None:
        event = ServerEvent(self._name or "message", "\n".join(self._data), self._id) if self._data else None
        self._name, self._id, self._data, self._held = "", "", [], 0
        return event
