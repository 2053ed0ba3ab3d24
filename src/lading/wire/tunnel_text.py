"""The text of a tunnel frame on the wire: one JSON object, read tolerantly and written as the field expects it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from lading.wire.tunnel_fields import FrameInvalid, Members, base64_content
from lading.wire.tunnel_frames import (
    BodyEnd,
    End,
    ErrorFrame,
    Frame,
    Head,
    Hello,
    Ping,
    Pong,
    Received,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
    Unknown,
    Welcome,
)
from lading.wire.tunnel_members import members_of

LARGE = 1024 * 1024
"""Characters of a frame from which on it is looked through before it is read."""

STRUCTURE_LIMIT = 64 * 1024
"""Characters of a large frame outside of its texts, and texts."""

_DECODER = json.JSONDecoder()


def read_frame(text: str) -> Frame:
    """What a text message says. Raises FrameInvalid where it is no JSON object with a `type`, or a known frame with
    fields that cannot be; a type that nobody here reads is Unknown."""
    try:
        if len(text) > LARGE:
            _check_structure(text)
        members = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FrameInvalid("it is not JSON") from error
    if not isinstance(members, dict):
        raise FrameInvalid("it is no JSON object")
    frame = Members(members)
    type = frame.needed("type")  # noqa: A001  the frame's own word
    read = _READERS.get(type)
    return Unknown(type[:64]) if read is None else read(frame)


def _check_structure(text: str) -> None:
    """Of the frames that may be large it is one text that makes them so. Millions of lists within lists instead would
    take a hundred times their length, which an agent's host, once broken into, could have of us."""
    structure = position = 0
    while (quote := text.find('"', position)) >= 0:
        structure += quote - position + 1
        if structure > STRUCTURE_LIMIT:
            break
        _, position = _DECODER.raw_decode(text, quote)
    else:
        structure += len(text) - position
    if structure > STRUCTURE_LIMIT:
        raise FrameInvalid("it is large, and of too many parts")


def frame_text(frame: Frame) -> str:
    """The text message of it: ASCII, on one line. Raises as `members_of`."""
    return _json(members_of(frame))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _hello(members: Members) -> Hello:
    return Hello(
        version=members.name("version"),
        protocol=members.name("protocol"),
        agent_id=members.name("agentId"),
        agent_name=members.name("agentName"),
        docker_version=members.name("dockerVersion") or "unknown",
        hostname=members.name("hostname"),
        capabilities=members.capabilities(),
        token=members.text("token"),
        has_token_hash=bool(members.text("tokenHash")),
        requests=members.requests(),
    )


def _welcome(members: Members) -> Welcome:
    return Welcome(
        environment=members.count("environmentId") or 0,
        server=members.name("serverId"),
        version=members.name("version"),
        message=members.name("message"),
        capabilities=members.capabilities(),
        requests=members.requests(),
    )


def _error(members: Members) -> ErrorFrame:
    """Agents say `error`, the server they were written for says `message`."""
    return ErrorFrame(
        error=members.name("error") or members.name("message"),
        request_id=members.id() if members.text("requestId") else "",
        code=members.name("code"),
        retry_after=members.count("retryAfter"),
    )


def _ping(members: Members) -> Ping:
    return Ping(members.instant("timestamp"))


def _pong(members: Members) -> Pong:
    return Pong(members.instant("timestamp"))


def _request(members: Members) -> RequestFrame:
    binary = members.flag("isBinary")
    return RequestFrame(
        request_id=members.id(),
        method=members.needed("method"),
        path=members.needed("path"),
        headers=members.headers(),
        body=_asked_body(members, binary=binary),
        is_binary=binary,
        streaming=members.flag("streaming"),
        has_body=members.flag("hasBody"),
    )


def _asked_body(members: Members, *, binary: bool) -> bytes | None:
    value = members.value("body")
    if value is None:
        return None
    return base64_content(members.text("body")) if binary else _json(value).encode()


def _response(members: Members) -> ResponseFrame:
    text = members.text("body")
    body = base64_content(text) if members.flag("isBinary") else text.encode("utf-8", "replace")
    return ResponseFrame(members.id(), members.status(), _lower(members.headers()), body)


def _stream(members: Members) -> StreamFrame:
    return StreamFrame(members.id(), base64_content(members.text("data")))


def _stream_end(members: Members) -> StreamEnd:
    reason, error = _reason(members)
    return StreamEnd(members.id(), reason, error, members.count("count"))


def _head(members: Members) -> Head:
    return Head(members.id(), members.status(), _lower(members.headers()))


def _received(members: Members) -> Received:
    return Received(members.id(), members.needed_count("count"))


def _body_end(members: Members) -> BodyEnd:
    reason, _ = _reason(members)
    return BodyEnd(members.id(), reason, members.needed_count("count"))


_ENDS = {end.value: end for end in End}


def _reason(members: Members) -> tuple[End, str]:
    """The reason and what is told of it: of a reason that is none of ours the reason itself."""
    text, error = members.name("reason"), members.name("error")
    known = _ENDS.get(text)
    return (End.FAILED, error or text) if known is None else (known, error)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): text for name, text in headers.items()}


_READERS: Mapping[str, Callable[[Members], Frame]] = {
    "hello": _hello,
    "welcome": _welcome,
    "error": _error,
    "ping": _ping,
    "pong": _pong,
    "request": _request,
    "response": _response,
    "stream": _stream,
    "stream_end": _stream_end,
    "head": _head,
    "received": _received,
    "body_end": _body_end,
}
