"""A request to a stock agent that is answered whole, over the same socket, within the agent's thirty seconds."""

from __future__ import annotations

from collections.abc import Callable

from lading.backends.edge_hub.answer import Answer, AnswerHead
from lading.backends.edge_hub.exchange import READ_AT_ONCE, Asked, OfRequest, Send, has_body, opened_body
from lading.backends.edge_hub.failures import (
    AgentAnswerTooLong,
    AgentCannot,
    AgentFailed,
    AgentGaveUp,
    AgentGone,
)
from lading.wire.message import BODY_LIMIT, Cancel, Request
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_frames import ErrorFrame, Hello, RequestFrame, ResponseFrame

BODY_AT_ONCE = 8 * 1024 * 1024
"""Bytes of a request's body that go to a stock agent, in one frame."""

AGENT_SECONDS = 30.0
"""After which a stock agent ends what is no stream."""

_GAVE_UP_FROM = AGENT_SECONDS - 1.0
"""An agent that fails so late has given up: it says it in words that nobody reads."""


class PlainExchange:
    """`body` is what goes with it; None where there is none."""

    cancelable = False  # agents look for what is to be stopped among their streams

    def __init__(self, asked: Asked, body: bytes | None, answer: Answer, monotonic: Callable[[], float]) -> None:
        self.id, self.answer = asked.id, answer
        self._asked, self._body, self._monotonic = asked, body, monotonic
        self._since = monotonic()

    @property
    def frame(self) -> RequestFrame:
        """See Exchange."""
        request, body = self._asked.request, self._body
        return RequestFrame(
            self.id, request.method, self._asked.path, request.headers, body=body, is_binary=body is not None
        )

    def opened(self, out: Send) -> None:  # noqa: ARG002  all of it goes with the frame that asks
        """See Exchange."""
        self._since = self._monotonic()

    def hear(self, frame: OfRequest) -> None:
        """See Exchange. Raises FrameInvalid, AgentAnswerTooLong."""
        match frame:
            case ResponseFrame(_, status, headers, body) if len(body) <= BODY_LIMIT:
                self.answer.begin(AnswerHead(status, headers))
                self.answer.put(body)
                self.answer.end()
            case ResponseFrame():
                raise AgentAnswerTooLong(BODY_LIMIT)
            case ErrorFrame(error):
                waited = self._monotonic() - self._since
                self.answer.fail(AgentFailed(error) if waited < _GAVE_UP_FROM else AgentGaveUp(waited))
            case _:
                raise FrameInvalid("a request that is no stream was answered with one")

    def lost(self, now: float) -> None:  # noqa: ARG002  it cannot wait
        """See Exchange."""
        self.answer.fail(AgentGone("it went away before it answered"))

    def send_body(self, cancel: Cancel, passed: Callable[[int], None]) -> None:
        """See Exchange."""

    def handed_on(self, count: int) -> None:
        """See Exchange."""


def whole_body(request: Request, hello: Hello, cancel: Cancel, passed: Callable[[int], None]) -> bytes | None:
    """What a stock agent is to be sent with a request; None where that has no body. Raises AgentCannot, ReadFailed,
    Cancelled."""
    if not has_body(request):
        return None
    if not hello.has_token_hash:
        raise AgentCannot("Stock agents of before 2026 carry no content to their host.")
    if request.body_size > BODY_AT_ONCE:
        raise _too_long()
    body, buffer = bytearray(), memoryview(bytearray(READ_AT_ONCE))
    with opened_body(request) as reader:
        while count := reader.readinto(buffer):
            cancel.check()
            body += buffer[:count]
            if len(body) > BODY_AT_ONCE:
                raise _too_long()
            passed(count)
    return bytes(body)


def _too_long() -> AgentCannot:
    return AgentCannot(f"A stock agent carries no more than {BODY_AT_ONCE // 1024**2} MiB to its host.")
