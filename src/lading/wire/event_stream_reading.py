"""Server-sent events read back (HTML standard, Server-sent events): bytes in any slices, events out."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes. A line of a job is some hundreds; a scan's result may be some millions."""


class EventTooLong(ValueError):
    """A line that never ends is no event stream."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: `id` is the text of its `id:` field, empty where it has none of its own."""

    name: str
    data: str
    id: str = ""


@dataclass(slots=True)
class EventReader:
    """Feed it what arrives; it gives each event when its blank line is there. Comments give nothing."""

    _rest: bytes = b""
    _name: str = ""
    _id: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """The events that this piece ends. Raises EventTooLong."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise EventTooLong
        found = (self._line(line.removesuffix(b"\r").decode("utf-8", "replace")) for line in lines)
        return [event for event in found if event is not None]

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
        self._name, self._id, self._data = "", "", []
        return event
