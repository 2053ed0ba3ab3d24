"""One request and its answer where the server speaks the protocol of the field alone: a whole answer, or a stream that
has no status. It outlives its connection; what it says meanwhile is lost, as with every agent of the field."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError
from lading.fronts.agent.asking import Ask, answer_headers
from lading.fronts.agent.connection import Connection
from lading.wire.message import BytesReader, Reader
from lading.wire.tunnel_frames import (
    End,
    ErrorCode,
    ErrorFrame,
    Frame,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
)
from lading.wire.tunnel_pieces import BodyPiece
from lading.wire.tunnel_text import frame_text

SLICE = 4096
"""Bytes of one stream frame, as agents of the field send them."""

WHOLE_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is no stream: in base64, what a server of the field takes in one message."""


class AnswerTooLong(LadingError):
    """An answer that was not asked for as a stream, and fits into no message."""

    code = "too_long"

    def __str__(self) -> str:
        return f"the engine's answer is longer than {WHOLE_LIMIT} bytes; it has to be asked for as a stream"


class StockWork:
    """`run` has a thread of its own; everything else is the receiving thread's."""

    arrived = 0

    def __init__(self, frame: RequestFrame, ask: Ask, line: Connection, over: Callable[[str], None]) -> None:
        self.id = frame.request_id
        self._streaming = frame.streaming
        self._ask, self._over = ask, over
        self._line: Connection | None = line
        self._cancel = Cancellation()
        self._cause: LadingError | None = None

    def run(self) -> None:
        """Until all of the answer was given, or it failed, which is told as well."""
        reason, error = End.FAILED, "the agent failed, and its log says how"
        try:
            with self._cancel:
                self._answer()
            reason, error = End.COMPLETED, ""
        except LadingError as failure:
            cause = self._cause or failure
            reason = End.CANCELLED if isinstance(cause, Cancelled) else End.FAILED
            error = cause.afar
        finally:
            if reason is End.FAILED:
                self._tell(ErrorFrame(error, self.id, ErrorCode.DOCKER_ERROR))
            if self._streaming or reason is End.CANCELLED:
                self._tell(StreamEnd(self.id, reason, error))
            self._over(self.id)

    def _answer(self) -> None:
        response = self._ask(self._cancel, None)
        with closing(response.stream or BytesReader(response.body)) as body:
            if self._streaming:
                self._stream(body)
            else:
                self._tell(ResponseFrame(self.id, response.status, answer_headers(response), self._whole(body)))

    def _stream(self, body: Reader) -> None:
        buffer = memoryview(bytearray(SLICE))
        while count := body.readinto(buffer):
            line = self._line
            if line is not None:
                line.room(self._cancel)
            self._tell(StreamFrame(self.id, bytes(buffer[:count])))

    def _whole(self, body: Reader) -> bytes:
        whole = bytearray()
        buffer = memoryview(bytearray(64 * 1024))
        while count := body.readinto(buffer):
            whole += buffer[:count]
            if len(whole) > WHOLE_LIMIT:
                raise AnswerTooLong
        return bytes(whole)

    def take(self, frame: Frame | BodyPiece) -> None:
        """What the server says of this request."""
        if isinstance(frame, StreamEnd):
            self.cancel()

    def cancel(self, cause: LadingError | None = None) -> None:
        """Breaks the request to the engine off, because the server wants it or for another cause."""
        self._cause = self._cause or cause
        self._cancel.cancel()

    def lost(self) -> None:
        """The connection is gone."""
        self._line = None

    def resume(self, line: Connection, received: int) -> None:  # noqa: ARG002  nobody counts in this protocol
        """Goes on over a new connection."""
        self._line = line

    def _tell(self, frame: Frame) -> None:
        line = self._line
        if line is not None:
            line.send(frame_text(frame))
