"""What a job tells: a transfer's events folded into lines and ticks, in Docker's shape (interfaces §2, Jobs).

A line is a change of state: kept, numbered, replayable. A tick is a byte count: not kept, few, and one object tells of
all layers that moved. The words are Docker's (wire.docker_words); `Waiting` is said once the lanes are full, or when
the engine says so.

Only layers have lines, as at Docker; configs and manifests count in the totals. The line of a layer that is planned
says its `size`, and as `label` the history line that made it, where those are known. Where a job has several targets,
the lines of all but the first carry `target`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lading.wire.docker_progress import progress_text, short_id
from lading.wire.docker_words import DOWNLOADED, Said, Verb, planned_word, words_of
from lading.wire.event_json import JsonObject, totals_json
from lading.wire.ledger import TICK_SECONDS, Ledger
from lading.wire.progress import Advanced, Event, Held, Kind, Noted, Piece, Planned, State, Tagged

LANES = {Verb.PUSH: 5, Verb.PULL: 3, Verb.LOAD: 1000}
"""How many layers move at a time (interfaces §4); those of an archive do not wait for each other."""

_ACTIVE = {State.MOVING, State.RETRYING, State.COMMITTING, State.UNPACKING}
_COUNTED = {State.MOVING, State.COMMITTING, State.UNPACKING, State.RETRYING}


@dataclass(slots=True)
class _Layer:
    """One layer at one target, as far as its lines have told: `status` is the last one's text."""

    id: str
    target: str | None
    total: int | None
    current: int = 0
    state: State = State.WAITING
    status: str = ""
    seconds: float | None = None
    downloaded: bool = False

    def line(self) -> JsonObject:
        """Its line, as it stands."""
        detail: JsonObject = {}
        line: JsonObject = {"id": self.id, "status": self.status, "progressDetail": detail}
        if self.state in _COUNTED:
            detail["current"] = self.current
            if self.total is not None:
                detail["total"] = self.total
            if text := progress_text(self.current, self.total):
                line["progress"] = text
        if self.target is not None:
            line["target"] = self.target
        return line


@dataclass(slots=True)
class Fold:
    """Events in, lines and ticks out. One thread at a time; `now` is any clock in seconds that never goes back.

    Whoever gave the lines of `apply` away has told everything but bytes; `tick` tells those, when it is `due`.
    """

    verb: Verb
    lanes: int
    _ledger: Ledger = field(default_factory=Ledger)
    _layers: dict[tuple[str, str], _Layer] = field(default_factory=dict)
    _unseen: set[tuple[str, str]] = field(default_factory=set)
    _moved: dict[tuple[str, str], None] = field(default_factory=dict)
    _ended: bool = False
    _active: int = 0
    _first: str | None = None
    _next_tick: float | None = None

    @classmethod
    def of(cls, verb: Verb) -> Fold:
        """With as many lanes as Docker has for it."""
        return cls(verb, LANES[verb])

    def apply(self, event: Event) -> Sequence[JsonObject]:
        """The lines that this event makes, mostly none."""
        self._ledger.apply(event)
        match event:
            case Planned():
                return self._planned(event)
            case Advanced():
                return self._advanced(event)
            case _:
                return (_general(event),)

    def due(self, now: float) -> bool:
        """Whether something moved or ended, and it is time for a tick. It is at once where nothing moves any more: what
        comes next may take long, and until then the totals would be those of before the end."""
        if self._next_tick is None or now >= self._next_tick:
            return bool(self._moved) or self._ended
        return self._ended and not self._active

    def tick(self, now: float) -> JsonObject:
        """All layers that moved since the last tick, and the totals."""
        moved = [self._layers[key].line() for key in self._moved if key in self._layers]
        self._moved.clear()
        self._ended = False
        late = TICK_SECONDS if self._next_tick is None else now - self._next_tick
        if self._next_tick is None or late >= 0:
            self._next_tick = now + TICK_SECONDS - (late if late < TICK_SECONDS else 0.0)
        return {"layers": moved, "progress": self.totals()}

    def totals(self) -> JsonObject:
        """Bytes, of all targets together."""
        return totals_json(self._ledger.totals())

    def standing(self) -> Sequence[JsonObject]:
        """The last line of every layer that has one: what somebody needs who comes late."""
        return [layer.line() for layer in self._layers.values() if layer.status]

    def moving(self) -> Sequence[JsonObject]:
        """The lines of the layers that are on their way: the last tick, for a snapshot."""
        return [layer.line() for layer in self._layers.values() if layer.state in _ACTIVE and layer.status]

    def _planned(self, event: Planned) -> Sequence[JsonObject]:
        lines = []
        for piece in event.pieces:
            if piece.kind is not Kind.LAYER:
                self._unseen.add((event.target, piece.id))
            elif (event.target, piece.id) not in self._layers:
                layer = self._plan(event.target, piece)
                if word := planned_word(self.verb):
                    lines.append(self._said(layer, word) | _of_piece(piece))
        return lines

    def _plan(self, target: str, piece: Piece) -> _Layer:
        if self._first is None:
            self._first = target
        layer = _Layer(short_id(piece.id), None if target == self._first else target, piece.size)
        self._layers[target, piece.id] = layer
        return layer

    def _advanced(self, event: Advanced) -> Sequence[JsonObject]:
        key = (event.target, event.id)
        if key in self._unseen:
            self._moved.setdefault(key)
            return ()
        layer = self._layers.get(key) or self._plan(event.target, Piece(event.id, size=event.total))
        before, again = layer.state, _counts_down(layer, event)
        self._take(layer, event)
        if event.state in _COUNTED:
            self._moved[key] = None
        else:
            self._moved.pop(key, None)
        self._ended = self._ended or event.state.ended
        if again:
            return ()
        lines = [self._said(layer, status) for status in self._words(layer, event) if status != layer.status]
        if event.state in _ACTIVE and before not in _ACTIVE and self._active >= self.lanes:
            lines.extend(self._wait())
        return lines

    def _take(self, layer: _Layer, event: Advanced) -> None:
        self._active += (event.state in _ACTIVE) - (layer.state in _ACTIVE)
        layer.state, layer.current, layer.seconds = event.state, event.current, event.seconds
        layer.total = layer.total if event.total is None else event.total

    def _said(self, layer: _Layer, status: str) -> JsonObject:
        layer.status = status
        return layer.line()

    def _wait(self) -> Iterable[JsonObject]:
        for layer in self._layers.values():
            if layer.state is State.WAITING and layer.status != "Waiting":
                yield self._said(layer, "Waiting")

    def _words(self, layer: _Layer, event: Advanced) -> Sequence[str]:
        """What this state is called; at Docker it may have several names, one after the other, or none."""
        if event.state is State.CHECKING:
            return () if layer.status or not planned_word(self.verb) else (planned_word(self.verb),)
        words = words_of(self.verb, Said(event.state, event.detail, event.seconds))
        if words[:1] == (DOWNLOADED,):
            words, layer.downloaded = words[1:] if layer.downloaded else words, True
        return words


def _of_piece(piece: Piece) -> JsonObject:
    """What is known of a layer before anything happens to it; said once."""
    size: JsonObject = {} if piece.size is None else {"size": piece.size}
    return size | {"label": piece.label} if piece.label else size


def _counts_down(layer: _Layer, event: Advanced) -> bool:
    """Whether a daemon only counts the seconds to its next attempt down: that is no new state."""
    if layer.state is not State.RETRYING or event.state is not State.RETRYING:
        return False
    return layer.seconds is not None and event.seconds is not None and event.seconds <= layer.seconds


def _general(event: Held | Tagged | Noted) -> JsonObject:
    """The line of an event that is about no piece."""
    match event:
        case Held(host, reason, until):
            return {"status": "held", "message": f"Waiting for {host}: {reason}", "host": host, "until": until}
        case Tagged(_, tag, digest, size):
            message = f"{tag}: digest: {digest} size: {size}"
            return {"status": "tagged", "message": message, "tag": tag, "digest": str(digest), "size": size}
        case Noted(_, text):
            return {"status": "note", "message": text}
