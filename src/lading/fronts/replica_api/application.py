"""Another server asks for an agent that is connected here: its call opened, passed to the agent, and answered.

Nobody logs in at this door. A call is sealed with the key that all servers of the database share, for the environment
that it names, and holds for a minute, once: whoever cannot seal one gets nothing from here.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable

from lading.errors import Cancelled, LadingError, Refused
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.services.hub.hub import AgentAway, Hub
from lading.services.secrets import SealBroken, SecretBox
from lading.wire.http_framing import RequestRefused
from lading.wire.message import ConnectionLost, Reader, Request, Response, Stalled
from lading.wire.replica_call import (
    AGENTS,
    ANSWER_FIELD,
    CALL_FIELD,
    CALL_SECONDS,
    STATUS,
    AnswerHead,
    Call,
    CallInvalid,
    Failure,
    Fault,
    answer_text,
    call_place,
    failure_text,
    read_call,
)

log = logging.getLogger("lading.agents")

_DENIED = Failure(Fault.DENIED, "the call was not sealed with the key of this database, or came too late, or twice")


_PATH = re.compile(rf"{AGENTS}([0-9]{{1,18}})")


class ReplicaApi:
    """An Application for the byte server, for any number of threads. `hub` is that of this process alone."""

    def __init__(self, hub: Hub, box: SecretBox, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._hub, self._box, self._clock = hub, box, clock
        self._heard = _Once(clock)

    def __call__(self, request: IncomingRequest) -> Answer:
        """Raises what breaks a request off: Cancelled, RequestRefused."""
        environment = _environment(request)
        if environment is None:
            return _failed(Failure(Fault.DENIED, "there is nothing at this path"), 404)
        call = self._call(environment, request)
        if call is None:
            return _failed(_DENIED)
        try:
            if call.close is not None:
                self._hub.dismiss(environment, *call.close)
                return Answer(204)
            return _answered(self._hub.transport(environment).send(_request(call, request.body), request.cancel))
        except (Cancelled, RequestRefused):
            raise
        except LadingError as error:
            return _failed(_failure(error))

    def _call(self, environment: int, request: IncomingRequest) -> Call | None:
        """None where it is none that a server of ours has just made."""
        try:
            call = read_call(self._box.open(call_place(environment), request.headers.get(CALL_FIELD, "")))
        except (SealBroken, CallInvalid):
            log.warning("%s asked for an agent and could not prove to be a server of ours", request.peer)
            return None
        return call if abs(self._clock() - call.at) <= CALL_SECONDS and self._heard.first(call.once) else None


class _Once:
    """Remembers what was heard for as long as it could be said again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._until: dict[str, float] = {}

    def first(self, said: str) -> bool:
        now = self._clock()
        with self._lock:
            while self._until and next(iter(self._until.values())) <= now:
                del self._until[next(iter(self._until))]
            known = said in self._until
            self._until[said] = now + 2 * CALL_SECONDS
        return not known


def _environment(request: IncomingRequest) -> int | None:
    number = _PATH.fullmatch(request.path)
    return int(number[1]) if request.method == "POST" and number else None


def _request(call: Call, body: Reader) -> Request:
    return Request(
        call.method,
        call.url,
        call.headers,
        streamed=call.streamed,
        answer_seconds=call.answer_seconds,
        stall_seconds=call.stall_seconds,
        reader=body if call.has_body else None,
    )


def _answered(response: Response) -> Answer:
    head = AnswerHead(response.status, response.headers, response.stream is not None)
    return Answer(200, ((ANSWER_FIELD, answer_text(head)),), [response.body], response.stream, ends_with_input=True)


def _failure(error: LadingError) -> Failure:
    text, hint, code = error.afar, error.hint or "", error.code
    match error:
        case AgentAway():
            return Failure(Fault.AWAY, text)
        case ConnectionLost():
            return Failure(Fault.LOST, error.reason)
        case Stalled():
            return Failure(Fault.STALLED, text, seconds=error.seconds)
        case Refused():
            return Failure(Fault.REFUSED, text, hint, code)
        case _:
            log.error("an agent's answer could not be had for another server: %s", error)
            return Failure(Fault.FAILED, text, hint, code)


def _failed(failure: Failure, status: int | None = None) -> Answer:
    body = failure_text(failure)
    fields = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    return Answer(status or STATUS[failure.fault], fields, [body])
