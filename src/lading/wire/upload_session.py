"""A blob's upload, as the registry sees it (distribution-spec, Pushing blobs): the server's half of `upload`.

A session has one fact, its offset: how many bytes are kept. What a request may do follows from it:

    request              Content-Range       the session at offset n
    PATCH, PUT           none                takes the body at n
    PATCH, PUT           n-m                 takes the body at n, which has m-n+1 bytes where it has a length
    PATCH, PUT           s-m, s is not n     416, keeps n, says n: the client goes on there
    PATCH, PUT           anything else       400, keeps n
    PATCH, PUT, cut      –                   keeps what came: n grows by it
    PUT, wrong digest    –                   400, keeps what came
    PUT, right digest    –                   the blob; the session is over
    GET                  –                   204, says n
    DELETE               –                   204; the session is over

`Range: 0-<n-1>` says n. For n = 0 and n = 1 it is `0-0`, as every registry has it.
"""

from __future__ import annotations

import re

from lading.errors import InputInvalid, NotFound, Refused, Side

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]{1,18}|\*))?")
"""The specification has no unit; some clients send HTTP's own form."""


class UploadUnknown(NotFound):
    """No such upload session: never begun, ended, collected, or another repository's."""

    def __init__(self, session: str) -> None:
        super().__init__(session)
        self.session = session

    def __str__(self) -> str:
        return f"there is no upload {self.session[:64]!r}"


class UploadBusy(Refused):
    """Another connection is still writing to this session."""

    side = Side.CALLER

    def __init__(self, session: str) -> None:
        super().__init__(session)
        self.session = session

    def __str__(self) -> str:
        return f"upload {self.session} is being written by another connection"


class ChunkOutOfOrder(Refused):
    """A chunk that does not begin where the session stands; the session stays usable at `offset`."""

    def __init__(self, offset: int, start: int) -> None:
        super().__init__(offset, start)
        self.offset, self.start = offset, start

    def __str__(self) -> str:
        return f"the chunk begins at byte {self.start}, the upload goes on at byte {self.offset}"


class ChunkInvalid(InputInvalid):
    """A Content-Range that is none, or does not fit the body."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, reason)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"the Content-Range {self.text[:80]!r} {self.reason}"


def check_chunk(offset: int, content_range: str | None, length: int | None) -> None:
    """Whether a body of `length` bytes (None: not said) goes to a session at `offset`.

    Raises ChunkOutOfOrder, ChunkInvalid.
    """
    if content_range is None:
        return
    match = _CONTENT_RANGE.fullmatch(content_range.strip())
    if not match:
        raise ChunkInvalid(content_range, "should read <first byte>-<last byte>")
    start, last = int(match[1]), int(match[2])
    if last < start:
        raise ChunkInvalid(content_range, "ends before it begins")
    if length is not None and length != last - start + 1:
        raise ChunkInvalid(content_range, f"does not fit a body of {length} bytes")
    if start != offset:
        raise ChunkOutOfOrder(offset, start)


def range_of(offset: int) -> str:
    """The Range field that says where a session stands."""
    return f"0-{max(offset - 1, 0)}"
