"""An object store that has its troubles: a relay before a real one, for a ScriptedServer.

    store = TroubledStore("127.0.0.1:8333")
    with ScriptedServer(store) as server:      # AWS_ENDPOINT_URL is http://{server.authority}
        store.busy = True                      # all is answered 503
        held = store.hold(is_copy)             # the next request like this …
        held.arrived.wait(60)                  # … is here, and goes no further until
        held.pass_on()                         # … or held.drop()

Signatures are about the relay's own name, which is passed on as it came.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import closing

from tests.fakes.scripted_server import Asked, Ending, Reply

HELD_SECONDS = 60.0
SLOW_DOWN = (
    b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
)
_OF_ONE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding"})

Like = Callable[[Asked], bool]


def is_part(asked: Asked) -> bool:
    """A part of a multipart upload."""
    return asked.method == "PUT" and "partNumber=" in asked.query


def is_copy(asked: Asked) -> bool:
    """A segment becomes a blob."""
    return asked.method == "PUT" and "x-amz-copy-source" in asked.headers


class Held:
    """A request on its way, or its answer."""

    def __init__(self, like: Like, *, answered: bool) -> None:
        self.like, self.answered = like, answered
        self.arrived, self._over = threading.Event(), threading.Event()
        self._dropped = False

    def pass_on(self) -> None:
        """As if nothing had been."""
        self._over.set()

    def drop(self) -> None:
        """It, or its answer, never comes."""
        self._dropped = True
        self._over.set()

    def wait(self) -> bool:
        """Whether it may go on."""
        self.arrived.set()
        self._over.wait(HELD_SECONDS)
        return not self._dropped


class TroubledStore:
    """Answers for `host`, from any number of threads."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._held: list[Held] = []
        self.busy = False
        self.delay = 0.0
        """Seconds before each answer."""
        self.refused = 0

    def hold(self, like: Like, *, answered: bool = False) -> Held:
        """The next request like this; `answered`: what it asks for is done first."""
        held = Held(like, answered=answered)
        with self._lock:
            self._held.append(held)
        return held

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "TLS":
            return Reply(400)
        if self.busy:
            asked.receive()
            self.refused += 1
            return Reply(503, [("Content-Type", "application/xml")], SLOW_DOWN)
        time.sleep(self.delay)
        held = self._holding(asked)
        body = asked.receive()
        if not asked.complete or (held and not held.answered and not held.wait()):
            return Reply(silent=True, ending=Ending.RST)
        reply = self._pass_on(asked, body)
        if held and held.answered and not held.wait():
            return Reply(silent=True, ending=Ending.RST)
        return reply

    def _holding(self, asked: Asked) -> Held | None:
        with self._lock:
            found = next((each for each in self._held if each.like(asked)), None)
            if found is not None:
                self._held.remove(found)
            return found

    def _pass_on(self, asked: Asked, body: bytes) -> Reply:
        with closing(http.client.HTTPConnection(self._host, timeout=60)) as connection:
            connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.fields:
                if name.lower() not in _OF_ONE_CONNECTION:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OF_ONE_CONNECTION]
        length = answer.getheader("content-length")
        declared = int(length) if asked.method == "HEAD" and length else None
        return Reply(answer.status, kept, content, declared=declared)
