"""A URL to a file, within limits. What is cut off is gone on with where it stopped, as long as it is still the same.

Only GETs are sent, and nothing of ours is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from lading.backends.advisories.failures import DownloadRefused, DownloadTooLong, SourceUnknown, storing
from lading.errors import RateLimited, Side
from lading.services.scans.advisories import shown_url
from lading.wire.download import check_encoding
from lading.wire.locations import follow
from lading.wire.message import Cancel, ConnectionLost, Conversation, Reader, Request, Response, Stalled, Transport

DOWNLOAD_LIMIT = 8 * 1024**3
"""The longest file, in bytes; the largest dump has some hundreds of millions."""

TRIES = 5
"""Connections that one file may take."""

_AGAIN_SECONDS = 2.0
_BUFFER = 256 * 1024

T = TypeVar("T")


class DownloadLater(RateLimited):
    """The server of advisories asks us to come later."""

    side = Side.SOURCE
    hint = "Try it again in some minutes."

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    def __str__(self) -> str:
        return f"{self.url} asks us to come later"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that came whole; `modified` is of what time the server says it is, in seconds since 1970."""

    path: Path
    size: int
    modified: float | None


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a file, without their ends; `modified` as of Arrived."""

    each: Iterator[bytes]
    modified: float | None


class Downloads:
    """For one thread. `passed` hears of every so many bytes."""

    def __init__(self, transport: Transport, cancel: Cancel, passed: Callable[[int], None]) -> None:
        self._transport, self._cancel, self._passed = transport, cancel, passed

    def fetch(self, url: str, to: Path, limit: int = DOWNLOAD_LIMIT) -> Arrived:
        """All of it. Raises SourceUnknown, DownloadRefused, DownloadLater, DownloadTooLong, NetworkFailed,
        ProtocolBroken, AdvisoriesFull, AdvisoriesUnusable, Cancelled."""
        with storing(to), to.open("wb") as file:
            return self._fetch(url, to, file, limit)

    def _fetch(self, url: str, to: Path, file: BinaryIO, limit: int) -> Arrived:
        mark: str | None = None
        for left in reversed(range(TRIES)):
            response = self._answer(url, file.tell() if mark else 0, mark)
            if response.status == 200 and file.tell():  # it has changed, or is not sent in parts
                file.seek(0)
                file.truncate()
            mark = _mark(response)
            try:
                self._take(response, url, file, limit)
                return Arrived(to, file.tell(), _modified(response))
            except (ConnectionLost, Stalled):
                if not left:
                    raise
            if mark is None:
                file.seek(0)
                file.truncate()
            self._cancel.wait(_AGAIN_SECONDS)
        raise AssertionError

    @contextmanager
    def lines(self, url: str) -> Iterator[Lines]:
        """A file that is read from its beginning on, perhaps not to its end. Raises as `fetch`."""
        response = self._answer(url, 0, None)
        assert response.stream is not None
        with closing(response.stream):
            yield Lines(_lines(response.stream, shown_url(url)), _modified(response))

    def _answer(self, url: str, start: int, mark: str | None) -> Response:
        """Open at `start`, if it still is what it was when it was marked so. Raises as `fetch`."""
        headers = {"accept": "*/*", "accept-encoding": "identity"}
        if start and mark:
            headers |= {"range": f"bytes={start}-", "if-range": mark}
        asked, response = self._driven(follow(Request("GET", url, headers, streamed=True)))
        if response.stream is None:
            raise _refused(url, response)
        try:
            check_encoding(asked, response)
            partly = start > 0 and response.headers.get("content-range", "").startswith(f"bytes {start}-")
            if response.status != 200 and not (response.status == 206 and partly):
                raise DownloadRefused(shown_url(url), response.status)
        except BaseException:
            response.stream.close()
            raise
        return response

    def _driven(self, conversation: Conversation[T]) -> T:
        request = next(conversation)
        while True:
            try:
                request = conversation.send(self._transport.send(request, self._cancel))
            except StopIteration as over:
                found: T = over.value
                return found

    def _take(self, response: Response, url: str, file: BinaryIO, limit: int) -> None:
        assert response.stream is not None
        buffer = memoryview(bytearray(_BUFFER))
        with closing(response.stream) as stream:
            while count := stream.readinto(buffer):
                if file.tell() + count > limit:
                    raise DownloadTooLong(shown_url(url), limit)
                file.write(buffer[:count])
                self._passed(count)


def _lines(stream: Reader, url: str) -> Iterator[bytes]:
    buffer = memoryview(bytearray(64 * 1024))
    rest = b""
    while count := stream.readinto(buffer):
        *whole, rest = (rest + bytes(buffer[:count])).split(b"\n")
        if len(rest) > _BUFFER:
            raise DownloadTooLong(url, _BUFFER)
        yield from whole
    if rest:
        yield rest


def _refused(url: str, response: Response) -> Exception:
    shown = shown_url(url)
    if response.status in {404, 410}:
        return SourceUnknown(shown)
    if response.status in {429, 503}:
        return DownloadLater(shown)
    return DownloadRefused(shown, response.status)


def _mark(response: Response) -> str | None:
    """What tells this content from a later one (RFC 9110, 13.1.5: a strong ETag, else its date)."""
    tag = response.headers.get("etag", "")
    if tag.startswith('"'):
        return tag
    return response.headers.get("last-modified")


def _modified(response: Response) -> float | None:
    try:
        return parsedate_to_datetime(response.headers["last-modified"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
