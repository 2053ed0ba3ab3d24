"""The agent: logs in at its server, serves it until the connection is gone, and comes back.

    dial ── hello ──▶ welcome ── serving ──▶ lost ── wait ──▶ dial …
                  └──▶ error: refused ─────────────┘

Nothing that a server or the network does ends it: a host at the edge has nobody who starts it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from lading.errors import AccessDenied, Cancelled, InputInvalid, LadingError, ProtocolBroken, TimedOut
from lading.fronts.agent.connection import Connection, Dial
from lading.fronts.agent.engine import UNKNOWN, Engine, EngineWatch
from lading.fronts.agent.reconnecting import FIRST_SECONDS, MOST_SECONDS, Delays
from lading.fronts.agent.requests import Requests
from lading.fronts.agent.serving import Serving
from lading.wire.message import Cancel, PlainHttpAnswered, Stalled
from lading.wire.shown_text import shown_text
from lading.wire.tunnel_frames import LADING_STREAMS, PROTOCOL, ErrorFrame, Hello, Welcome
from lading.wire.tunnel_login import CloseCode, speaks_lading_streams
from lading.wire.tunnel_text import frame_text, read_frame

log = logging.getLogger("lading.agent")

_ENGINE_AWAY = {"try": "See that it runs, and that the user this agent runs as may open its socket."}
_PLAIN_HTTP = "Begin --server with http://, if that server really has no TLS."

WELCOME_SECONDS = 30.0
"""How long the server may take to judge a token."""

AWAY_SECONDS = 15 * 60.0
"""How long requests go on without a connection: by then no server waits for them any more."""

_STOP_SECONDS = 5.0
"""How long a stop waits for what runs, so that the server hears how it ends."""


class LoginRefused(AccessDenied):
    """The server does not let this agent in; `said` is why, `retry_after` how many seconds it asks us to stay away."""

    why = "The server knows no such token, or has had too many logins."
    hint = "Make a new token for the environment at the server, and start the agent with it."

    def __init__(self, said: str, retry_after: float) -> None:
        super().__init__(said, retry_after)
        self.said, self.retry_after = said, retry_after

    def __str__(self) -> str:
        return f"the server does not let this agent in: {shown_text(self.said) or 'it gives no reason'}"


class NoWelcome(ProtocolBroken):
    """What answered the hello is no server that agents know."""

    def __str__(self) -> str:
        return "the server did not answer the login as servers of this protocol do"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the agent is: `version` is the program's, `name` what people call it."""

    id: str
    name: str
    hostname: str
    version: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: how often a ping goes out, the first wait before a new attempt and the longest one."""

    heartbeat: float = 30.0
    first: float = FIRST_SECONDS
    most: float = MOST_SECONDS


@dataclass(frozen=True, slots=True)
class Clocks:
    """`wall` is seconds since 1970; `random` gives numbers from 0 to 1."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    random: Callable[[], float]


class Agent:
    """`server` is its address, for people."""

    def __init__(
        self, dial: Dial, server: str, engine: Engine, identity: Identity, *, pace: Pace, clocks: Clocks
    ) -> None:
        self._dial, self._server, self._engine, self._identity = dial, server, engine, identity
        self._pace, self._clocks = pace, clocks
        self._requests = Requests(engine)
        self._delays = Delays(clocks.random, pace.first, pace.most)
        self._left = clocks.monotonic()
        self._welcomed = False

    def run(self, cancel: Cancel) -> None:
        """Until it is cancelled, which it raises. Raises InputInvalid for what is wrong with how it was set up, where
        that shows before the first welcome."""
        try:
            while True:
                self._attempt(cancel)
        finally:
            self._requests.close(_STOP_SECONDS)

    def _attempt(self, cancel: Cancel) -> None:
        """One connection, and the wait behind it."""
        try:
            self._connection(cancel)
        except LadingError as error:
            cancel.check()
            if isinstance(error, InputInvalid) and not self._welcomed:
                raise
            wait = self._delays.next(error.retry_after if isinstance(error, LoginRefused) else 0.0)
            advice = _advice(error)
            log.warning("%s; trying again in %.0f s", error, wait, extra={"server": self._server, **advice})
            cancel.wait(wait)
        if self._clocks.monotonic() - self._left > AWAY_SECONDS:
            self._requests.close(0)

    def _connection(self, cancel: Cancel) -> None:
        """From its beginning to its end; returns only where the next one is to be made at once."""
        version = self._engine.version(cancel)
        line = self._dial(cancel)
        try:
            with cancel.closing(line.wake):
                welcome = self._login(line, version, cancel)
                self._welcomed = True
                self._delays.reset()
                self._serve(line, welcome, version, cancel)
        finally:
            line.close(CloseCode.GOING_AWAY, "")

    def _login(self, line: Connection, version: str, cancel: Cancel) -> Welcome:
        """Raises LoginRefused, NoWelcome, Stalled, ConnectionLost, Cancelled."""
        line.send(frame_text(self._hello(version)))
        deadline = self._clocks.monotonic() + WELCOME_SECONDS
        while True:
            message = line.receive(deadline - self._clocks.monotonic())
            cancel.check()
            if message is None and self._clocks.monotonic() >= deadline:
                raise Stalled(self._server, WELCOME_SECONDS)
            frame = read_frame(message) if isinstance(message, str) else None
            if isinstance(frame, Welcome):
                return frame
            if isinstance(frame, ErrorFrame):
                raise LoginRefused(frame.error, frame.retry_after or 0.0)
            if message is not None:
                raise NoWelcome

    def _hello(self, version: str) -> Hello:
        identity = self._identity
        return Hello(
            identity.version,
            PROTOCOL,
            identity.id,
            identity.name,
            version,
            identity.hostname,
            frozenset({LADING_STREAMS}),
            identity.token,
            has_token_hash=True,
            requests=self._requests.known,
        )

    def _serve(self, line: Connection, welcome: Welcome, version: str, cancel: Cancel) -> None:
        serving = Serving(
            line,
            self._requests,
            server=self._server,
            heartbeat_seconds=self._pace.heartbeat,
            monotonic=self._clocks.monotonic,
            wall=self._clocks.wall,
        )
        ours = speaks_lading_streams(welcome)
        self._requests.welcomed(line, welcome.requests, serving.ping, ours=ours)
        log.info("connected", extra={"server": self._server, "environment": welcome.environment, "engine": version})
        try:
            self._serve_until_told_anew(serving, line, version, cancel)
        except (Cancelled, TimedOut):
            self._requests.close(_STOP_SECONDS)  # the server hears how each of them ends
            raise
        finally:
            self._requests.lost()
            self._left = self._clocks.monotonic()

    def _serve_until_told_anew(self, serving: Serving, line: Connection, version: str, cancel: Cancel) -> None:
        """Returns where the engine is back, and nothing runs: a new login tells the server of it."""
        if version != UNKNOWN:
            serving.run(cancel, lambda: False)
            return
        again = self._engine.look_seconds
        log.warning("the engine here does not answer; asking again every %.0f s", again, extra=_ENGINE_AWAY)
        with EngineWatch(self._engine, cancel, line.wake) as watch:
            serving.run(cancel, lambda: watch.is_back and not self._requests.running)


def _advice(error: LadingError) -> dict[str, str]:
    """What to do, by the agent's own settings where the error's hint means those of others."""
    hint = _PLAIN_HTTP if isinstance(error, PlainHttpAnswered) else error.hint
    return {"try": hint} if hint else {}
