"""An answer on its way to the client: head, then content and stream, framed; a body that breaks is cut visibly."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from http import HTTPStatus

from lading.errors import LadingError
from lading.fronts.http.exchange import Answer
from lading.fronts.http.outflow import JOIN_LIMIT, Outflow
from lading.wire.http_framing import CHUNK_END, LAST_CHUNK, AnswerFraming, chunk_start, framing_fields
from lading.wire.message import FileReader, Reader

_READ_SIZE = 256 * 1024


class AnswerBroken(LadingError):
    """The application gave more or fewer bytes than its Content-Length says."""

    def __init__(self, promised: int, given: int) -> None:
        super().__init__(promised, given)
        self.promised, self.given = promised, given

    def __str__(self) -> str:
        return f"an answer of {self.promised} bytes was promised and {self.given} were given"


def answer_head(answer: Answer, framing: AnswerFraming) -> bytes:
    """Status line and fields, to the empty line. Raises ValueError where a field would break out of its line."""
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = ""
    fields = [("Date", formatdate(time.time(), usegmt=True)), *answer.headers, *framing_fields(framing)]
    if any(sign in part for field in fields for part in field for sign in "\r\n\0"):
        raise ValueError("a header field stays on its line")
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Answering:
    """Sends one answer. `begun` is false until the first byte is on its way: until then another may be given."""

    def __init__(self, outflow: Outflow) -> None:
        self._outflow = outflow
        self.begun = False

    def send(self, answer: Answer, framing: AnswerFraming) -> None:
        """Everything of it. Raises what content and stream raise, AnswerBroken, ConnectionLost, Stalled."""
        head = answer_head(answer, framing)
        if not framing.has_body:
            self._send(head)
        elif framing.chunked:
            self._send_chunked(head, answer)
        elif isinstance(answer.stream, FileReader) and framing.length is not None and not answer.content:
            self._send_file(head, answer.stream, framing.length)
        else:
            self._send_plain(head, answer, framing.length)

    def _send(self, *pieces: bytes | memoryview) -> None:
        self.begun = True
        self._outflow.send(*pieces)

    def _send_chunked(self, head: bytes, answer: Answer) -> None:
        for piece in _pieces(answer):
            if piece:
                self._send(head, chunk_start(len(piece)), piece, CHUNK_END)
            elif head:
                self._send(head)
            head = b""
        self._send(head, LAST_CHUNK)

    def _send_plain(self, head: bytes, answer: Answer, length: int | None) -> None:
        """What goes beyond the length is not sent."""
        given = 0
        for piece in _pieces(answer):
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
        given = self._outflow.send_file(file, position, length)
        if given != length:
            raise AnswerBroken(length, given)


def _pieces(answer: Answer) -> Iterator[bytes | memoryview]:
    yield from answer.content
    if answer.stream:
        yield from _read(answer.stream)


def _read(stream: Reader, size: int = _READ_SIZE) -> Iterable[memoryview]:
    buffer = memoryview(bytearray(size))
    while count := stream.readinto(buffer):
        yield buffer[:count]
