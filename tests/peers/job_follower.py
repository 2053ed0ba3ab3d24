"""One who follows a job's server-sent events as a browser does: cut off, it comes again with the last id it has."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

from tests.peers import programs
from tests.peers.service_process import BOUND_SECONDS, Service


@dataclass
class JobFollower:
    """Every line it was told, by number and in the order of arrival; `ended` once it was told the end.

    The thread gives up only when `stop` is called.
    """

    service: Service
    job: str
    numbers: list[int] = field(default_factory=list)
    lines: list[object] = field(default_factory=list)
    times: int = 0

    def __post_init__(self) -> None:
        self.ended, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> JobFollower:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Returns when its thread is done."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.ended.is_set() and not self._over.is_set():
            with suppress(OSError, http.client.HTTPException):
                self._follow()
            programs.select_nothing(0.02)

    def _follow(self) -> None:
        """One connection, to its end."""
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {self.service.token}"}
        if self.numbers:
            headers["Last-Event-ID"] = str(self.numbers[-1])
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=BOUND_SECONDS)
        with closing(connection):
            connection.request("GET", f"/api/jobs/{self.job}", headers=headers)
            answer = connection.getresponse()
            self.times += 1
            if answer.status == 204:
                self.ended.set()
                return
            for event in _events(answer):
                if event.get("event") == "data":
                    self.numbers.append(int(event["id"]))
                    self.lines.append(json.loads(event["data"])["data"])
                elif event.get("event") == "result":
                    self.ended.set()


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, str]]:
    """The fields of each event that came whole."""
    event: dict[str, str] = {}
    for line in answer:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        else:
            yield event
            event = {}
