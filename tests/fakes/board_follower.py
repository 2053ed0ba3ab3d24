"""Reads the stream of all jobs over HTTP, event by event."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any  # what a test knows of an event

PATH = "/api/jobs/events"
BOUND_SECONDS = 60.0


@dataclass
class BoardFollower:
    """One connection."""

    answer: http.client.HTTPResponse

    def event(self) -> tuple[str, dict[str, Any]] | None:
        """The next event; None where the stream has ended. Comments are passed over."""
        name = ""
        while line := self.answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                return name, json.loads(value)
        return None

    def until(self, is_it: Callable[[str, dict[str, Any]], bool]) -> tuple[str, dict[str, Any]]:
        """The first event that is this."""
        while (told := self.event()) is not None:
            if is_it(*told):
                return told
        raise AssertionError("the stream ended before")

    def state(self, job: str, status: str) -> dict[str, Any]:
        """How this job is told to stand, once it stands so."""
        return self.until(lambda name, data: name == "job" and (data["id"], data["status"]) == (job, status))[1]


@contextmanager
def following(api: str, headers: Mapping[str, str], *follow: str) -> Iterator[BoardFollower]:
    """A stream with the lines of these jobs besides."""
    query = urllib.parse.urlencode([("follow", job) for job in follow])
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(api).netloc, timeout=BOUND_SECONDS)
    with closing(connection):
        connection.request("GET", f"{PATH}?{query}", headers={"Accept": "text/event-stream", **headers})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield BoardFollower(answer)
