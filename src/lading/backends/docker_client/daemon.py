"""One Docker daemon: the version agreed on, one question, one stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lading.backends.docker_client.faults import AnswerUnreadable, DaemonTooOld, DaemonUnreachable, NotDocker
from lading.errors import NetworkFailed
from lading.wire.docker_faults import fault, message_of
from lading.wire.docker_lines import Line, Lines
from lading.wire.docker_urls import OLDEST, PING, VERSION_FIELD, ApiVersion, agreed
from lading.wire.json_answers import read_json
from lading.wire.message import Cancel, Reader, Request, Response, Transport

ASK_SECONDS = 120.0
"""How long a daemon may think about an answer: one that is deleting or starting holds its locks for long."""

WORK_SECONDS = 900.0
"""The same where it works before it answers: an archive is written whole to its disk before the first byte comes."""

SILENT_SECONDS = 300.0
"""How long a stream may be silent. A daemon that waits for a registry's commit says nothing in the meantime."""

BUFFER = 64 * 1024
_PING_SECONDS = 15.0

Path = Callable[[ApiVersion], str]


class Daemon:
    """`origin` is scheme://host[:port] as the transport knows it, `name` what people call it. Thread-safe."""

    def __init__(self, transport: Transport, origin: str, name: str) -> None:
        self.name = name
        self._transport, self._origin = transport, origin
        self._lock = threading.Lock()
        self._api: ApiVersion | None = None

    def api(self, cancel: Cancel) -> ApiVersion:
        """Agreed on with the first question. Raises DaemonUnreachable, NotDocker, DaemonTooOld."""
        with self._lock:
            known = self._api
        if known is None:
            known = self.ping(cancel)
            with self._lock:
                self._api = known
        return known

    def ping(self, cancel: Cancel) -> ApiVersion:
        """What to speak with it, asked anew. Raises as `api` does."""
        request = Request("GET", self._origin + PING, answer_seconds=_PING_SECONDS)
        response = self._send(request, cancel)
        said = response.headers.get(VERSION_FIELD)
        if response.status != 200 or (said is None and response.body.strip() != b"OK"):
            raise NotDocker(self.name, response.status)
        if said is not None and ApiVersion.parse(said) is None:
            raise AnswerUnreadable(self.name, "a version")
        api = agreed(said)
        if api is None:
            raise DaemonTooOld(self.name, "to be spoken to", str(OLDEST))
        return api

    def ask(
        self,
        method: str,
        path: Path,
        cancel: Cancel,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = ASK_SECONDS,
    ) -> object:
        """The answer's JSON; None where it has no body. Raises the typed faults of wire.docker_faults."""
        url = self._origin + path(self.api(cancel))
        response = self._send(Request(method, url, headers or {}, answer_seconds=seconds), cancel)
        self._check(response)
        if not response.body.strip():
            return None
        try:
            return read_json(response.body)
        except ValueError as error:
            raise AnswerUnreadable(self.name, "JSON") from error

    @contextmanager
    def stream(
        self, method: str, path: Path, cancel: Cancel, request: Request | None = None, quiet: float | None = None
    ) -> Iterator[Reader]:
        """The open answer, whose connection ends with the block unless it was read to its end: that is how a daemon
        hears that nobody wants its work any more. `request` gives headers and body; after `quiet` seconds of silence,
        where they are said, it is given up."""
        url = self._origin + path(self.api(cancel))
        given = request or Request(method, url)
        asked = Request(
            method,
            url,
            given.headers,
            reader=given.reader,
            streamed=True,
            answer_seconds=quiet or WORK_SECONDS,
            stall_seconds=quiet or SILENT_SECONDS,
        )
        response = self._send(asked, cancel)
        self._check(response)
        if response.stream is None:
            raise AnswerUnreadable(self.name, "a stream")
        stream = _Told(response.stream, self.name)
        try:
            yield stream
        finally:
            stream.close()

    def lines(
        self,
        method: str,
        path: Path,
        cancel: Cancel,
        *,
        headers: Mapping[str, str] | None = None,
        body: Reader | None = None,
    ) -> Iterator[Line]:
        """The lines of a stream, as they come. Raises as `ask`, and LinesBroken."""
        with self.stream(method, path, cancel, Request(method, "", headers or {}, reader=body)) as stream:
            lines, buffer = Lines(), memoryview(bytearray(BUFFER))
            while count := stream.readinto(buffer):
                yield from lines.feed(buffer[:count])
            yield from lines.end()

    def _send(self, request: Request, cancel: Cancel) -> Response:
        try:
            return self._transport.send(request, cancel)
        except NetworkFailed as error:
            raise DaemonUnreachable(self.name, error) from error

    def _check(self, response: Response) -> None:
        if 200 <= response.status < 300 or response.status == 304:
            return
        if response.status == 400:
            with self._lock:
                self._api = None  # the daemon may have been replaced by an older one: the version is asked for again
        raise fault(message_of(response.body), response.status)


class _Told:
    """A stream whose losses are the daemon's."""

    def __init__(self, stream: Reader, name: str) -> None:
        self._stream, self._name = stream, name

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises DaemonUnreachable, Cancelled."""
        try:
            return self._stream.readinto(buffer)
        except NetworkFailed as error:
            raise DaemonUnreachable(self._name, error) from error

    def close(self) -> None:
        self._stream.close()


def check(line: Line | None) -> None:
    """The line that ended a stream badly. Raises the typed faults of wire.docker_faults."""
    if line is not None:
        raise fault(line.error or "", line.code)
