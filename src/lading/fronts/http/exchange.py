"""What the byte server and its applications say to each other: a request in; status, headers and a body out.

The shape is WSGI's, in types, with four things more: a body that reads into the caller's buffer, the length it has, the
peer, and a Cancel that is over when the client is. An adapter to any other WSGI server is a dozen lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.wire.message import Cancel, Reader


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of the connection; a loopback or proxy address says nothing of a person."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


class Body(Reader, Protocol):
    """A request's body. Reading it first sends the "100 Continue" that the client may wait for.

    `readinto` gives what has arrived, so everything received before a cut is handed out; then it raises ConnectionLost
    or Stalled. It returns 0 only at the end that the framing itself marks: a cut body never looks complete.
    """

    @property
    def length(self) -> int | None:
        """In bytes; None where the client does not say (a chunked body)."""


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """One request. `path` and `query` are as sent, percent-encoded; header names are lower case, repeated fields joined
    by a comma. Headers are kept out of the value's text: they may hold a login. `secure`: it came in TLS."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: Body
    peer: Peer
    cancel: Cancel
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, headers and body. Content-Length may be among the headers; all other framing is the server's.

    The body is `content` and then, where there is one, `stream`; both are closed in any case. A generator that raises,
    a stream that fails or ends early, cuts the connection, so the client sees that the body is not whole.
    """

    status: int
    headers: Sequence[tuple[str, str]] = ()
    content: Iterable[bytes] = ()
    stream: Reader | None = None

    def close(self) -> None:
        """Close content and stream: a generator's `finally` runs, a file goes back."""
        try:
            close = getattr(self.content, "close", None)
            if close:
                close()
        finally:
            if self.stream:
                self.stream.close()


Application = Callable[[IncomingRequest], Answer]
"""Called on the connection's own thread. What it raises is logged and answered with 500."""
