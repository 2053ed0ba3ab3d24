"""What a stock agent's stream of bytes means: it tells neither status nor headers, and cuts its slices anywhere.

    first byte that is no blank   the first line            the answer
    ───────────────────────────   ───────────────────────   ─────────────────────────────────────────────────
    not `{`                                                 200, RAW: an archive, a list
    `{`                           an object with the text   500: its engine refused, and this line is the body
                                  `message`, no `status`
    `{`                           anything else             200, LINES: handed on line by line
    none: it ended                                          200, and nothing

A line longer than LINE_LIMIT is none, and what holds it is RAW from there on. A gap is where slices may be missing, as
the agent was away: LINES go on behind the next line break after it, a RAW stream cannot.
"""

from __future__ import annotations

from enum import StrEnum

from lading.errors import ProtocolBroken, Side
from lading.wire.docker_lines import LINE_LIMIT
from lading.wire.json_answers import read_json

_BLANKS = b" \t\r\n"


class AnswerGap(ProtocolBroken):
    """Bytes of an answer are missing that cannot be done without."""

    side = Side.HOST

    def __str__(self) -> str:
        return "part of the answer was sent while the agent was not connected"


class Kind(StrEnum):
    """What a stream has turned out to be."""

    UNKNOWN = "not known yet"
    RAW = "raw"
    LINES = "lines"
    REFUSED = "refused"


class StockAnswer:
    """One stream, fed in the order of the wire. Not for several threads at once."""

    __slots__ = ("_dropping", "_held", "gaps", "kind", "refusal")

    def __init__(self) -> None:
        self.kind = Kind.UNKNOWN
        self.gaps = 0
        """How often slices may have been lost: lines may be missing then, also the one that told of a failure."""
        self.refusal = b""
        """The body of the answer where it is REFUSED."""
        self._held = bytearray()
        self._dropping = False

    @property
    def status(self) -> int | None:
        """None where it is not known yet."""
        return {Kind.UNKNOWN: None, Kind.REFUSED: 500}.get(self.kind, 200)

    def feed(self, content: bytes | memoryview) -> bytes:
        """What may be handed on with these bytes: of lines the whole ones. Raises AnswerGap."""
        if self.kind is Kind.RAW:
            return bytes(content)
        if self.kind is Kind.REFUSED:
            return b""
        searched = len(self._held)
        self._held += content
        if self._dropping:
            self._drop()
            searched = 0
        if self.kind is Kind.UNKNOWN:
            self._judge(searched)
        return self._ready()

    def gap(self) -> None:
        """Slices may be missing between what was fed and what comes. Raises AnswerGap."""
        if self.kind is Kind.REFUSED:
            return
        if self.kind is Kind.RAW or (self.kind is Kind.UNKNOWN and not self.gaps and not self._held.strip(_BLANKS)):
            raise AnswerGap
        self.gaps += 1
        self._held.clear()
        self._dropping = True

    def end(self) -> bytes:
        """The rest; `kind` is known from now on. Raises AnswerGap where too much was missing to know it."""
        if self.kind is Kind.UNKNOWN:
            if self.gaps and not self._held.strip(_BLANKS):
                raise AnswerGap
            self._decide(bytes(self._held))
        rest = b"" if self.kind is Kind.REFUSED else bytes(self._held)
        self._held.clear()
        return rest

    def _drop(self) -> None:
        """The rest of the line that a gap fell into."""
        _, line_break, self._held = self._held.partition(b"\n")
        self._dropping = not line_break

    def _judge(self, searched: int) -> None:
        """By the first line, where it is whole; the first `searched` bytes hold no end of it."""
        start = self._held.lstrip(_BLANKS)[:1]
        if start and start != b"{":
            self._raw()
        elif start and (line := self._first_line(searched)):
            self._decide(line)
        elif len(self._held) > LINE_LIMIT:
            self._raw()

    def _first_line(self, searched: int) -> bytes:
        """Empty as long as its end is missing."""
        blanks = len(self._held) - len(self._held.lstrip(_BLANKS))
        end = self._held.find(b"\n", max(searched, blanks))
        return b"" if end < 0 else bytes(self._held[:end])

    def _decide(self, line: bytes) -> None:
        """`line` is all that is known of the first, and all there is where the stream has ended."""
        if _tells_refusal(line):
            self.kind, self.refusal = Kind.REFUSED, line.strip(_BLANKS)
            self._held.clear()
        else:
            self.kind = Kind.LINES

    def _raw(self) -> None:
        """Behind a gap nobody knows where in such a stream it is."""
        if self.gaps and self.kind is Kind.UNKNOWN:
            raise AnswerGap
        self.kind = Kind.RAW

    def _ready(self) -> bytes:
        """What of the held may go on."""
        if self.kind is Kind.LINES and len(self._held) - self._held.rfind(b"\n") > LINE_LIMIT:
            self._raw()
        if self.kind is Kind.RAW:
            end = len(self._held)
        else:
            end = self._held.rfind(b"\n") + 1 if self.kind is Kind.LINES else 0
        ready = bytes(self._held[:end])
        del self._held[:end]
        return ready


def _tells_refusal(line: bytes) -> bool:
    """Docker's error answer; lines of progress have a status, those that tell of a failure an `error`."""
    try:
        members = read_json(line)
    except ValueError:
        return False
    return isinstance(members, dict) and isinstance(members.get("message"), str) and "status" not in members
