"""One request and its answer where both ends speak LADING_STREAMS: true status and headers, a body in each direction,
over as many connections as it takes.

    the receiving thread   pieces, received, cancel, a new connection
    a thread of its own    asks the engine, and gives its answer as far as the server has room
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError
from lading.fronts.agent.arriving import ArrivingBody
from lading.fronts.agent.asking import Ask, answer_headers
from lading.fronts.agent.connection import Connection
from lading.wire.message import BytesReader, Reader
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_flow import Outflow
from lading.wire.tunnel_frames import BodyEnd, End, Frame, Head, Received, RequestFrame, StreamEnd
from lading.wire.tunnel_pieces import PIECE_LIMIT, BodyPiece, piece_message
from lading.wire.tunnel_text import frame_text


class StreamedWork:
    """See above. `over` is called once, by the thread that ran it, after its end was told."""

    def __init__(self, frame: RequestFrame, ask: Ask, line: Connection, over: Callable[[str], None]) -> None:
        self.id = frame.request_id
        self._ask, self._over = ask, over
        self._line: Connection | None = line
        self._cancel = Cancellation()
        self._changed = threading.Condition()
        self._flow = Outflow(self.id)
        self._head: Head | None = None
        self._end: StreamEnd | None = None
        self._failure: LadingError | None = None
        self._body = ArrivingBody(self._cancel, self._handed) if frame.has_body else None

    # ── on its own thread

    def run(self) -> None:
        """Until all of the answer was given, or it failed, which is told as well."""
        reason, error = End.FAILED, "the agent failed, and its log says how"
        try:
            with self._cancel, self._cancel.closing(self._look_again):
                self._answer()
            reason, error = End.COMPLETED, ""
        except LadingError as failure:
            cause = self._failure or failure
            reason = End.CANCELLED if isinstance(cause, Cancelled) else End.FAILED
            error = cause.afar
        finally:
            with self._changed:
                self._end = StreamEnd(self.id, reason, error, self._flow.given)
                self._tell(self._end)
            self._over(self.id)

    def _answer(self) -> None:
        response = self._ask(self._cancel, self._body)
        with closing(response.stream or BytesReader(response.body)) as stream:
            with self._changed:
                self._head = Head(self.id, response.status, answer_headers(response))
                self._tell(self._head)
            self._give(stream)

    def _give(self, stream: Reader) -> None:
        buffer = memoryview(bytearray(PIECE_LIMIT))
        while count := stream.readinto(buffer):
            rest = bytes(buffer[:count])
            while rest:
                rest = rest[self._give_some(rest) :]

    def _give_some(self, content: bytes) -> int:
        """As much as there is room for, once there is some."""
        with self._changed:
            while not self._flow.room:
                self._cancel.check()
                self._changed.wait()
            part = content[: self._flow.room]
            for piece in self._flow.give(part):
                self._tell(piece)
            return len(part)

    def _handed(self, count: int) -> None:
        with self._changed:
            self._tell(Received(self.id, count))

    # ── on the thread that receives

    @property
    def arrived(self) -> int:
        """How many bytes of the request's body have come."""
        return 0 if self._body is None else self._body.arrived

    def take(self, frame: Frame | BodyPiece) -> None:
        """What the server says of this request. What cannot be makes the request fail, and nothing else."""
        try:
            self._take(frame)
        except FrameInvalid as error:
            self.cancel(error)

    def _take(self, frame: Frame | BodyPiece) -> None:
        match frame:
            case Received(_, count):
                with self._changed:
                    self._flow.received(count)
                    self._changed.notify_all()
            case BodyPiece() if self._body is not None:
                self._body.take(frame)
            case BodyEnd(_, reason, count) if self._body is not None:
                self._body.end(reason, count)
            case StreamEnd():
                self.cancel()

    def cancel(self, cause: LadingError | None = None) -> None:
        """Breaks the request to the engine off, because the server wants it or for another cause; one that has ended
        says so again."""
        with self._changed:
            if self._end is not None:
                self._tell(self._end)
        self._failure = self._failure or cause
        self._cancel.cancel()

    def lost(self) -> None:
        """The connection is gone: what is given meanwhile is kept."""
        with self._changed:
            self._line = None

    def resume(self, line: Connection, received: int) -> None:
        """Goes on over a new connection, at the end of which `received` bytes of the answer's body have come."""
        with self._changed:
            self._line = line
            try:
                again = list(self._flow.resume(received))
            except FrameInvalid as error:
                again = []
                self.cancel(error)
            for told in (self._head, *again, self._end):
                if told is not None:
                    self._tell(told)
        if self._body is not None:
            self._handed(self._body.again())

    def _tell(self, said: Frame | BodyPiece) -> None:
        """Under the lock, so that everything goes out in its order."""
        if self._line is not None:
            self._line.send(piece_message(said) if isinstance(said, BodyPiece) else frame_text(said))

    def _look_again(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._body is not None:
            self._body.look_again()
