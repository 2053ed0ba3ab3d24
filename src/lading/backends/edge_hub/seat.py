"""The place of one environment's agent: sessions come and go, what was asked stays until it is answered or given up.

    attach ──▶ session ──▶ lost ─ ─ adrift ─ ─▶ attach of the next: goes on, or fails
                  │
                  └─ replaced by the session of a newer login

Locks are taken in this order: seat, exchange, answer, buffer.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from lading import __version__
from lading.backends.edge_hub.awaited import Awaited
from lading.backends.edge_hub.exchange import Exchange, OfRequest
from lading.backends.edge_hub.failures import AgentGone
from lading.backends.edge_hub.ours import OurExchange
from lading.backends.edge_hub.session import Session, Times
from lading.errors import LadingError, StorageFailed
from lading.services.hub.hub import AgentAway, AgentLink
from lading.wire.message import Cancel, Stalled
from lading.wire.tunnel_frames import End, ErrorFrame, Hello, ResponseFrame, StreamEnd, StreamFrame
from lading.wire.tunnel_login import REPLACED, CloseCode, speaks_lading_streams, welcome
from lading.wire.tunnel_text import frame_text

CANCEL_AGAIN_SECONDS = 1.0
"""A cancel may overtake its request at a stock agent, and is lost then: it is said again until it was heard."""

CANCEL_SECONDS = 60.0
"""How long it is said again to one connection."""

STRAY_SECONDS = 5.0
"""A stock agent that is back goes on with streams that this server, started anew, knows nothing of: it is told to stop
them, but not at once. Work that was taken up is asked for again by then, and the engine goes on with what both want."""

_ENDING_LIMIT = 1024


@dataclass(slots=True)
class _Ending:
    """A request that the agent was told to stop, at `said`, and first over this connection at `since`."""

    since: float
    said: float


class Seat:
    """Thread-safe."""

    def __init__(self, environment: int, times: Times) -> None:
        self.environment = environment
        self._times = times
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._agent: str | None = None
        self._open: dict[str, Exchange] = {}
        self._ending: dict[str, _Ending] = {}
        self._waiting: set[Awaited] = set()

    @property
    def session(self) -> Session | None:
        """None where no agent is here."""
        with self._lock:
            return self._session

    def here(self) -> Session:
        """Raises AgentAway."""
        session = self.session
        if session is None:
            raise AgentAway(self.environment)
        return session

    def back(self, cancel: Cancel, seconds: float) -> bool:
        """Whether an agent is here, or comes within so many seconds. Raises Cancelled."""
        if self.session is not None or seconds <= 0:
            return self.session is not None
        awaited = Awaited(self._times.monotonic)
        with self._lock:
            self._waiting.add(awaited)
        try:
            with cancel.closing(awaited.wake):
                awaited.wait(lambda: self.session is not None, seconds, cancel)
        except Stalled:
            return False
        finally:
            with self._lock:
                self._waiting.discard(awaited)
        return True

    # ── agents come and go

    def attach(self, hello: Hello, address: str, link: AgentLink) -> Session:
        """See Attach."""
        known = replace(hello, token="")
        session = Session(self, known, link, self._times, environment=self.environment, address=address)
        with self._lock:
            before = self._session
            if before is not None:
                self._leave()
            self._session = session
            going_on = self._going_on(hello, another=self._agent != hello.agent_id)
            self._agent = hello.agent_id
            arrived = {exchange.id: exchange.arrived for exchange in going_on}
            session.send(frame_text(welcome(self.environment, hello, __version__, arrived)))
            for exchange in going_on:
                self._resume(exchange, session)
            self._repeat_cancels(session)
            self._wake()
        if before is not None:
            before.link.close(CloseCode.NORMAL, REPLACED)
        return session

    def _going_on(self, hello: Hello, *, another: bool) -> list[OurExchange]:
        """What both sides still know of; what this agent cannot know of fails: a stock one does not say what it still
        works on, but one that is `another` than before can work on nothing of it."""
        ours, going_on = speaks_lading_streams(hello), []
        for exchange in tuple(self._open.values()):
            if ours and isinstance(exchange, OurExchange) and exchange.id in hello.requests:
                going_on.append(exchange)
            elif another or ours or isinstance(exchange, OurExchange):
                self._give_up(exchange, AgentGone("it came back and does not know of this any more"))
        return going_on

    def _resume(self, exchange: OurExchange, session: Session) -> None:
        try:
            exchange.resume(session.send, session.hello.requests[exchange.id])
        except LadingError as error:
            self._give_up(exchange, error, cancel=True)

    def _repeat_cancels(self, session: Session) -> None:
        """Agents of ours stop by themselves what the welcome does not name."""
        if session.ours:
            self._ending.clear()
        now = self._times.monotonic()
        for id, ending in self._ending.items():  # noqa: A001  a request's own word
            ending.since = ending.said = now
            session.send(_cancel_text(id))

    def lost(self, session: Session) -> None:
        """Its connection is gone; harmless twice."""
        with self._lock:
            if self._session is session:
                self._leave()

    def _leave(self) -> None:
        self._session = None
        now = self._times.monotonic()
        for exchange in tuple(self._open.values()):
            exchange.lost(now)
            if exchange.answer.settled:
                self._drop(exchange, cancel=True)

    def dismiss(self, code: int, reason: str) -> None:
        """Ends the connection, and everything that runs over it or waits for the next."""
        with self._lock:
            session, self._session = self._session, None
            for exchange in tuple(self._open.values()):
                self._give_up(exchange, AgentGone(f"this server ended it: {reason}"))
            self._ending.clear()
        if session is not None:
            session.link.close(code, reason)

    def _wake(self) -> None:
        for awaited in self._waiting:
            awaited.wake()

    # ── requests

    def open(self, exchange: Exchange, session: Session) -> None:
        """Asks. Raises AgentAway and AgentGone where it is not this session that is here."""
        text = frame_text(exchange.frame)
        with self._lock:
            if self._session is None:
                raise AgentAway(self.environment)
            if self._session is not session:
                raise AgentGone("a newer connection took its place")
            self._open[exchange.id] = exchange
            exchange.opened(session.send)
            session.send(text)

    def hear(self, session: Session, frame: OfRequest) -> None:
        """Frames of old sessions, and of requests that nobody waits for, are dropped. A loss comes before a frame or
        behind it: in its midst, the stream would be taken for one that the agent has come back to."""
        with self._lock:
            if self._session is not session:
                return
            exchange = self._open.get(frame.request_id)
            if exchange is None:
                self._hear_stray(session, frame)
                return
            try:
                exchange.hear(frame)
            except LadingError as error:
                self._give_up(exchange, error, cancel=True)
            if exchange.answer.settled:
                self._drop(exchange)

    def _hear_stray(self, session: Session, frame: OfRequest) -> None:
        """It is of a request that nobody waits for: one that ends was stopped, one that goes on is to be."""
        if isinstance(frame, StreamEnd | ResponseFrame | ErrorFrame):
            self._ending.pop(frame.request_id, None)
            return
        settled = self._times.monotonic() - session.since >= STRAY_SECONDS
        if settled and isinstance(frame, StreamFrame) and frame.request_id not in self._ending:
            self._cancel(frame.request_id)

    def broke(self, id: str, error: StorageFailed) -> None:  # noqa: A002  a request's own word
        """What comes for it cannot be kept any more."""
        with self._lock:
            exchange = self._open.get(id)
        if exchange is not None:
            self._give_up(exchange, error, cancel=True)

    def abandon(self, exchange: Exchange) -> None:
        """Nobody waits for it any more: unless it has ended, the agent is told to stop."""
        self._give_up(exchange, AgentGone("nobody reads it any more"), cancel=True)

    def _give_up(self, exchange: Exchange, error: LadingError, *, cancel: bool = False) -> None:
        exchange.answer.fail(error)
        self._drop(exchange, cancel=cancel)

    def _drop(self, exchange: Exchange, *, cancel: bool = False) -> None:
        with self._lock:
            known = self._open.pop(exchange.id, None) is not None
            if known and cancel and exchange.cancelable:
                self._cancel(exchange.id)

    def _cancel(self, id: str) -> None:  # noqa: A002  a request's own word
        """Remembered while the agent is away: of so many that the oldest may be forgotten."""
        now = self._times.monotonic()
        if len(self._ending) >= _ENDING_LIMIT:
            del self._ending[next(iter(self._ending))]
        self._ending[id] = _Ending(now, now)
        if self._session is not None:
            self._session.send(_cancel_text(id))

    # ── time passes

    def tick(self, now: float) -> None:
        """What is due."""
        with self._lock:
            for awaited in self._waiting:
                awaited.tick(now)
            for exchange in tuple(self._open.values()):
                exchange.answer.tick(now, self._times.adrift)
                if exchange.answer.settled:
                    self._drop(exchange)
            session = self._session
            if session is not None:
                self._say_cancels_again(session, now)
        if session is not None:
            session.tick(now)

    def _say_cancels_again(self, session: Session, now: float) -> None:
        for id, ending in tuple(self._ending.items()):  # noqa: A001  a request's own word
            if now - ending.since >= CANCEL_SECONDS:
                del self._ending[id]
            elif now - ending.said >= CANCEL_AGAIN_SECONDS:
                ending.said = now
                session.send(_cancel_text(id))


def _cancel_text(id: str) -> str:  # noqa: A002  a request's own word
    return frame_text(StreamEnd(id, End.CANCELLED))
