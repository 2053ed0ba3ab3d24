"""One who asks over HTTP, and asks again where it was cut off or sent away: as docker, a browser or a script would."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.scale.ledger import Ledger

PATIENCE_SECONDS = 150.0
"""How long one thing is tried: longer than the longest fault."""

SILENT_SECONDS = 60.0
PAUSE_SECONDS = (0.1, 0.3, 1.0)
AGAIN = frozenset({429, 500, 502, 503, 504})
OK = frozenset({200})


@dataclass(frozen=True, slots=True)
class Answer:
    """Whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def kind(self) -> str:
        """The status and what was said, shortly; `unclear` where nobody said anything that a program understands."""
        return f"{self.status} {self._code()}"

    def _code(self) -> str:
        if self.body.startswith(b"<html>"):
            return "of the balancer"
        try:
            told = json.loads(self.body)
        except ValueError:
            return "unclear"
        if "errors" in told:
            return str(told["errors"][0]["code"])
        return str(told.get("code") or told.get("error") or "unclear")


class Unanswered(Exception):
    """There was no answer, or not all of it; `received` is what came of the body."""

    def __init__(self, kind: str, received: bytes = b"") -> None:
        super().__init__(kind)
        self.kind, self.received = kind, received


class Failed(Exception):
    """It was given up."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one port for one scenario."""

    port: int
    authorization: str = field(repr=False)
    ledger: Ledger
    scenario: str
    over: threading.Event
    """Nothing is tried again once it is set."""

    def once(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises Unanswered."""
        return _asked(self.port, method, path, body, {"Authorization": self.authorization, **(headers or {})})

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        expected: Collection[int] = OK,
    ) -> Answer:
        """Again and again, where that may help; `body` goes out as JSON. Raises Failed."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        patience = self.patience()
        while True:
            try:
                answer = self.once(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            except Unanswered as error:
                patience.again(error.kind)
                continue
            if answer.status in expected:
                return answer
            if answer.status not in AGAIN:
                raise Failed(answer.kind)
            patience.again(answer.kind)

    def patience(self) -> Patience:
        """For one thing that is tried."""
        return Patience(self)


class Patience:
    """How often one thing was tried, and whether it is again."""

    def __init__(self, client: Client) -> None:
        self._client, self._until, self._tries = client, time.monotonic() + PATIENCE_SECONDS, 0

    def again(self, kind: str) -> None:
        """Returns when it is time to. Raises Failed where it is not tried any more."""
        if time.monotonic() > self._until or self._client.over.is_set():
            raise Failed(kind)
        self._client.ledger.retried(self._client.scenario, kind)
        self._client.over.wait(PAUSE_SECONDS[min(self._tries, len(PAUSE_SECONDS) - 1)])
        self._tries += 1


def fetched(url: str, headers: Mapping[str, str]) -> Answer:
    """From wherever a redirect points, without our login. Raises Unanswered."""
    parts = urlsplit(url)
    return _asked(parts.port or 80, "GET", f"{parts.path}?{parts.query}", None, headers)


def basic(name: str, password: str) -> str:
    """The field's value."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _asked(port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    received = bytearray()
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SILENT_SECONDS)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            while piece := answer.read1(1 << 16):
                received += piece
            if answer.length:
                raise http.client.IncompleteRead(b"", answer.length)
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, fields, bytes(received))
    except TimeoutError:
        raise Unanswered("no answer in time", bytes(received)) from None
    except (OSError, http.client.HTTPException) as error:
        kind = "refused" if isinstance(error, ConnectionRefusedError) else "cut off"
        raise Unanswered(kind, bytes(received)) from None
