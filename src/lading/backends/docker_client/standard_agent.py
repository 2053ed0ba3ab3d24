"""A standard agent: a proxy before a Docker engine, which asks for its token and ends most answers after 30 seconds.

What it says itself is plain text, what the engine says is JSON; by that the two are told apart where the agent does not
let us in, does not want to be asked for a while, or finds no engine behind it.

It lets run what it knows for a stream by the path, and a push is not among that: the end of such an answer after so
long is not taken for the end of what the engine had to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from urllib.parse import unquote, urlsplit

from lading.backends.docker_client.faults import AgentThrottles, AgentTokenRefused, AnswerCut, EngineAway
from lading.errors import Unreachable
from lading.wire.message import Cancel, ConnectionLost, Reader, Request, Response, Transport

TOKEN_FIELD = "X-Hawser-Token"  # noqa: S105  the header's name

CUT_SECONDS = 30.0
"""After so long the agent ends an answer, cleanly, whose path it does not know for a stream's."""

MARGIN_SECONDS = 1.0
"""So much earlier it may seem to us: its clock is another."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long the answers of the agent may last, by any steady clock in seconds."""

    seconds: float = CUT_SECONDS
    clock: Callable[[], float] = monotonic


class StandardAgent:
    """Fulfils Transport. `name` is what people call the host."""

    def __init__(self, transport: Transport, name: str, token: str | None, limit: Limit | None = None) -> None:
        self._transport, self._name = transport, name
        self._login: Mapping[str, str] = {} if token is None else {TOKEN_FIELD: token}
        self._limit = limit or Limit()

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        """Raises AgentTokenRefused, AgentThrottles, EngineAway and AnswerCut besides; the stream AnswerCut."""
        begun = self._limit.clock()
        asked = replace(request, headers={**request.headers, **self._login})

        def cut() -> AnswerCut | None:
            lasted = self._limit.clock() - begun
            over = lasted >= self._limit.seconds - MARGIN_SECONDS and not _is_stream(request)
            return AnswerCut(self._name, self._limit.seconds) if over else None

        response = self._transport.send(asked, cancel, passed)
        if response.status in _OWN and not _is_engines(response):
            raise self._refusal(response, cut())
        if response.stream is None:
            return response
        return replace(response, stream=_Limited(response.stream, cut))

    def _refusal(self, response: Response, cut: AnswerCut | None) -> Unreachable:
        match response.status:
            case 401:
                return AgentTokenRefused(self._name)
            case 429:
                return AgentThrottles(self._name)
            case _:
                return cut or EngineAway(self._name, response.body.decode("utf-8", "replace"))


class _Limited:
    """An answer whose end may be the agent's."""

    def __init__(self, stream: Reader, cut: Callable[[], AnswerCut | None]) -> None:
        self._stream, self._cut = stream, cut

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises AnswerCut besides."""
        try:
            count = self._stream.readinto(buffer)
        except ConnectionLost as error:
            cut = self._cut()
            if cut is None:
                raise
            raise cut from error
        if count == 0 and len(buffer) and (cut := self._cut()) is not None:
            raise cut
        return count

    def close(self) -> None:
        self._stream.close()


_OWN = frozenset({401, 429, 502})


def _is_engines(response: Response) -> bool:
    """Whether the engine said it: its errors are JSON (docs.docker.com/reference/api/engine)."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _is_stream(request: Request) -> bool:
    """What the agent knows for one among what is asked of it here: it looks at the decoded path."""
    path = unquote(urlsplit(request.url).path)
    return path.endswith("/events") or (request.method == "POST" and "/images/create" in path)
