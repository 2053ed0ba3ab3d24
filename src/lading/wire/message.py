"""One exchange over HTTP, as values; and Transport, the one seam to the network."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

from lading.errors import NetworkFailed, Side, StorageFailed, TlsRefused, Unavailable

T = TypeVar("T")

BODY_LIMIT = 4 * 1024 * 1024
"""The longest body, in bytes, that is read into memory: the distribution spec's limit of a manifest."""


class ConnectFailed(NetworkFailed):
    """No connection: the name does not resolve, nobody listens, or a proxy refuses."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"cannot connect to {self.host}: {self.reason}"


class AddressRefused(NetworkFailed):
    """A public host's answer sent us to a private address (server-side request forgery), and we did not go."""

    side = Side.TARGET
    code = "denied"

    def __init__(self, host: str, referred_by: str) -> None:
        super().__init__(host, referred_by)
        self.host, self.referred_by = host, referred_by

    def __str__(self) -> str:
        return f"{self.referred_by} sent us to {self.host}, a private address, and we did not go there"


class PlainHttpAnswered(TlsRefused):
    """TLS was asked for and the port answered in plain HTTP: whoever allows that may ask again without TLS."""

    why = "TLS was asked for, and what came back is no TLS."
    hint = "If it really has no TLS, allow plain HTTP for it."
    command = "If this registry really has no TLS, allow plain HTTP for it with --insecure"

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"{self.host} answers in plain HTTP, not TLS"


class TlsExpected(TlsRefused):
    """Plain HTTP was asked for, as the settings say, and the port wants TLS."""

    why = "It was asked in plain HTTP, as the settings say of it."

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host
        self.hint = "Have it reached by TLS: plain HTTP is set for it."
        self.command = f'Take tls = "http" out of [registry."{host}"] in the settings file'

    def __str__(self) -> str:
        return f"{self.host} speaks TLS, not plain HTTP"


class ConnectionLost(NetworkFailed):
    """The connection ended before the exchange did."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"the connection to {self.host} was lost: {self.reason}"


class Stalled(NetworkFailed):
    """The other side has been silent for longer than it may."""

    def __init__(self, host: str, seconds: float) -> None:
        super().__init__(host, seconds)
        self.host, self.seconds = host, seconds

    def __str__(self) -> str:
        return f"{self.host} has been silent for {self.seconds:g} s"


class ReadFailed(StorageFailed):
    """Content that is ours could not be read."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"cannot read {self.what}: {self.reason}"


class ReadUnavailable(ReadFailed, Unavailable):
    """It could not be read because where it is kept cannot be had for now."""


class Cancel(Protocol):
    """Someone may ask the work to stop, at any time, from any thread.

    Nothing else in Lading sleeps, so tests own the clock here.
    """

    def check(self) -> None:
        """Raises Cancelled (or TimedOut). Called between buffers."""

    def wait(self, seconds: float) -> None:
        """Sleep; cut short by Cancelled."""

    def closing(self, close: Callable[[], None]) -> AbstractContextManager[None]:
        """While inside, a cancel also runs `close`: that is how a blocked socket wakes up."""


class Reader(Protocol):
    """One open stream: read once, closed always."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill from the front and say how many bytes; 0 is the end. Raises ConnectionLost, Stalled, ReadFailed."""

    def close(self) -> None:
        """Frees whatever waits on the other side; harmless twice."""


@runtime_checkable
class FileReader(Reader, Protocol):
    """A Reader over part of a plain file (a blob, a member of a tar), which the kernel can send by itself."""

    def file(self) -> tuple[int, int]:
        """File number and position, valid until close; the caller knows the length it opened."""


@runtime_checkable
class LendingReader(Reader, Protocol):
    """A Reader whose next bytes lie in memory already: who only passes them on need not copy them."""

    def lent(self, most: int, /) -> memoryview:
        """The next bytes, at most so many; none at the end. Raises what `readinto` does."""


class Content(Protocol):
    """Bytes that open again at any offset, so a 401, a lost connection or a resume never costs the body."""

    @property
    def size(self) -> int:
        """In bytes."""

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """From `offset` to the end, or `length` bytes of it."""


class BytesReader:
    """A Reader over bytes in memory."""

    __slots__ = ("_rest",)

    def __init__(self, content: bytes | memoryview) -> None:
        self._rest = memoryview(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._rest = self._rest[:0]


@dataclass(frozen=True, slots=True)
class BytesContent:
    """Content that is small enough to be held: a manifest, a config, a form."""

    held: bytes

    @property
    def size(self) -> int:
        return len(self.held)

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        end = len(self.held) if length is None else offset + length
        return BytesReader(memoryview(self.held)[offset:end])


def _nothing(_count: int) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask; the body is `length` bytes of `content` from `start`, not read yet; or all of `reader`, whose length
    nobody knows: it goes out once, in chunks (RFC 9112, 7.1), and stays its owner's to close.

    Headers are in any case, repeated fields joined by a comma. `streamed` leaves a 2xx body open as Response.stream.
    `answer_seconds` is the longest wait for the status after the last body byte, `stall_seconds` the longest silence
    before it. `referred_by` is the host whose answer named this URL (a token realm, a Location, a redirect): a private
    address is then refused unless that host is private itself. Secrets in a header never appear in the value's text.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    content: Content | None = None
    start: int = 0
    length: int | None = None
    streamed: bool = False
    referred_by: str | None = None
    answer_seconds: float = 60.0
    stall_seconds: float = 60.0
    reader: Reader | None = None

    @property
    def body_size(self) -> int:
        """How many bytes the body has; 0 where there is none."""
        if self.content is None:
            return 0
        return self.content.size - self.start if self.length is None else self.length


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered; `body` is whole and at most BODY_LIMIT, unless the request was streamed and went well.

    Header names are lower case.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: bytes = b""
    stream: Reader | None = None


class Transport(Protocol):
    """One exchange exactly as asked: no redirect followed, nothing retried, nothing authorised, any status returned."""

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = _nothing) -> Response:
        """`passed(n)` comes after every n body bytes handed on; it may wait (a rate limit).

        Raises ConnectFailed, AddressRefused, TlsRefused (PlainHttpAnswered), ConnectionLost, Stalled, ProtocolBroken,
        Cancelled.
        """


Conversation = Generator[Request, Response, T]
"""What is said next (upload, download, authorize…): yields requests, is sent responses, returns what came of it.

The driver throws ConnectionLost and Stalled into it; a conversation that cannot go on lets them pass.
"""
