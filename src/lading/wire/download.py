"""A blob's way down: one GET of a range, wherever redirects lead, and what the answer really holds.

    asked       answered                       what is done
    0 to end    200 (206 of the whole)         taken
    a range     206, Content-Range as asked    taken; one that ends early is taken, and its reader asks again
    a range     200                            the registry ignores ranges: what lies before is read and dropped
    a range     416                            asked again without a range, once
    any         another length or range        refused before a byte is taken
    any         Content-Encoding               refused: a proxy has repacked the bytes, their digest cannot be right

Nothing is hashed here: whoever takes the bytes does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from lading.errors import ContentCorrupt, ProtocolBroken, Side
from lading.oci.digest import Digest
from lading.wire.locations import EXPIRED, follow
from lading.wire.message import Conversation, Reader, Request, Response
from lading.wire.registry_errors import Refusal, refused

_LENGTH = re.compile(r"[0-9]{1,18}")
_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


class RangeWrong(ProtocolBroken):
    """The registry answered a range that was not asked for."""

    side = Side.SOURCE

    def __init__(self, host: str, asked: str, answered: str) -> None:
        super().__init__(host, asked, answered)
        self.host, self.asked, self.answered = host, asked, answered

    def __str__(self) -> str:
        return f"{self.host} was asked for {self.asked} and answered {self.answered}"


class EncodingRefused(ProtocolBroken):
    """Somebody on the way has repacked the bytes."""

    side = Side.SOURCE
    hint = "A proxy in front of the registry compresses answers; it must leave blobs and manifests alone."

    def __init__(self, host: str, encoding: str) -> None:
        super().__init__(host, encoding)
        self.host, self.encoding = host, encoding

    def __str__(self) -> str:
        return f"{self.host} answered with Content-Encoding {self.encoding}, though bytes as they are were asked for"


class LengthWrong(ContentCorrupt):
    """The registry's content is not as long as its descriptor says."""

    def __init__(self, digest: Digest, expected: int, answered: int) -> None:
        super().__init__(digest, expected, answered)
        self.digest, self.expected, self.answered = digest, expected, answered

    def __str__(self) -> str:
        return f"{self.digest} should have {self.expected} bytes; the registry has {self.answered}"


class AddressNotTaken(ProtocolBroken):
    """The registry sent us on to a store of content, and neither the address that it gave us is taken there nor the
    next: its own affair, as who asks has no account at the store."""

    side = Side.SOURCE
    why = "A registry signs such an address, for some minutes: by a clock or a key that is wrong, none is taken."
    hint = "Whoever runs the registry compares its clock with the store's, and looks at its key for the store."

    def __init__(self, registry: str, refusal: Refusal) -> None:
        super().__init__(registry, refusal)
        self.registry, self.refusal = registry, refusal
        self.raw = refusal.excerpt or None

    def __str__(self) -> str:
        from lading.wire.store_errors import said  # noqa: PLC0415  a transfer that goes well need not load it

        why = said(self.refusal.excerpt)
        return f"{self.registry} sent us on to {self.refusal.host}, which answered {self.refusal.status}{why}"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` (exclusive) of content that has `size`."""

    digest: Digest
    size: int
    start: int
    end: int

    @property
    def whole(self) -> bool:
        """Whether no range needs to be asked for."""
        return self.start == 0 and self.end == self.size


@dataclass(frozen=True, slots=True)
class Part:
    """An open stream: `skip` bytes to drop, then `length` bytes that were asked for (perhaps not all of them)."""

    stream: Reader
    skip: int
    length: int


def download(url: str, span: Span) -> Conversation[Part]:
    """Open the span. Raises RangeWrong, EncodingRefused, LengthWrong, LocationBroken, AddressNotTaken, and what
    `refused` makes."""
    headers = {"accept": "*/*", "accept-encoding": "identity"}
    if not span.whole:
        headers["range"] = f"bytes={span.start}-{span.end - 1}"
    asked, response = yield from follow(Request("GET", url, headers, streamed=True))
    if response.status == 416 and not span.whole:
        asked, response = yield from follow(replace(asked, url=url, headers=_without_range(headers), referred_by=None))
    return _part(asked, response, span)


def _without_range(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "range"}


def _part(asked: Request, response: Response, span: Span) -> Part:
    if response.status not in {200, 206} or response.stream is None:
        if asked.referred_by is not None and response.status in EXPIRED:
            raise AddressNotTaken(asked.referred_by, Refusal.of(asked, response))
        raise refused(asked, response)
    try:
        return _checked(asked, response, response.stream, span)
    except (ProtocolBroken, ContentCorrupt):
        response.stream.close()
        raise


def _checked(asked: Request, response: Response, stream: Reader, span: Span) -> Part:
    check_encoding(asked, response)
    length = content_length(response.headers)
    if response.status == 200:
        if length is not None and length != span.size:
            raise LengthWrong(span.digest, span.size, length)
        return Part(stream, span.start, span.end - span.start)
    start, end = _range(asked, response, span)
    if length is not None and length != end - start:
        raise LengthWrong(span.digest, end - start, length)
    return Part(stream, 0, end - start)


def check_encoding(asked: Request, response: Response) -> None:
    """Raises EncodingRefused where the body is not the bytes themselves."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise EncodingRefused(urlsplit(asked.url).netloc, encoding)


def _range(asked: Request, response: Response, span: Span) -> tuple[int, int]:
    """Start and end of what a 206 holds: it begins where we asked and goes no further than we asked."""
    said = response.headers.get("content-range", "")
    found = _CONTENT_RANGE.fullmatch(said.strip())
    wanted = f"bytes {span.start}-{span.end - 1}"
    if found is None:
        raise RangeWrong(urlsplit(asked.url).netloc, wanted, f"Content-Range {said[:80]!r}")
    start, end = int(found[1]), int(found[2]) + 1
    if found[3] != "*" and int(found[3]) != span.size:
        raise LengthWrong(span.digest, span.size, int(found[3]))
    if start != span.start or not start < end <= span.end:
        raise RangeWrong(urlsplit(asked.url).netloc, wanted, f"bytes {start}-{end - 1}")
    return start, end


def content_length(headers: Mapping[str, str]) -> int | None:
    """In bytes; None where it is not said, or not in a number that content could have."""
    text = headers.get("content-length", "").strip()
    return int(text) if _LENGTH.fullmatch(text) else None
