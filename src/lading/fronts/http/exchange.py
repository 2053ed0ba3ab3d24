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
    """Who is at the other end of the connection; a loopback or proxy address says nothing of a person.

    Of a unix socket `uid` and `pid` are those of the process, as the system tells them, and `address` names the user.
    `certificate` is the one that the client showed in TLS, in DER; whoever signed it is one that the listener trusts.
    """

    address: str
    port: int
    uid: int | None = None
    pid: int | None = None
    certificate: bytes | None = field(default=None, repr=False)

    @classmethod
    def local(cls, uid: int, pid: int) -> Peer:
        """A process of this machine at a unix socket."""
        return cls(f"uid {uid}", 0, uid, pid)

    def __str__(self) -> str:
        return f"{self.address}:{self.port}" if self.uid is None else f"{self.address} (process {self.pid})"


class Body(Reader, Protocol):
    """A request's body. Reading it first sends the "100 Continue" that the client may wait for.

    `readinto` gives what has arrived, so everything received before a cut is handed out; then it raises ConnectionLost
    or Stalled. It returns 0 only at the end that the framing itself marks: a cut body never looks complete.
    """

    @property
    def length(self) -> int | None:
        """In bytes; None where the client does not say (a chunked body)."""

    def invite(self) -> None:
        """Send the "100 Continue" that the client may wait for: for who has another thread read while this one answers,
        as nothing else may stand between the pieces of an answer."""

    def hurry(self, seconds: float) -> None:
        """From now on `readinto` raises Stalled where the body's end has not come in so many seconds."""


LetIn = Callable[[str, bool], None]
"""To be told, before the body is read, where a request comes from and whether it is somebody known who asks. Raises
RequestRefused (503) where too many are at work for strangers, or for this client."""


def uncounted(_address: str, _known: bool) -> None:
    """Fulfils LetIn where nobody counts."""


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
    let_in: LetIn = uncounted


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, headers and body. Content-Length may be among the headers; all other framing is the server's.

    The body is `content` and then, where there is one, `stream`; both are closed in any case. A generator that raises,
    a stream that fails or ends early, cuts the connection, so the client sees that the body is not whole.

    `reason` is what the status line says behind the number; None: the standard's words.

    `ends_with_input`: who asked has nothing more to say while this is sent, so that its half-close is its going: what
    follows news may have nothing to write for long, by which alone a closed TCP connection would be noticed.
    """

    status: int
    headers: Sequence[tuple[str, str]] = ()
    content: Iterable[bytes] = ()
    stream: Reader | None = None
    ends_with_input: bool = False
    reason: str | None = None

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
