"""A request in the frames of LADING_STREAMS: every one is a stream with a true status, and goes on over any socket.

request ─▶ (pieces of its body ─▶ body_end)     head ◀─ pieces of the answer's body ◀─ stream_end
received ◀── from whoever takes a body: that is how far its sender may go, and from where it goes on after a loss
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lading.backends.edge_hub.answer import Answer, AnswerHead
from lading.backends.edge_hub.exchange import READ_AT_ONCE, Asked, OfRequest, Send, has_body, opened_body
from lading.backends.edge_hub.failures import AgentFailed, AgentGone
from lading.wire.message import Cancel, Reader, ReadFailed
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_flow import Inflow, Outflow
from lading.wire.tunnel_frames import BodyEnd, End, ErrorFrame, Head, Received, RequestFrame, StreamEnd
from lading.wire.tunnel_pieces import BodyPiece, piece_message
from lading.wire.tunnel_text import frame_text

_REFUSED_FROM = 400


class OurExchange:
    """See Exchange."""

    cancelable = True

    def __init__(self, asked: Asked, answer: Answer) -> None:
        self.id, self.answer = asked.id, answer
        self._asked, self._request = asked, asked.request
        self._lock = threading.RLock()
        self._out: Send | None = None
        self._inflow, self._outflow = Inflow(), Outflow(asked.id)
        self._body_end: BodyEnd | None = None

    @property
    def frame(self) -> RequestFrame:
        """See Exchange."""
        request, asked = self._request, self._asked
        return RequestFrame(
            asked.id, request.method, asked.path, request.headers, streaming=True, has_body=has_body(request)
        )

    @property
    def arrived(self) -> int:
        """How many bytes of the answer's body are here: what a welcome says of it."""
        with self._lock:
            return self._inflow.arrived

    def opened(self, out: Send) -> None:
        """See Exchange."""
        with self._lock:
            self._out = out

    # ── heard

    def hear(self, frame: OfRequest) -> None:
        """See Exchange."""
        with self._lock:
            self._hear(frame)

    def _hear(self, frame: OfRequest) -> None:
        match frame:
            case Head():
                self._begin(AnswerHead(frame.status, frame.headers))
            case BodyPiece() if self.answer.head is not None:
                self.answer.put(bytes(self._inflow.take(frame)))
            case StreamEnd():
                self._ended(frame)
            case ErrorFrame(error):
                self.answer.fail(AgentFailed(error))
            case Received(_, count):
                self._outflow.received(count)
                self.answer.wake()
            case _:
                raise FrameInvalid("it is of another kind of request, or comes before its head")

    def _begin(self, head: AnswerHead) -> None:
        """It comes again with a new socket: the agent cannot know whether it got through."""
        if self.answer.head is None:
            self.answer.begin(head)
        elif self.answer.head != head:
            raise FrameInvalid("a second head")

    def _ended(self, end: StreamEnd) -> None:
        if end.reason is not End.COMPLETED:
            self.answer.fail(AgentFailed(end.error or f"it says that it {end.reason}"))
        elif self.answer.head is None or end.count is None:
            raise FrameInvalid("a stream ends that never began, or without a count")
        elif self._inflow.whole(end.count):
            self.answer.end()
        else:
            self.answer.fail(AgentGone(f"{end.count - self._inflow.arrived} bytes of the answer were still to come"))

    # ── a lost socket, and the next

    def lost(self, now: float) -> None:
        """See Exchange: everything can wait, and goes on over the agent's next socket."""
        with self._lock:
            self._out = None
        self.answer.adrift(now)

    def resume(self, out: Send, received: int) -> None:
        """The agent has a new socket, and so much of the body: what was on its way goes out again. Raises
        FrameInvalid."""
        with self._lock:
            again = self._outflow.resume(received)
            self._out = out
            self.answer.found()
            for piece in again:
                out(piece_message(piece))
            if self._body_end is not None:
                out(frame_text(self._body_end))
            out(frame_text(Received(self.id, self._inflow.again())))

    def handed_on(self, count: int) -> None:
        """The agent may go further."""
        with self._lock:
            received = self._inflow.handed(count)
            if received is not None and not self.answer.settled:
                self._send(frame_text(Received(self.id, received)))

    def _send(self, frame: str | bytes) -> None:
        """Nothing where the socket is gone: what counts goes out again with the next."""
        if self._out is not None:
            self._out(frame)

    # ── the request's body

    def send_body(self, cancel: Cancel, passed: Callable[[int], None]) -> None:
        """See Exchange. An engine that refuses it, or has answered whole, wants no more of it."""
        if not has_body(self._request):
            return
        try:
            with opened_body(self._request) as reader:
                self._send_pieces(reader, cancel, passed)
        except BaseException:
            self._end_body(End.FAILED)
            raise

    def _send_pieces(self, reader: Reader, cancel: Cancel, passed: Callable[[int], None]) -> None:
        buffer = memoryview(bytearray(READ_AT_ONCE))
        left = None if self._request.reader is not None else self._request.body_size
        while left != 0 and (count := reader.readinto(buffer if left is None else buffer[:left])):
            if not self._give(bytes(buffer[:count]), cancel):
                return
            passed(count)
            left = None if left is None else left - count
        if left:
            raise ReadFailed("the content to send", f"it ends {left} bytes early")
        self._end_body(End.COMPLETED)

    def _give(self, content: bytes, cancel: Cancel) -> bool:
        """Whether the engine wants more of it."""
        self.answer.wait(lambda: self._unwanted or self._has_room(len(content)), self._request.stall_seconds, cancel)
        with self._lock:
            if self._unwanted:
                return False
            for piece in self._outflow.give(content):
                self._send(piece_message(piece))
        cancel.check()
        return True

    @property
    def _unwanted(self) -> bool:
        head = self.answer.head
        return self.answer.settled or (head is not None and head.status >= _REFUSED_FROM)

    def _has_room(self, count: int) -> bool:
        with self._lock:
            return self._outflow.room >= count

    def _end_body(self, reason: End) -> None:
        with self._lock:
            self._body_end = BodyEnd(self.id, reason, self._outflow.given)
            self._send(frame_text(self._body_end))
