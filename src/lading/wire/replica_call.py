"""What one server asks of another that holds an agent: heads in JSON, and the codes of what went wrong there.

    POST /agents/7   Lading-Call: <sealed head>   body as it is      ──▶ 200, Lading-Answer: <head>, body as it is
                                                                        else {"fault": "away" | "lost" | …}

The head is sealed for its place (`call_place`) with the key that all servers of a database share: that proves who asks,
and hides the logins in its headers. It holds for `CALL_SECONDS`, once.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lading.errors import InputInvalid
from lading.wire.json_answers import read_json

CALL_FIELD = "lading-call"
ANSWER_FIELD = "lading-answer"
"""Headers, in lower case."""

CALL_SECONDS = 60.0
"""How far apart the two servers' clocks may be, the way included."""

AGENTS = "/agents/"
"""The path, before the environment's id."""


class CallInvalid(InputInvalid):
    """A call or an answer that no server of ours writes."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"what another server of ours said cannot be read: {self.what}"


class Fault(StrEnum):
    """Why there is no answer of the agent's."""

    AWAY = "away"
    LOST = "lost"
    STALLED = "stalled"
    REFUSED = "refused"
    DENIED = "denied"
    FAILED = "failed"


STATUS: Mapping[Fault, int] = {
    Fault.AWAY: 503,
    Fault.LOST: 502,
    Fault.STALLED: 504,
    Fault.REFUSED: 409,
    Fault.DENIED: 403,
    Fault.FAILED: 500,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange with an agent, its body left out; `at` is seconds since 1970, `once` what no other call has.

    `close` is set where no exchange is meant but the end of the agent's connection: code and reason.
    """

    at: float
    once: str
    method: str = "GET"
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    streamed: bool = False
    has_body: bool = False
    answer_seconds: float = 60.0
    stall_seconds: float = 60.0
    close: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What the agent's engine answered, its body left out."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer; `text` and `hint` for people, `code` as errors have it, `seconds` of a silence."""

    fault: Fault
    text: str = ""
    hint: str = ""
    code: str = ""
    seconds: float = 0.0


def call_place(environment: int) -> str:
    """What a call's head is sealed for."""
    return f"replica/agents/{environment}"


def call_text(call: Call) -> str:
    """To be sealed."""
    members: dict[str, object] = {
        "at": call.at,
        "once": call.once,
        "method": call.method,
        "url": call.url,
        "headers": dict(call.headers),
        "streamed": call.streamed,
        "hasBody": call.has_body,
        "answerSeconds": call.answer_seconds,
        "stallSeconds": call.stall_seconds,
    }
    if call.close is not None:
        members["close"] = list(call.close)
    return json.dumps(members)


def read_call(text: str) -> Call:
    """Raises CallInvalid."""
    members = _members(text.encode())
    close = members.get("close")
    return Call(
        _number(members, "at"),
        _text(members, "once"),
        _text(members, "method"),
        _text(members, "url"),
        _texts(members, "headers"),
        members.get("streamed") is True,
        members.get("hasBody") is True,
        _number(members, "answerSeconds"),
        _number(members, "stallSeconds"),
        None if close is None else _close(close),
    )


def answer_text(head: AnswerHead) -> str:
    """For the header."""
    members = {"status": head.status, "headers": dict(head.headers), "streamed": head.streamed}
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode("ascii")


def read_answer(text: str) -> AnswerHead:
    """Raises CallInvalid."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError as error:
        raise CallInvalid("its answer's head is not base64") from error
    members = _members(raw)
    return AnswerHead(int(_number(members, "status")), _texts(members, "headers"), members.get("streamed") is True)


def failure_text(failure: Failure) -> bytes:
    """The body of an answer without a head."""
    members = {"fault": failure.fault.value, "error": failure.text, "hint": failure.hint, "code": failure.code}
    return json.dumps(members | {"seconds": failure.seconds}).encode()


def read_failure(raw: bytes) -> Failure:
    """Raises CallInvalid."""
    members = _members(raw)
    try:
        fault = Fault(_text(members, "fault"))
    except ValueError as error:
        raise CallInvalid("it names no fault that we know") from error
    text, hint, code = (_text(members, name) for name in ("error", "hint", "code"))
    return Failure(fault, text, hint, code, _number(members, "seconds"))


def _members(raw: bytes) -> Mapping[str, object]:
    try:
        members = read_json(raw)
    except (ValueError, RecursionError) as error:
        raise CallInvalid("it is not JSON") from error
    if not isinstance(members, dict):
        raise CallInvalid("it is no object")
    return members


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise CallInvalid(f"{name} is no text")
    return value


def _number(members: Mapping[str, object], name: str) -> float:
    value = members.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise CallInvalid(f"{name} is no number")
    return float(value)


def _texts(members: Mapping[str, object], name: str) -> Mapping[str, str]:
    value = members.get(name)
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise CallInvalid(f"{name} are no texts")
    return {str(key): str(each) for key, each in value.items()}


def _close(value: object) -> tuple[int, str]:
    match value:
        case [int(code), str(reason)]:
            return code, reason
        case _:
            raise CallInvalid("close is no code and reason")
