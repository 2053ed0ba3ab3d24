"""A server that passes requests on to another one, and at chosen doors lets the login end.

    relay = Relay("127.0.0.1:5000")
    with ScriptedServer(relay) as server:
        relay.end("put", ended)      # the first PUT of an upload arrives with this token, whose time is over

What is answered then is the other server's own answer. Doors are those of `troubled_registry`.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import closing

from tests.fakes.scripted_server import Asked, Reply
from tests.fakes.troubled_registry import door

_OF_ONE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding"})


class Relay:
    """Passes on to `host`; `ended` are the doors at which a login has ended."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._ends: dict[str, str] = {}
        self.ended: list[str] = []

    def end(self, where: str, token: str) -> None:
        """The next request at this door comes with `token`, and without its body."""
        self._ends[where] = token

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "TLS":
            return Reply(400)
        where = door(asked)
        with self._lock:
            token = self._ends.pop(where, None)
            self.ended += [where] if token else []
        if token is None:
            return self._pass_on(asked, dict(asked.fields), asked.receive())
        refused = self._pass_on(asked, {**dict(asked.fields), "authorization": f"Bearer {token}"}, b"")
        return Reply(refused.status, refused.fields, refused.body, read=0 if asked.length else None)

    def _pass_on(self, asked: Asked, fields: dict[str, str], body: bytes) -> Reply:
        with closing(http.client.HTTPConnection(self._host, timeout=60)) as connection:
            connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
            for name, value in fields.items():
                if name not in _OF_ONE_CONNECTION:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OF_ONE_CONNECTION]
        length = answer.getheader("content-length")
        declared = int(length) if asked.method == "HEAD" and length else None
        return Reply(answer.status, kept, content, declared=declared)
