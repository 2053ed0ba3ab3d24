"""Docker's JSON lines, as a daemon tells of a push, a pull or a load: read from one, and written as one.

    {"status":"Pushing","progressDetail":{"current":33280,"total":3000000},"id":"1b42def97497"}     a layer
    {"status":"1: digest: sha256:… size: 524"}                                                    how it ended
    {"progressDetail":{},"aux":{"Tag":"1","Digest":"sha256:…","Size":524}}                        the same, to read
    {"errorDetail":{"message":"…"},"error":"…"}                                                   the end, badly

Both of Docker's image stores are read: the older one names layers by what they hold, the containerd one by the blob
that moves. What a line says of a layer becomes an event; everything else is kept for whoever asks in the end.

What is written is for every client there is: a line of progress always has `progressDetail`, a message never; both
`error` and `errorDetail` tell what went wrong, because some read only one of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lading.errors import ProtocolBroken
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported
from lading.wire.docker_words import Verb, read_word
from lading.wire.json_answers import read_json
from lading.wire.progress import Advanced, Event, Noted, Piece, Planned, State
from lading.wire.shown_text import shown_text

_COUNT_END = 2**63
"""Of what a daemon counts bytes in (int64)."""

LINE_LIMIT = 1024 * 1024
"""The longest line, in bytes: docker's own clients read no more of an answer that is one object."""

PIECES_LIMIT = 10_000
"""Layers that one stream may tell of; an image has at most some hundreds."""


class LinesBroken(ProtocolBroken):
    """A stream that is not JSON lines."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the Docker host's answer cannot be read: {self.reason}"


class LinesCut(LinesBroken):
    """A stream that ends in the middle of a line: that is not all of it."""

    def __init__(self) -> None:
        super().__init__("it ends in the middle of a line")


@dataclass(frozen=True, slots=True)
class Line:
    """One object of the stream, of which only what is used. `code` is a status that some daemons give with an error."""

    status: str = ""
    id: str = ""
    current: int | None = None
    total: int | None = None
    stream: str = ""
    aux: Mapping[str, object] | None = None
    error: str | None = None
    code: int | None = None


class RawLines:
    """Bytes in any pieces to lines as they are, blank ones left out. Raises LinesBroken."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes | memoryview) -> Iterator[bytes]:
        """The lines that are whole with this piece."""
        self._rest += piece
        *whole, rest = self._rest.split(b"\n")
        if len(rest) > LINE_LIMIT:
            raise LinesBroken(f"a line is longer than {LINE_LIMIT} bytes")
        self._rest = rest
        yield from (bytes(raw) for raw in whole if raw.strip())

    def end(self) -> Iterator[bytes]:
        """The last line, where the stream ends without a line break."""
        rest, self._rest = bytes(self._rest), bytearray()
        if rest.strip():
            yield rest


class Lines:
    """Bytes in any pieces to lines. Raises LinesBroken."""

    def __init__(self) -> None:
        self._raw = RawLines()

    def feed(self, piece: bytes | memoryview) -> Iterator[Line]:
        """The lines that are whole with this piece."""
        yield from map(parse_line, self._raw.feed(piece))

    def end(self) -> Iterator[Line]:
        """The last line, where the stream ends without a line break. Raises LinesCut where it is half a line."""
        try:
            yield from map(parse_line, self._raw.end())
        except LinesBroken as error:
            raise LinesCut from error


def parse_line(raw: bytes) -> Line:
    """Raises LinesBroken."""
    try:
        members = read_json(raw)
    except (ValueError, RecursionError) as error:
        raise LinesBroken("a line is not JSON") from error
    if not isinstance(members, dict):
        raise LinesBroken("a line is no JSON object")
    detail, fault, aux = members.get("progressDetail"), members.get("errorDetail"), members.get("aux")
    counted = isinstance(detail, dict) and not detail.get("units")  # with units these are seconds, not bytes
    return Line(
        status=_text(members.get("status")),
        id=_text(members.get("id")),
        current=_count(detail, "current") if counted else None,
        total=_count(detail, "total") if counted else None,
        stream=_text(members.get("stream")),
        aux=aux if isinstance(aux, dict) else None,
        error=_error(members.get("error"), fault),
        code=_count(fault, "code"),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(members: object, name: str) -> int | None:
    value = members.get(name) if isinstance(members, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _COUNT_END else None


def _error(error: object, detail: object) -> str | None:
    """Both carry the same text; some daemons leave one out."""
    message = detail.get("message") if isinstance(detail, dict) else None
    for text in (message, error):
        if isinstance(text, str) and text:
            return text
    return None if error is None and detail is None else "it does not say why"


_PUSHED = re.compile(r"(?P<tag>[\w][\w.-]{0,127}): digest: (?P<digest>\S{1,160}) size: (?P<size>\d{1,12})")
_PULLED = re.compile(r"Digest: (?P<digest>\S{1,160})")
_UP_TO_DATE = "Status: Image is up to date for "
_LOADED = re.compile(r"Loaded image(?: ID)?: (?P<name>\S{1,512})")


class Story:
    """What one stream has told so far. `target` is what events carry.

    `digest` and `size` (of the manifest, in bytes) are what the daemon says it pushed or pulled, `loaded` the names or
    ids of what came out of an archive, `current` that a pull found nothing newer, `fault` the line that ended it badly.
    Lines after that one are not heard.
    """

    def __init__(self, verb: Verb, target: str) -> None:
        self._verb, self._target = verb, target
        self._bytes: dict[str, int] = {}
        self.digest: Digest | None = None
        self.size: int | None = None
        self.loaded: list[str] = []
        self.current = False
        self.fault: Line | None = None

    def hear(self, line: Line) -> Iterator[Event]:
        """What to tell of it. Raises LinesBroken where it tells of more layers than there can be."""
        if self.fault is not None:
            return
        if line.error is not None:
            self.fault = line
            return
        if line.aux is not None:
            yield from self._note(line.aux)
        if line.stream:
            self._load(line.stream)
        if line.id:
            yield from self._advance(line)
        else:
            self._conclude(line.status)

    def _advance(self, line: Line) -> Iterator[Event]:
        said = read_word(self._verb, line.status)
        if said is None:
            return  # a message such as `Pulling from library/x`, whose id is a tag
        if line.id not in self._bytes:
            if len(self._bytes) == PIECES_LIMIT:
                raise LinesBroken(f"it tells of more than {PIECES_LIMIT} layers")
            self._bytes[line.id] = 0
            yield Planned(self._target, (Piece(line.id, size=line.total),))
        if line.current is not None and said.state is State.MOVING:
            self._bytes[line.id] = line.current if line.total is None else min(line.current, line.total)
        current = self._bytes[line.id]
        yield Advanced(self._target, line.id, said.state, current, line.total, detail=said.detail, seconds=said.seconds)

    def _conclude(self, status: str) -> None:
        if self._verb is Verb.PUSH and (pushed := _PUSHED.fullmatch(status)):
            self._learn(pushed["digest"], int(pushed["size"]))
        elif self._verb is Verb.PULL and (pulled := _PULLED.fullmatch(status)):
            self._learn(pulled["digest"], None)
        elif self._verb is Verb.PULL and status.startswith(_UP_TO_DATE):
            self.current = True

    def _learn(self, digest: object, size: int | None) -> None:
        if isinstance(digest, str):
            try:
                self.digest = Digest.parse(digest)
            except (DigestInvalid, DigestUnsupported):
                return
            self.size = size or self.size

    def _note(self, aux: Mapping[str, object]) -> Iterator[Event]:
        """Docker's push result, and the containerd store's word on an image of which one platform was sent."""
        self._learn(aux.get("Digest"), _count(aux, "Size"))
        if aux.get("manifestPushedInsteadOfIndex") is True:
            yield Noted(self._target, "the only platform here, as a manifest of its own")
        if aux.get("contentMissing") is True:
            yield Noted(self._target, "not all platforms of the image are here")

    def _load(self, text: str) -> None:
        if loaded := _LOADED.fullmatch(text.strip()):
            self.loaded.append(loaded["name"])


# ── written


def message_line(status: str, id: str = "") -> bytes:  # noqa: A002  the line's own word
    """What a client prints as it is, behind `id:` where there is one."""
    return _line({"status": shown_text(status)} | ({"id": id} if id else {}))


def progress_line(
    status: str,
    id: str,  # noqa: A002  the line's own word
    detail: Mapping[str, object],
    text: str = "",
) -> bytes:
    """How a layer stands: `detail` is `current` and `total` in bytes, as far as they are known, `text` the bar."""
    return _line({"status": status, "progressDetail": detail} | ({"progress": text} if text else {}) | {"id": id})


def stream_line(text: str) -> bytes:
    """Text that a client prints as it is."""
    return _line({"stream": text})


def aux_line(members: Mapping[str, object]) -> bytes:
    """What programs read and people are not shown."""
    return _line({"progressDetail": {}, "aux": members})


def error_line(message: str, code: int | None = None) -> bytes:
    """The end, badly: a client prints the message and exits with 1. `code` is a status."""
    shown = shown_text(message)
    detail: dict[str, object] = ({} if code is None else {"code": code}) | {"message": shown}
    return _line({"errorDetail": detail, "error": shown})


BLANK_LINE = b"\r\n"
"""White space between two values: it tells nothing, but to whoever is not there any more."""


def pushed_lines(tag: str, digest: Digest, size: int) -> bytes:
    """The end of a push: for people, and for programs; `size` is the manifest's, in bytes."""
    aux = {"Tag": tag, "Digest": str(digest), "Size": size}
    return message_line(f"{tag}: digest: {digest} size: {size}") + aux_line(aux)


def digest_line(digest: str) -> bytes:
    """What was pulled, of one tag."""
    return message_line(f"Digest: {digest}")


def pulled_line(name: str, *, current: bool) -> bytes:
    """The end of a pull of `name`; `current` where nothing was newer than what was there."""
    return message_line(f"{_UP_TO_DATE}{name}" if current else f"Status: Downloaded newer image for {name}")


def loaded_line(name: str | None, id: str) -> bytes:  # noqa: A002  an image's own word
    """An image that came out of an archive, by its name or, where it has none, by its id."""
    return stream_line(f"Loaded image: {name}\n" if name else f"Loaded image ID: {id}\n")


def _line(members: Mapping[str, object]) -> bytes:
    """Nothing is escaped for HTML, as newer engines leave it too."""
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace") + b"\r\n"
