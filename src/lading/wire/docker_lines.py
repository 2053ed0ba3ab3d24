"""Docker's JSON lines, as a daemon tells of a push, a pull or a load; and the login a daemon is given.

    {"status":"Pushing","progressDetail":{"current":33280,"total":3000000},"id":"1b42def97497"}     a layer
    {"status":"1: digest: sha256:… size: 524"}                                                    how it ended
    {"progressDetail":{},"aux":{"Tag":"1","Digest":"sha256:…","Size":524}}                        the same, to read
    {"errorDetail":{"message":"…"},"error":"…"}                                                   the end, badly

Both of Docker's image stores are read: the older one names layers by what they hold, the containerd one by the blob
that moves. What a line says of a layer becomes an event; everything else is kept for whoever asks in the end.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from lading.errors import ProtocolBroken
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported
from lading.oci.reference import HUB
from lading.wire.authorize import Credential
from lading.wire.json_answers import read_json
from lading.wire.progress import Advanced, Event, Noted, Piece, Planned, State

LINE_LIMIT = 1024 * 1024
"""The longest line, in bytes: docker's own clients read no more of an answer that is one object."""

PIECES_LIMIT = 10_000
"""Layers that one stream may tell of; an image has at most some hundreds."""

HUB_ADDRESS = "https://index.docker.io/v1/"
"""What a daemon calls Docker Hub in a login."""

ANONYMOUS = "e30="
"""`{}`, which the command line sends where there is no login."""


class LinesBroken(ProtocolBroken):
    """A stream that is not JSON lines."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the Docker host's answer cannot be read: {self.reason}"


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


class Lines:
    """Bytes in any pieces to lines. Raises LinesBroken."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes | memoryview) -> Iterator[Line]:
        """The lines that are whole with this piece."""
        self._rest += piece
        *whole, rest = self._rest.split(b"\n")
        if len(rest) > LINE_LIMIT:
            raise LinesBroken(f"a line is longer than {LINE_LIMIT} bytes")
        self._rest = rest
        for raw in whole:
            yield from _lines(bytes(raw))

    def end(self) -> Iterator[Line]:
        """The last line, where the stream ends without a line break."""
        rest, self._rest = bytes(self._rest), bytearray()
        yield from _lines(rest)


def _lines(raw: bytes) -> Iterator[Line]:
    if raw.strip():
        yield parse_line(raw)


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
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _error(error: object, detail: object) -> str | None:
    """Both carry the same text; some daemons leave one out."""
    message = detail.get("message") if isinstance(detail, dict) else None
    for text in (message, error):
        if isinstance(text, str) and text:
            return text
    return None if error is None and detail is None else "it does not say why"


class Verb(Enum):
    """What the daemon was asked to do, and how it calls the states of a layer then."""

    PUSH = "push"
    PULL = "pull"
    LOAD = "load"


_STATES: Mapping[Verb, Mapping[str, State]] = {
    Verb.PUSH: {
        "Preparing": State.CHECKING,
        "Waiting": State.WAITING,
        "Pushing": State.MOVING,
        "Pushed": State.DONE,
        "Layer already exists": State.EXISTS,
        "Already exists": State.EXISTS,
        "Unavailable": State.FAILED,
    },
    Verb.PULL: {
        "Pulling fs layer": State.CHECKING,
        "Waiting": State.WAITING,
        "Downloading": State.MOVING,
        "Verifying Checksum": State.COMMITTING,
        "Download complete": State.COMMITTING,
        "Extracting": State.UNPACKING,
        "Pull complete": State.DONE,
        "Already exists": State.EXISTS,
    },
    Verb.LOAD: {"Loading layer": State.UNPACKING},
}
_MOUNTED = re.compile(r"Mounted from (?P<origin>\S{1,512})")
_RETRYING = re.compile(r"Retrying in (?P<seconds>\d{1,6}) seconds?")
_PUSHED = re.compile(r"(?P<tag>[\w][\w.-]{0,127}): digest: (?P<digest>\S{1,160}) size: (?P<size>\d{1,12})")
_PULLED = re.compile(r"Digest: (?P<digest>\S{1,160})")
_LOADED = re.compile(r"Loaded image(?: ID)?: (?P<name>\S{1,512})")


class Story:
    """What one stream has told so far. `target` is what events carry.

    `digest` and `size` (of the manifest, in bytes) are what the daemon says it pushed or pulled, `loaded` the names or
    ids of what came out of an archive, `fault` the line that ended it badly. Lines after that one are not heard.
    """

    def __init__(self, verb: Verb, target: str) -> None:
        self._verb, self._target = verb, target
        self._bytes: dict[str, int] = {}
        self.digest: Digest | None = None
        self.size: int | None = None
        self.loaded: list[str] = []
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
        found = self._state(line.status)
        if found is None:
            return  # a message such as `Pulling from library/x`, whose id is a tag
        if line.id not in self._bytes:
            if len(self._bytes) == PIECES_LIMIT:
                raise LinesBroken(f"it tells of more than {PIECES_LIMIT} layers")
            self._bytes[line.id] = 0
            yield Planned(self._target, (Piece(line.id, size=line.total),))
        state, detail, seconds = found
        if line.current is not None and state is State.MOVING:
            self._bytes[line.id] = line.current if line.total is None else min(line.current, line.total)
        yield Advanced(self._target, line.id, state, self._bytes[line.id], line.total, detail=detail, seconds=seconds)

    def _state(self, status: str) -> tuple[State, str, float | None] | None:
        state = _STATES[self._verb].get(status)
        if state is not None:
            return state, "", None
        if mounted := _MOUNTED.fullmatch(status):
            return State.MOUNTED, mounted["origin"], None
        if retrying := _RETRYING.fullmatch(status):
            return State.RETRYING, "", float(retrying["seconds"])
        return None

    def _conclude(self, status: str) -> None:
        if self._verb is Verb.PUSH and (pushed := _PUSHED.fullmatch(status)):
            self._learn(pushed["digest"], int(pushed["size"]))
        elif self._verb is Verb.PULL and (pulled := _PULLED.fullmatch(status)):
            self._learn(pulled["digest"], None)

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


def registry_auth(credential: Credential | None, registry: str) -> str:
    """The X-Registry-Auth field: base64url of JSON, padded."""
    if credential is None:
        return ANONYMOUS
    members = {
        "username": credential.username,
        "password": credential.secret,
        "identitytoken": credential.identity_token,
        "registrytoken": credential.registry_token,
    }
    given = {name: value for name, value in members.items() if value}
    given["serveraddress"] = HUB_ADDRESS if registry == HUB else registry
    return base64.urlsafe_b64encode(json.dumps(given).encode()).decode("ascii")
