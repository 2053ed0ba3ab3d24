"""A registry for the door to talk to: ours, over a folder, which counts what it is sent, can hold it, and wants a login
where it is told to."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer, Application, Body, IncomingRequest
from lading.fronts.registry_api.serving import registry_application
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords

PIECE = 64 * 1024
WAIT_SECONDS = 30.0


@dataclass
class Upstream:
    """`host` is as references spell it; `received` counts bytes of bodies, `asked` has method and path of each request.

    `login` is user:password that everybody needs, `refusal` what all are told instead of an answer. Past `hold_at`
    bytes nothing more is read until `let_go`, and while it is `closed` nobody is answered.
    """

    application: Application
    host: str = ""
    login: str | None = None
    refusal: tuple[int, str, str] | None = None
    hold_at: int | None = None
    closed: bool = False
    received: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    _moved: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, request: IncomingRequest) -> Answer:
        if self.login is not None and request.headers.get("authorization") != _basic(self.login):
            field = ("WWW-Authenticate", 'Basic realm="upstream"')
            return _refused(401, "UNAUTHORIZED", "authentication required", field)
        if self.refusal is not None and request.path != "/v2/":
            return _refused(*self.refusal)
        with self._moved:
            self.asked.append((request.method, request.path))
            self._moved.notify_all()
            self._moved.wait_for(lambda: not self.closed or request.path == "/v2/")
        return self.application(replace(request, body=_Counted(request.body, self)))

    def read(self, body: Body, buffer: memoryview) -> int:
        """As the body's own reading, held where it is to be."""
        with self._moved:
            self._moved.wait_for(lambda: self.hold_at is None or self.received < self.hold_at)
        count = body.readinto(buffer[:PIECE])
        with self._moved:
            self.received += count
            self._moved.notify_all()
        return count

    def wait_until(self, received: int) -> None:
        """Until so many bytes came."""
        with self._moved:
            assert self._moved.wait_for(lambda: self.received >= received, WAIT_SECONDS)

    def let_go(self) -> None:
        """Nothing is held any more."""
        with self._moved:
            self.hold_at, self.closed = None, False
            self._moved.notify_all()

    def wait_for(self, word: str) -> None:
        """Until somebody asked for a path that holds the word."""
        with self._moved:
            assert self._moved.wait_for(lambda: any(word in path for _, path in self.asked), WAIT_SECONDS)

    def count(self, method: str, word: str) -> int:
        """Requests so far whose path holds the word."""
        return sum(asked == method and word in path for asked, path in self.asked)


@dataclass(frozen=True)
class _Counted:
    body: Body
    upstream: Upstream

    @property
    def length(self) -> int | None:
        return self.body.length

    def readinto(self, buffer: memoryview, /) -> int:
        return self.upstream.read(self.body, buffer)

    def invite(self) -> None:
        self.body.invite()

    def hurry(self, seconds: float) -> None:
        self.body.hurry(seconds)

    def close(self) -> None:
        self.body.close()


def _refused(status: int, code: str, message: str, *fields: tuple[str, str]) -> Answer:
    content = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    length = ("Content-Length", str(len(content)))
    return Answer(status, (("Content-Type", "application/json"), length, *fields), (content,))


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def until(it_is_so: Callable[[], bool]) -> None:
    """Returns once it is."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not it_is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def upstream(folder: Path) -> Iterator[Upstream]:
    """Up until the block ends, and empty."""
    with closing(ContentFolder(folder, MemoryLeases())) as content:
        registry = Upstream(registry_application(MemoryRecords(), content))
        with ByteServer([("127.0.0.1", 0)], registry, stop_seconds=1.0) as server:
            registry.host = f"127.0.0.1:{server.addresses[0][1]}"
            try:
                yield registry
            finally:
                registry.let_go()
