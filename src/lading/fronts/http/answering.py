"""An answer on its way to the client: head, then content and stream, framed; a body that breaks is cut visibly."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from lading.errors import LadingError
from lading.fronts.http.exchange import Answer
from lading.fronts.http.outflow import JOIN_LIMIT, Outflow
from lading.wire.http_framing import CHUNK_END, LAST_CHUNK, AnswerFraming, chunk_start, framing_fields
from lading.wire.message import FileReader, LendingReader, Reader


class AnswerBroken(LadingError):
    """The application gave more or fewer bytes than its Content-Length says."""

    def __init__(self, promised: int, given: int) -> None:
        super().__init__(promised, given)
        self.promised, self.given = promised, given

    def __str__(self) -> str:
        return f"an answer of {self.promised} bytes was promised and {self.given} were given"


def answer_head(answer: Answer, framing: AnswerFraming) -> bytes:
    """Status line and fields, to the empty line. Raises ValueError where a field would break out of its line."""
    fields = [*answer.headers, *framing_fields(framing)]
    lines = [_status_line(answer), _date_field(int(time.time()))]
    lines += [f"{name}: {value}" for name, value in fields]
    head = "\r\n".join([*lines, "", ""])
    ends = len(lines) + 1
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise ValueError("a header field stays on its line")
    return head.encode("latin-1")


def _status_line(answer: Answer) -> str:
    if answer.reason is not None:
        return f"HTTP/1.1 {answer.status} {answer.reason}"
    return _STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} "


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


@lru_cache(maxsize=2)
def _date_field(second: int) -> str:
    """The same for all answers of a second, since 1970."""
    return f"Date: {formatdate(second, usegmt=True)}"


class Answering:
    """Sends one answer, holding `piece` bytes of it at a time. `begun` is false until the first byte is on its way:
    until then another may be given."""

    def __init__(self, outflow: Outflow, piece: int) -> None:
        self._outflow, self._piece = outflow, piece
        self.begun = False

    def send(self, answer: Answer, framing: AnswerFraming) -> None:
        """Everything of it. Raises what content and stream raise, AnswerBroken, ConnectionLost, Stalled."""
        head = answer_head(answer, framing)
        if not framing.has_body:
            self._send(head)
        elif framing.chunked:
            self._send_chunked(head, answer)
        elif answer.stream is None or answer.content or framing.length is None:
            self._send_plain(head, answer, framing.length)
        elif isinstance(answer.stream, FileReader):
            self._send_file(head, answer.stream, framing.length)
        else:
            self._send_plain(head, answer, framing.length)

    def _send(self, *pieces: bytes | memoryview) -> None:
        self.begun = True
        self._outflow.send(*pieces)

    def _send_chunked(self, head: bytes, answer: Answer) -> None:
        for piece in _pieces(answer, self._piece):
            if piece:
                self._send(head, chunk_start(len(piece)), piece, CHUNK_END)
            elif head:
                self._send(head)
            head = b""
        self._send(head, LAST_CHUNK)

    def _send_plain(self, head: bytes, answer: Answer, length: int | None) -> None:
        """What goes beyond the length is not sent."""
        given = 0
        for piece in _pieces(answer, self._piece):
            given += len(piece)
            if length is not None and given > length:
                raise AnswerBroken(length, given)
            self._send(head, piece)
            head = b""
        if head:
            self._send(head)
        if length is not None and given < length:
            raise AnswerBroken(length, given)

    def _send_file(self, head: bytes, stream: FileReader, length: int) -> None:
        """A short file costs one system call to read and one to send, a longer one is left to the kernel."""
        if length < JOIN_LIMIT:
            content = b"".join(bytes(piece) for piece in _read(stream, max(length, 1)))
            if len(content) != length:
                raise AnswerBroken(length, len(content))
            self._send(head, content)
            return
        self._send(head)
        file, position = stream.file()
        given = self._outflow.send_file(file, position, length, self._piece)
        if given != length:
            raise AnswerBroken(length, given)


def _pieces(answer: Answer, size: int) -> Iterator[bytes | memoryview]:
    yield from answer.content
    if answer.stream:
        yield from _read(answer.stream, size)


def _read(stream: Reader, size: int) -> Iterable[memoryview]:
    if isinstance(stream, LendingReader):
        while piece := stream.lent(size):
            yield piece
        return
    buffer = memoryview(bytearray(size))
    while count := stream.readinto(buffer):
        yield buffer[:count]
