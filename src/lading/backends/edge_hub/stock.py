"""A stream of a stock agent: it has neither status nor headers, and goes on over the agent's next socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from lading.backends.edge_hub.answer import Answer, AnswerHead
from lading.backends.edge_hub.exchange import Asked, OfRequest, Send
from lading.backends.edge_hub.failures import AgentAnswerTooLong, AgentFailed, AgentGone
from lading.wire.docker_faults import fault, message_of
from lading.wire.message import BODY_LIMIT, Cancel
from lading.wire.tunnel_answers import AnswerGap, Kind, StockAnswer
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_frames import (
    End,
    ErrorFrame,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
)

_EVENTS = "/events"


class StockStream:
    """A request without a body."""

    cancelable = True

    def __init__(self, asked: Asked, answer: Answer) -> None:
        self.id, self.answer = asked.id, answer
        self._asked = asked
        self._lock = threading.Lock()
        self._told = StockAnswer()

    @property
    def frame(self) -> RequestFrame:
        """See Exchange."""
        request = self._asked.request
        return RequestFrame(self.id, request.method, self._asked.path, request.headers, streaming=True)

    def opened(self, out: Send) -> None:  # noqa: ARG002  nothing follows the frame that asks
        """See Exchange. A stream of events says nothing until something happens, and whoever asked has more to do than
        to wait for that: the engine refuses it in its first line, or not at all."""
        if unquote(urlsplit(self._asked.path).path).endswith(_EVENTS):
            self.answer.begin(AnswerHead(200, {}))

    def hear(self, frame: OfRequest) -> None:
        """See Exchange."""
        self.answer.found()
        match frame:
            case StreamFrame(_, content):
                self._take(lambda: self._told.feed(content))
            case StreamEnd(_, End.COMPLETED):
                self._take(self._told.end)
                self._end()
            case StreamEnd(_, _, error):
                self.answer.fail(AgentFailed(error or "it says that this was stopped"))
            case ErrorFrame(error):
                self.answer.fail(AgentFailed(error))
            case ResponseFrame() if self._told.kind is Kind.UNKNOWN:
                self._answer_whole(frame)
            case _:
                raise FrameInvalid("a stream of the protocol 1.0 has no such frames")

    def _take(self, step: Callable[[], bytes]) -> None:
        with self._lock:
            try:
                ready = step()
            except AnswerGap as error:
                raise AgentGone(str(error)) from error
        status = self._told.status
        if status is None:
            return
        if self._told.kind is Kind.REFUSED:
            self._refuse(status, self._told.refusal)
            return
        if self.answer.head is None:
            self.answer.begin(AnswerHead(status, {}))
        self.answer.put(ready)

    def _refuse(self, status: int, said: bytes) -> None:
        """What the engine answered instead of beginning."""
        if self.answer.head is not None:
            self.answer.fail(fault(message_of(said), status))
            return
        self.answer.begin(AnswerHead(status, {}))
        self.answer.put(said)
        self.answer.end()

    def _end(self) -> None:
        """After a gap nobody knows whether a line is missing that told of a failure: that is no good end."""
        if self._told.gaps:
            self.answer.fail(AgentGone("it was away for a while, and part of its answer is lost"))
        elif not self.answer.settled:
            self.answer.end()

    def _answer_whole(self, frame: ResponseFrame) -> None:
        """It did not take it for a stream."""
        if len(frame.body) > BODY_LIMIT:
            raise AgentAnswerTooLong(BODY_LIMIT)
        self.answer.begin(AnswerHead(frame.status, frame.headers))
        self.answer.put(frame.body)
        self.answer.end()

    def lost(self, now: float) -> None:
        """See Exchange: lines may go on, what is no lines cannot."""
        self.answer.adrift(now)
        with self._lock:
            try:
                self._told.gap()
            except AnswerGap:
                self.answer.fail(AgentGone("it went away in the middle of its answer"))

    def send_body(self, cancel: Cancel, passed: Callable[[int], None]) -> None:
        """See Exchange."""

    def handed_on(self, count: int) -> None:
        """See Exchange."""
