"""A request as the server words it, asked of the engine; and the answers that the agent itself gives in its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from lading.fronts.agent.allowed import is_allowed
from lading.fronts.agent.engine import Engine
from lading.wire.message import BytesContent, Cancel, Reader, Request, Response
from lading.wire.tunnel_frames import RequestFrame

_PATIENCE_SECONDS = 24 * 60 * 60.0
"""How long the engine may be silent: the server, who knows what it asked for, cancels what takes too long."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Of a field (RFC 9110, 5.6.2). What is none could be read as another field's name, one of ours."""

_FORM = "application/x-www-form-urlencoded"
"""The type of a body that engines read as part of the query."""

_LEFT_OUT = frozenset({"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
"""Fields of one connection alone (RFC 9110, 7.6.1), and what would wait for an interim answer."""

Ask = Callable[[Cancel, Reader | None], Response]
"""Asks, with the body that arrives meanwhile, and gives the answer's head. Raises what Transport.send raises."""


def asked_of(engine: Engine, frame: RequestFrame) -> Ask:
    """The way to the answer; the engine is not asked what is not for a server to ask."""
    if not is_allowed(frame.method, frame.path):
        return refusing(403, f"this agent does not hand on {frame.method} {frame.path.partition('?')[0]}")

    def ask(cancel: Cancel, body: Reader | None) -> Response:
        return engine.transport.send(_request(engine.origin, frame, body), cancel)

    return ask


def refusing(status: int, message: str) -> Ask:
    """The agent's own answer, in the form of the engine's."""
    content = json.dumps({"message": message}).encode()
    answer = Response(status, {"content-type": "application/json"}, content)
    return lambda _cancel, _body: answer


def answer_headers(response: Response) -> Mapping[str, str]:
    """What is passed on of an answer's fields."""
    return {name: value for name, value in response.headers.items() if name not in _LEFT_OUT}


def _request(origin: str, frame: RequestFrame, body: Reader | None) -> Request:
    headers = {name: value for name, value in frame.headers.items() if _may_be_asked_with(name.lower(), value)}
    content = None if frame.body is None else BytesContent(frame.body)
    return Request(
        frame.method,
        f"{origin}{frame.path}",
        headers,
        content,
        streamed=True,
        answer_seconds=_PATIENCE_SECONDS,
        stall_seconds=_PATIENCE_SECONDS,
        reader=body,
    )


def _may_be_asked_with(name: str, value: str) -> bool:
    if name in _LEFT_OUT or not _NAME.fullmatch(name):
        return False
    return name != "content-type" or _FORM not in value.lower()
