"""Agents that another server holds, asked through the door that servers of one database have for each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from lading.backends.edge_hub.exchange import READ_AT_ONCE, has_body, opened_body
from lading.backends.edge_hub.failures import AGENT
from lading.errors import LadingError, ProtocolBroken, Refused, Side
from lading.services.hub.hub import AgentAway
from lading.services.secrets import SecretBox
from lading.wire.message import (
    Cancel,
    ConnectionLost,
    Reader,
    Request,
    Response,
    Stalled,
    Transport,
)
from lading.wire.replica_call import (
    AGENTS,
    ANSWER_FIELD,
    CALL_FIELD,
    Call,
    CallInvalid,
    Failure,
    Fault,
    call_place,
    call_text,
    read_answer,
    read_failure,
)


class OtherServerFailed(LadingError):
    """What went wrong at the server that holds the agent, in that server's words."""

    side = Side.HOST

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure, self.code = failure, failure.code or self.code
        self.hint = failure.hint or None

    def __str__(self) -> str:
        return self.failure.text or "the server that the agent is connected to could not do it"


class OtherServerRefused(OtherServerFailed, Refused):
    """What the agent could not do, in the same words."""


class OtherServerUnreadable(ProtocolBroken):
    """Whoever answers there is no server of this database, or one of another version."""

    hint = "All servers of one database have to be of the same version, with the same secret key and the right time."

    def __init__(self, url: str, why: str) -> None:
        super().__init__(url, why)
        self.url, self.why = url, why

    def __str__(self) -> str:
        return f"the server at {self.url}, which the agent is connected to, does not answer as one of ours"


@dataclass(frozen=True, slots=True)
class OtherServers:
    """Fulfils services.hub.shared_hub.Elsewhere. `clock` is seconds since 1970, `once` never gives the same twice, and
    `brief` a Cancel for a short question."""

    transport_to: Transport
    box: SecretBox = field(repr=False)
    clock: Callable[[], float]
    once: Callable[[], str]
    brief: Callable[[], AbstractContextManager[Cancel]]

    def transport(self, url: str, environment: int) -> Transport:
        return _Relayed(self, url, environment)

    def dismiss(self, url: str, environment: int, code: int, reason: str) -> None:
        call = Call(self.clock(), self.once(), close=(code, reason))
        with self.brief() as cancel:
            response = self.transport_to.send(self._sealed(url, environment, call), cancel)
        if response.status != 204:
            raise _fault(url, environment, response)

    def send(
        self, url: str, environment: int, request: Request, cancel: Cancel, passed: Callable[[int], None]
    ) -> Response:
        """One exchange with the agent there. Raises AgentAway, OtherServerFailed and what a Transport does."""
        with opened_body(request) if has_body(request) else nullcontext() as body:
            asked = replace(
                self._sealed(url, environment, self._call(request)),
                reader=body,
                streamed=True,
                answer_seconds=request.answer_seconds,
                stall_seconds=request.stall_seconds,
            )
            response = self.transport_to.send(asked, cancel, passed)
        if response.status != 200:
            raise _fault(url, environment, response)
        try:
            head = read_answer(response.headers.get(ANSWER_FIELD, ""))
        except CallInvalid as error:
            raise OtherServerUnreadable(url, error.what) from error
        if response.stream is None or head.streamed:
            return Response(head.status, head.headers, response.body, response.stream)
        return Response(head.status, head.headers, _whole(response.stream))

    def _call(self, request: Request) -> Call:
        return Call(
            self.clock(),
            self.once(),
            request.method,
            request.url,
            request.headers,
            request.streamed,
            has_body(request),
            request.answer_seconds,
            request.stall_seconds,
        )

    def _sealed(self, url: str, environment: int, call: Call) -> Request:
        """What asks the server there."""
        sealed = self.box.seal(call_place(environment), call_text(call))
        return Request("POST", f"{url}{AGENTS}{environment}", {CALL_FIELD: sealed})


@dataclass(frozen=True, slots=True)
class _Relayed:
    """Fulfils Transport."""

    servers: OtherServers
    url: str
    environment: int

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        return self.servers.send(self.url, self.environment, request, cancel, passed)


def _whole(stream: Reader) -> bytes:
    """A plain answer's body, which the server that holds the agent has bounded."""
    buffer, held = memoryview(bytearray(READ_AT_ONCE)), bytearray()
    try:
        while count := stream.readinto(buffer):
            held += buffer[:count]
    finally:
        stream.close()
    return bytes(held)


def _fault(url: str, environment: int, response: Response) -> LadingError:
    body = response.body if response.stream is None else _whole(response.stream)
    try:
        return _told(url, environment, read_failure(body))
    except CallInvalid as error:
        return OtherServerUnreadable(url, f"{response.status}: {error.what}")


def _told(url: str, environment: int, failure: Failure) -> LadingError:
    match failure.fault:
        case Fault.AWAY:
            return AgentAway(environment)
        case Fault.LOST:
            return ConnectionLost(AGENT, failure.text)
        case Fault.STALLED:
            return Stalled(AGENT, failure.seconds)
        case Fault.REFUSED:
            return OtherServerRefused(failure)
        case Fault.FAILED:
            return OtherServerFailed(failure)
        case Fault.DENIED:
            return OtherServerUnreadable(url, failure.text)
