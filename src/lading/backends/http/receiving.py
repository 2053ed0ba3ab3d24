"""An answer's head and body off the wire (RFC 9112); the standard library parses, we decide when it is whole.

A body is whole when its Content-Length is reached or its last chunk is followed by an empty line. One that only ends
with the connection is whole on nobody's word: the digest decides.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import cast

from lading.backends.http.channel import Channel
from lading.backends.http.refusals import AnswerMalformed, AnswerTooLong
from lading.wire.message import BODY_LIMIT, Cancel, ConnectionLost

_FOLD = re.compile(r"[\r\n]+[ \t]*")
_LENGTH = re.compile(r"[0-9]{1,18}")
_PAST_INTERIM = 200
_INTERIM_LIMIT = 16


class Answer:
    """A status and header that were read; the body is still on the wire."""

    def __init__(self, channel: Channel, parsed: http.client.HTTPResponse, method: str) -> None:
        self.channel = channel
        self.parsed = parsed
        self.status = parsed.status
        self.headers = _headers(parsed)
        self._check_length(method)

    def _check_length(self, method: str) -> None:
        """The parser reads a length it does not understand as `until the end`: better to say so (RFC 9112 6.3)."""
        declared = self.headers.get("content-length")
        if declared is None or self.parsed.chunked or method == "HEAD":
            return
        values = {value.strip() for value in declared.split(",")}
        if len(values) != 1 or not _LENGTH.fullmatch(values.pop()):
            raise AnswerMalformed(self.channel.host, "its Content-Length is no number")

    @property
    def reusable(self) -> bool:
        """Whether the next exchange may follow on the same connection, once the body was read."""
        return not self.parsed.will_close


def read_answer(channel: Channel, method: str, seconds: float) -> Answer:
    """Waits `seconds` for all of its head; skips interim answers (100, 102, 103).

    Raises ConnectionLost, Stalled, AnswerMalformed.
    """
    inbox = channel.inbox
    inbox.expect_within(seconds)
    try:
        for _ in range(_INTERIM_LIMIT):
            answer = _read_head(channel, method)
            if answer.status >= _PAST_INTERIM or answer.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return answer
        raise AnswerMalformed(channel.host, "interim answers without end")
    finally:
        inbox.expect_any_time()


def _read_head(channel: Channel, method: str) -> Answer:
    # The parser asks its socket for nothing but makefile, which the inbox answers.
    parsed = http.client.HTTPResponse(cast("socket.socket", channel.inbox), method=method)
    try:
        parsed.begin()
    except http.client.RemoteDisconnected as error:
        raise ConnectionLost(channel.host, "it hung up without an answer") from error
    except http.client.HTTPException as error:
        if channel.inbox.ended:
            raise ConnectionLost(channel.host, "it hung up inside its answer") from error
        raise AnswerMalformed(channel.host, "its status line or header cannot be read") from error
    if channel.inbox.ended:
        raise ConnectionLost(channel.host, "it hung up inside its answer")
    return Answer(channel, parsed, method)


def _headers(parsed: http.client.HTTPResponse) -> Mapping[str, str]:
    """Lower-case names; a field that is repeated is joined by commas, which means the same (RFC 9110 5.3)."""
    joined: dict[str, str] = {}
    for name, value in parsed.msg.items():
        known, line = name.lower(), _FOLD.sub(" ", value)
        joined[known] = f"{joined[known]}, {line}" if known in joined else line
    return joined


class Body:
    """An answer's body as a Reader, straight into the caller's buffer.

    `finished(reusable)` is called once: with True when the body was read to its end and the connection may serve again.
    """

    def __init__(self, answer: Answer, cancel: Cancel, finished: Callable[[bool], None]) -> None:
        self._answer = answer
        self._cancel = cancel
        self._finished = finished
        self._left = answer.parsed.length
        self._open = True
        self._waking = ExitStack()
        self._waking.enter_context(cancel.closing(answer.channel.shut))
        if self._left == 0:
            self._end(answer.reusable)

    def readinto(self, buffer: memoryview, /) -> int:
        """What is there, at least one byte; 0 is the end. Raises ConnectionLost, Stalled, Cancelled."""
        if not self._open:
            return 0
        try:
            self._cancel.check()
            count = self._read_chunked(buffer) if self._answer.parsed.chunked else self._read_plain(buffer)
        except BaseException:
            self._end(False)
            self._cancel.check()
            raise
        if self._left == 0 or count == 0:
            self._end(self._answer.reusable)
        return count

    def _read_plain(self, buffer: memoryview) -> int:
        wanted = buffer if self._left is None else buffer[: self._left]
        count = self._answer.channel.inbox.ahead.readinto1(wanted)
        if self._left is not None:
            if count == 0:
                raise ConnectionLost(self._answer.channel.host, f"{self._left} bytes were still to come")
            self._left -= count
        return count

    def _read_chunked(self, buffer: memoryview) -> int:
        host, inbox = self._answer.channel.host, self._answer.channel.inbox
        try:
            piece = self._answer.parsed.read1(len(buffer))
        except http.client.IncompleteRead as error:
            if inbox.ended:
                raise ConnectionLost(host, "it hung up inside a chunk") from error
            raise AnswerMalformed(host, "its chunks cannot be read") from error
        except http.client.HTTPException as error:
            raise AnswerMalformed(host, "its chunks cannot be read") from error
        if not piece and inbox.ended:
            raise ConnectionLost(host, "it hung up before the last chunk")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Drops the connection where something is still to come."""
        self._end(False)

    def _end(self, reusable: bool) -> None:
        if self._open:
            self._open = False
            self._waking.close()
            self._finished(reusable)


def read_whole(body: Body, answer: Answer) -> bytes:
    """A body that is held in memory. The text of a refusal is a courtesy: cut short, the status still stands.

    Raises AnswerTooLong, ConnectionLost, Stalled, Cancelled.
    """
    host = answer.channel.host
    whole = bytearray()
    try:
        if (answer.parsed.length or 0) > BODY_LIMIT:
            raise AnswerTooLong(host, BODY_LIMIT)
        buffer = memoryview(bytearray(min(answer.parsed.length or 64 * 1024, 256 * 1024)))
        while count := body.readinto(buffer):
            whole += buffer[:count]
            if len(whole) > BODY_LIMIT:
                raise AnswerTooLong(host, BODY_LIMIT)
    except ConnectionLost:
        if answer.status < 400:
            raise
    finally:
        body.close()
    return bytes(whole)
