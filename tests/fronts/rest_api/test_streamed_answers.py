"""A stream that fails: before its first piece it is refused like anything else, after it it is cut."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from lading.errors import StorageFailed
from lading.fronts.rest_api.streamed import StreamedAnswer

SCOPE = {"type": "http", "method": "GET", "path": "/api/jobs/1", "asgi": {"spec_version": "2.4"}}


class Away(StorageFailed):
    """The database, for a while."""

    def __str__(self) -> str:
        return "it went away"


async def failing() -> AsyncIterator[bytes]:
    yield b"data: 1\n\n"
    raise Away


def test_a_stream_that_fails_on_its_way_is_left_unfinished(caplog: pytest.LogCaptureFixture) -> None:
    sent, closed = list[Message](), list[bool]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody hangs up")

    answer = StreamedAnswer(failing(), lambda: closed.append(True))
    with caplog.at_level(logging.WARNING):
        asyncio.run(answer(SCOPE, receive, send))

    assert [message.get("body") for message in sent[1:]] == [b"data: 1\n\n"]
    assert all(message["more_body"] for message in sent[1:])  # so that the server cuts the connection
    assert closed == [True]
    assert "GET /api/jobs/1 breaks off: it went away" in caplog.text
