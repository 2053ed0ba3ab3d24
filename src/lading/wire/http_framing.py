"""Where an HTTP/1.1 message's body begins and ends: a server's half (RFC 9112, sections 6 and 7).

A head is parsed elsewhere; this room decides how many bytes follow it, whether the client waits for a "100 Continue",
how an answer's body is delimited, and whether the connection may be used again. What two readers could understand
differently is refused: two lengths, a length beside a transfer coding, a chunk size with a sign or a space.

    request body   no field: none · Content-Length: that many · Transfer-Encoding: chunked: until the empty chunk
    answer body    HEAD, 1xx, 204, 304: none · Content-Length: that many · HTTP/1.1: chunks · HTTP/1.0: until closed
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lading.errors import ProtocolBroken, Side

HEAD_LIMIT = 64 * 1024
"""The longest head in bytes, request line and all fields together."""

TARGET_LIMIT = 60 * 1024
"""The longest request target in bytes."""

DRAIN_LIMIT = 16 * 1024 * 1024
DRAIN_SECONDS = 2.0
"""How much of a refused body is read and thrown away, so that the client, who is still sending, can read the refusal:
a connection closed with bytes unread is reset, and a reset destroys an answer on its way."""

CHUNK_END = b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_DIGITS = re.compile(r"[0-9]{1,18}")


class RequestRefused(ProtocolBroken):
    """A request that cannot be taken as it stands; `status` is the answer, after which the connection closes."""

    side = Side.CALLER

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a request's body. Field names are lower case; repeated fields stay apart here.

    `by_name` has the values of each field, in order: a head is asked for a dozen names.
    """

    method: str
    target: str
    minor_version: int
    fields: tuple[tuple[str, str], ...]
    by_name: Mapping[str, Sequence[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[str]] = {}
        for name, value in self.fields:
            by_name.setdefault(name, []).append(value)
        object.__setattr__(self, "by_name", by_name)

    def all(self, name: str) -> Sequence[str]:
        """Every value of this field, in order."""
        return self.by_name.get(name, ())

    def tokens(self, name: str) -> list[str]:
        """The elements of a field that is a list, in lower case."""
        values = self.by_name.get(name)
        if values is None:  # as nearly always, and a head is asked for several
            return []
        return [token.strip().lower() for value in values for token in value.split(",") if token.strip()]


@dataclass(frozen=True, slots=True)
class RequestFraming:
    """How a request's body goes: `length` bytes, or chunks where that is None."""

    length: int | None
    awaits_continue: bool
    keep_alive: bool


def request_framing(head: Head) -> RequestFraming:
    """Raises RequestRefused for whatever could be read in two ways (RFC 9112, 3.2, 6.3; RFC 9110, 10.1.1)."""
    modern = head.minor_version >= 1
    if len(head.all("host")) > 1 or (modern and not head.all("host")):
        raise RequestRefused(400, "a request names one host")
    awaits_continue = _expects(head) and modern
    keep_alive = modern and "close" not in head.tokens("connection")
    return RequestFraming(_body_length(head), awaits_continue, keep_alive)


def _expects(head: Head) -> bool:
    expected = head.tokens("expect")
    if expected and expected != ["100-continue"]:
        raise RequestRefused(417, "only 100-continue can be expected")
    return bool(expected)


def _body_length(head: Head) -> int | None:
    lengths, codings = head.all("content-length"), head.tokens("transfer-encoding")
    if head.all("transfer-encoding"):
        if lengths:
            raise RequestRefused(400, "a body has a length or a transfer coding, not both")
        if head.minor_version < 1:
            raise RequestRefused(400, "HTTP/1.0 has no transfer codings")
        if codings != ["chunked"]:
            raise RequestRefused(501, "chunked is the only transfer coding taken")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1:
        raise RequestRefused(400, "a body has one length")
    if not _DIGITS.fullmatch(lengths[0]):
        raise RequestRefused(400, "a length is a decimal number")
    return int(lengths[0])


@dataclass(frozen=True, slots=True)
class AnswerFraming:
    """How an answer's body goes: not at all, `length` bytes, chunks, or (neither) until the connection closes."""

    has_body: bool
    length: int | None
    chunked: bool
    keep_alive: bool


def answer_framing(
    head: Head, status: int, headers: Sequence[tuple[str, str]], *, body_read: bool, keep_alive: bool
) -> AnswerFraming:
    """`body_read` says that the request's body was taken whole; else the next request's start could not be found.

    Raises ValueError where the application frames its answer by itself.
    """
    given: int | None = None
    for name, value in headers:
        match name.lower():
            case "content-length" if given is None:
                given = int(value)
            case "content-length" | "transfer-encoding" | "connection":
                raise ValueError("an application gives at most one Content-Length; the server does the other framing")
    has_body = not (head.method == "HEAD" or status < 200 or status in {204, 304})
    chunked = has_body and given is None and head.minor_version >= 1
    ends_by_itself = not has_body or given is not None or chunked
    return AnswerFraming(has_body, given, chunked, keep_alive and body_read and ends_by_itself)


def framing_fields(framing: AnswerFraming) -> list[tuple[str, str]]:
    """The fields that the server adds to the application's own."""
    fields = [("Transfer-Encoding", "chunked")] if framing.chunked else []
    return fields if framing.keep_alive else [*fields, ("Connection", "close")]


def chunk_start(size: int) -> bytes:
    """What stands before a chunk of `size` bytes, which is never 0: the empty chunk is the body's end."""
    return b"%x\r\n" % size
