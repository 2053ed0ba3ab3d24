"""A job from its beginning to its end, over whatever breaks in between (interfaces §2, Jobs).

The stream is asked for again after the last line that was numbered, until the terminal one is there; ticks and the
snapshot have no number, and come anew. A server that restarts is waited for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from lading.backends.server_client.faults import JobOutOfSight, NotLading, ServerUnreachable, ServerUnready
from lading.wire.event_stream_reading import EventReader, EventTooLong, ServerEvent
from lading.wire.json_answers import read_json
from lading.wire.message import Cancel, Reader

Json = dict[str, object]

PATIENCE = (0.25, 0.5, 1.0, 2.0, *[5.0] * 60)
"""Seconds between attempts while the server does not answer: five minutes in all, as an update of it may take."""

PIECE = 64 * 1024

_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
"""Of a line: it is sent back in a header."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a job told: `kind` is snapshot, line, tick or end; the end is the job as it stands then."""

    kind: str
    told: Json


class Server(Protocol):
    """What following asks of a server."""

    @property
    def url(self) -> str: ...
    def get(self, path: str, cancel: Cancel) -> Json: ...
    def stream(
        self, path: str, cancel: Cancel, *, headers: dict[str, str] | None = None
    ) -> AbstractContextManager[Reader | None]: ...
    def answering(self) -> AbstractContextManager[None]: ...


@dataclass(slots=True)
class _Place:
    """Where a follower stands: the number of the last line, and whether the terminal one was there."""

    number: str = ""
    ended: bool = False


def followed(server: Server, job: str, cancel: Cancel) -> Iterator[Heard]:
    """As ServerClient.follow."""
    place, waits, path = _Place(), iter(PATIENCE), f"/api/jobs/{quote(job, safe='')}"
    while not place.ended:
        before = place.number
        try:
            yield from _once(server, path, place, cancel)
        except (ServerUnreachable, ServerUnready) as error:
            if place.number != before:
                waits = iter(PATIENCE)
            seconds = next(waits, None)
            if seconds is None:
                raise JobOutOfSight(server.url, job) from error
            cancel.wait(seconds)
    yield Heard("end", server.get(path, cancel))


def _once(server: Server, path: str, place: _Place, cancel: Cancel) -> Iterator[Heard]:
    """One connection. Raises ServerUnreachable where it ends and the job does not."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": place.number} if place.number else {})
    with server.stream(path, cancel, headers=headers) as stream:
        if stream is None:  # it is over, and all of it was told
            place.ended = True
            return
        for event in _events(server, stream):
            yield from _heard(event, place)
            if place.ended:
                return
    raise ServerUnreachable(server.url, "the stream of the job ended before the job did")


def _events(server: Server, stream: Reader) -> Iterator[ServerEvent]:
    reader, buffer = EventReader(), memoryview(bytearray(PIECE))
    with server.answering():
        try:
            while count := stream.readinto(buffer):
                yield from reader.feed(bytes(buffer[:count]))
        except EventTooLong as error:
            raise NotLading(server.url, "a stream of events") from error


def _heard(event: ServerEvent, place: _Place) -> Iterator[Heard]:
    """A line comes twice, bare and numbered: the numbered one is taken."""
    told = _object(event.data)
    match event.name:
        case "data":
            place.number = event.id if _NUMBER.fullmatch(event.id) else place.number
            line = told.get("data")
            yield Heard("line", line if isinstance(line, dict) else {})
        case "snapshot" | "tick":
            yield Heard(event.name, told)
        case "result":
            place.ended = True


def _object(text: str) -> Json:
    try:
        found = read_json(text.encode())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
