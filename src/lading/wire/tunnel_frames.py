"""Frames between a server and an agent at the edge, as values; role-blind. Their text is tunnel_text's.

One WebSocket text message is one JSON object whose `type` says what it is. What a stock agent sends and expects is the
protocol "1.0" of the field; with the capability LADING_STREAMS both ends speak the frames below the line as well.

    agent → server   hello ping pong response stream stream_end error      and metrics, container_event, exec_…: Unknown
    server → agent   welcome error ping pong request stream_end
    ──────────────────────────────────────────────────────────────────────────────────────────────────────
    agent → server   head  received        and binary: pieces of an answer's body (tunnel_pieces)
    server → agent   received  body_end    and binary: pieces of a request's body
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LADING_STREAMS = "lading-streams"
"""The capability of both ends: true statuses and headers, bodies in both directions, flow control, resumption."""

PROTOCOL = "1.0"
"""What every agent says it speaks; what it can do besides stands in its capabilities."""

STOCK_FRAME_LIMIT = 100 * 1024 * 1024
"""The longest message of a stock agent, in bytes: a whole answer may be one."""

FRAME_LIMIT = 256 * 1024
"""The longest message where both ends speak LADING_STREAMS, in bytes."""

FRAGMENTS_LIMIT = 64 * 1024
"""Of one message (RFC 6455, 5.4): whoever cuts long ones, cuts them into kilobytes."""

_MILLISECONDS_FROM = 100_000_000_000
"""A time of so much or more counts milliseconds: in seconds it would be the year 5138, in milliseconds it is 1973."""


@dataclass(frozen=True, slots=True)
class Hello:
    """An agent's first frame. `docker_version` is `unknown` where its engine is down. `requests` are those that it
    still works on from before the connection was lost: by id, how many bytes of the request's body have reached it.

    `has_token_hash` marks the agents that take a request's body as base64, those of 2026 and later.
    """

    version: str
    protocol: str
    agent_id: str
    agent_name: str
    docker_version: str
    hostname: str
    capabilities: frozenset[str]
    token: str = field(default="", repr=False)
    has_token_hash: bool = False
    requests: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a server answers to a hello that it lets in. `requests` are those that it still waits for: by id, how many
    bytes of the answer's body it has; a stock agent reads none of it but that it is a welcome."""

    environment: int
    server: str = ""
    version: str = ""
    message: str = ""
    capabilities: frozenset[str] = frozenset()
    requests: Mapping[str, int] = field(default_factory=dict, hash=False)


class ErrorCode(StrEnum):
    """What agents of the field call what went wrong, as far as ours says it too."""

    PARSE_ERROR = "PARSE_ERROR"
    SESSION_LIMIT = "SESSION_LIMIT"
    DOCKER_ERROR = "DOCKER_ERROR"


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """A login refused, or a request that went wrong at the agent. `request_id` is empty where it is of no request,
    `code`, an ErrorCode or another, where the sender gave none; `retry_after` is in seconds."""

    error: str
    request_id: str = ""
    code: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a sign of life. `timestamp` is the sender's own clock, in seconds or in milliseconds since 1970: the two
    ends' are never compared."""

    timestamp: int

    def answered(self, now: float) -> Pong:
        """What to answer at `now`, in seconds since 1970: in the unit that was asked in."""
        return Pong(int(now * 1000) if self.timestamp >= _MILLISECONDS_FROM else int(now))


def ping(now: float) -> Ping:
    """A server's, at `now` in seconds since 1970: servers of the field count milliseconds."""
    return Ping(int(now * 1000))


@dataclass(frozen=True, slots=True)
class Pong:
    """The sign of life."""

    timestamp: int


@dataclass(frozen=True, slots=True)
class RequestFrame:
    """An HTTP request to the agent's engine. `path` has its query. `body` is what the engine is to get: with
    `is_binary` it travels as base64, which agents of before 2026 do not understand, else as JSON, which it must be.

    With LADING_STREAMS `has_body` says that pieces follow, and `body` is None.
    """

    request_id: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_binary: bool = False
    streaming: bool = False
    has_body: bool = False


@dataclass(frozen=True, slots=True)
class ResponseFrame:
    """A stock agent's whole answer to a request that was not streaming. Header names are in lower case."""

    request_id: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class StreamFrame:
    """A stock agent's next bytes of an answer, at most 4 KiB, cut anywhere: in a line, in a character."""

    request_id: str
    content: bytes = field(repr=False)


class End(StrEnum):
    """How a body ended. FAILED is also what a reader makes of a reason that it does not know."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of an answer, or, from the server, the wish that it ends. `count` is how many bytes the answer's body had
    in all; stock agents do not say it, and end everything as completed."""

    request_id: str
    reason: End
    error: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The true status and headers of a streaming answer. Header names are in lower case."""

    request_id: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Received:
    """Whoever takes a body has handed on `count` bytes of it from its start, and has room for a window more."""

    request_id: str
    count: int


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The end of a request's body, which had `count` bytes in all. After any reason but COMPLETED the agent breaks the
    request to its engine off."""

    request_id: str
    reason: End
    count: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a kind that nobody here reads: newer agents send more, and stock ones tell of their containers."""

    type: str


Frame = (
    Hello
    | Welcome
    | ErrorFrame
    | Ping
    | Pong
    | RequestFrame
    | ResponseFrame
    | StreamFrame
    | StreamEnd
    | Head
    | Received
    | BodyEnd
    | Unknown
)
