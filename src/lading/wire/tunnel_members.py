"""The members of a tunnel frame's JSON object, as the field expects them written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import islice

from lading.wire.json_answers import read_json
from lading.wire.tunnel_fields import REQUESTS_LIMIT, FrameInvalid, JsonMembers, base64_text
from lading.wire.tunnel_frames import (
    BodyEnd,
    ErrorFrame,
    Frame,
    Head,
    Hello,
    Ping,
    Pong,
    Received,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
    Unknown,
    Welcome,
)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no text has."""


def members_of(frame: Frame) -> JsonMembers:
    """What a frame does not say is left out, except where the field always says it. Raises FrameInvalid for a request's
    body that is to travel as JSON and is none."""
    match frame:
        case Hello() | Welcome() | ErrorFrame() | Ping() | Pong():
            return _link_members(frame)
        case RequestFrame() | ResponseFrame() | StreamFrame() | StreamEnd():
            return _stock_members(frame)
        case Head() | Received() | BodyEnd():
            return _lading_members(frame)
        case Unknown(type):
            return {"type": type}


def _link_members(frame: Hello | Welcome | ErrorFrame | Ping | Pong) -> JsonMembers:
    match frame:
        case Hello():
            return _hello_members(frame)
        case Welcome():
            return _welcome_members(frame)
        case ErrorFrame():
            return _error_members(frame)
        case Ping(timestamp):
            return {"type": "ping", "timestamp": timestamp}
        case Pong(timestamp):
            return {"type": "pong", "timestamp": timestamp}


def _stock_members(frame: RequestFrame | ResponseFrame | StreamFrame | StreamEnd) -> JsonMembers:
    match frame:
        case RequestFrame():
            return _request_members(frame)
        case ResponseFrame():
            return _response_members(frame)
        case StreamFrame(request_id, content):
            return {"type": "stream", "requestId": request_id, "data": base64_text(content)}
        case StreamEnd():
            return _stream_end_members(frame)


def _lading_members(frame: Head | Received | BodyEnd) -> JsonMembers:
    match frame:
        case Head(request_id, status, headers):
            return {"type": "head", "requestId": request_id, "statusCode": status, "headers": dict(headers)}
        case Received(request_id, count):
            return {"type": "received", "requestId": request_id, "count": count}
        case BodyEnd(request_id, reason, count):
            return {"type": "body_end", "requestId": request_id, "reason": reason.value, "count": count}


def _hello_members(hello: Hello) -> JsonMembers:
    members: JsonMembers = {
        "type": "hello",
        "version": hello.version,
        "protocol": hello.protocol,
        "agentId": hello.agent_id,
        "agentName": hello.agent_name,
        "token": hello.token,
        "dockerVersion": hello.docker_version,
        "hostname": hello.hostname,
        "capabilities": sorted(hello.capabilities),
    }
    if hello.has_token_hash:
        members["tokenHash"] = hashlib.sha256(hello.token.encode("utf-8", "replace")).hexdigest()
    return members | _resumed(hello.requests)


def _welcome_members(welcome: Welcome) -> JsonMembers:
    """The union of what agents of different years look for; an old one's environmentId must be a number."""
    members: JsonMembers = {
        "type": "welcome",
        "environmentId": welcome.environment,
        "serverId": welcome.server,
        "version": welcome.version,
        "message": welcome.message,
    }
    if welcome.capabilities:
        members["capabilities"] = sorted(welcome.capabilities)
    return members | _resumed(welcome.requests)


def _resumed(requests: Mapping[str, int]) -> JsonMembers:
    if not requests:
        return {}
    named = islice(requests.items(), REQUESTS_LIMIT)
    return {"requests": [{"requestId": request, "received": count} for request, count in named]}


def _error_members(error: ErrorFrame) -> JsonMembers:
    """Under both keys: old agents read `error`, the server they were written for `message`."""
    members: JsonMembers = {"type": "error", "error": error.error, "message": error.error}
    if error.request_id:
        members["requestId"] = error.request_id
    if error.code:
        members["code"] = error.code
    if error.retry_after is not None:
        members["retryAfter"] = error.retry_after
    return members


def _request_members(request: RequestFrame) -> JsonMembers:
    members: JsonMembers = {
        "type": "request",
        "requestId": request.request_id,
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "streaming": request.streaming,
    }
    if request.body is not None:
        members["body"] = base64_text(request.body) if request.is_binary else _body_value(request.body)
    if request.is_binary:
        members["isBinary"] = True
    if request.has_body:
        members["hasBody"] = True
    return members


def _body_value(body: bytes) -> object:
    try:
        return read_json(body)
    except ValueError as error:
        raise FrameInvalid("a request's body is not JSON") from error


def _response_members(response: ResponseFrame) -> JsonMembers:
    """As text where it is one, as agents of the field do: what reads their answers may not know base64."""
    members: JsonMembers = {
        "type": "response",
        "requestId": response.request_id,
        "statusCode": response.status,
        "headers": dict(response.headers),
    }
    text = _plain_text(response.body)
    if text is None:
        return members | {"body": base64_text(response.body), "isBinary": True}
    return members | {"body": text}


def _plain_text(body: bytes) -> str | None:
    """None where it is not UTF-8, or has control characters that no text has."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _stream_end_members(end: StreamEnd) -> JsonMembers:
    members: JsonMembers = {"type": "stream_end", "requestId": end.request_id, "reason": end.reason.value}
    if end.error:
        members["error"] = end.error
    if end.count is not None:
        members["count"] = end.count
    return members
