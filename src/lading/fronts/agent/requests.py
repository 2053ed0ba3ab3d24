"""The requests that run for a server, over as many connections as it takes.

taken ──▶ running ──▶ ended ──▶ forgotten
An end may be lost with its connection. So what has ended is kept until the server has answered a ping that went out
behind the end: whoever answers has read all that was before. In the protocol of the field nobody asks again, and
what has ended is forgotten at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from lading.errors import LadingError, Side, Unreachable
from lading.fronts.agent.asking import asked_of, refusing
from lading.fronts.agent.connection import Connection
from lading.fronts.agent.engine import Engine
from lading.fronts.agent.stock import StockWork
from lading.fronts.agent.streams import StreamedWork
from lading.wire.tunnel_fields import REQUESTS_LIMIT, FrameInvalid
from lading.wire.tunnel_frames import End, ErrorCode, ErrorFrame, Frame, RequestFrame, StreamEnd
from lading.wire.tunnel_pieces import BodyPiece
from lading.wire.tunnel_text import frame_text

log = logging.getLogger("lading.agent")

AT_ONCE = 128
"""Requests that run at a time; more are answered with 503."""

KEPT = REQUESTS_LIMIT
"""Requests that are known at a time, with those of which the server has not said that it read their end. As many as a
hello names; more are none: who never answers a ping would fill this machine's memory."""


class AgentStops(Unreachable):
    """Requests end because the agent does, or has been without its server for too long."""

    side = Side.HOST

    def __str__(self) -> str:
        return "the agent was stopped"


class Work(Protocol):
    """A request and its answer: StreamedWork or StockWork, which say what each of these is."""

    id: str

    @property
    def arrived(self) -> int: ...
    def run(self) -> None: ...
    def take(self, frame: Frame | BodyPiece) -> None: ...
    def cancel(self, cause: LadingError | None = None) -> None: ...
    def lost(self) -> None: ...
    def resume(self, line: Connection, received: int) -> None: ...


class Requests:
    """`engine` answers them. One thread calls everything but what works report."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._line: Connection | None = None
        self._ours = False
        self._ask_ping: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._works: dict[str, Work] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._ended: list[str] = []
        self._asked: deque[list[str]] = deque()

    @property
    def known(self) -> Mapping[str, int]:
        """What a hello says of them: how many bytes of each one's body have come."""
        with self._lock:
            works = list(self._works.values())
        return {work.id: work.arrived for work in works}

    @property
    def running(self) -> int:
        """How many have not ended."""
        with self._lock:
            return len(self._threads)

    # ── connections

    def welcomed(
        self, line: Connection, waited_for: Mapping[str, int], ping: Callable[[], None], *, ours: bool
    ) -> None:
        """A new connection. In our own protocol, `ours`, the server says which it still waits for, and the others end;
        in that of the field all go on. `ping` sends one, from any thread."""
        with self._lock:
            works, before = list(self._works.values()), self._ours
            self._line, self._ours, self._ask_ping = line, ours, ping
            self._ended = [name for batch in (*self._asked, self._ended) for name in batch if name in waited_for]
            self._asked.clear()
        for work in works:
            if before is ours and (not ours or work.id in waited_for):
                work.resume(line, waited_for.get(work.id, 0))
            else:
                self._give_up(work)

    def lost(self) -> None:
        """The connection is gone; everything goes on without it."""
        with self._lock:
            self._line = self._ask_ping = None
            works = list(self._works.values())
        for work in works:
            work.lost()

    def close(self, seconds: float) -> None:
        """Ends all of them, and waits so long at most."""
        deadline = time.monotonic() + seconds
        with self._lock:
            works, threads = list(self._works.values()), list(self._threads.values())
        for work in works:
            self._give_up(work, AgentStops())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _give_up(self, work: Work, cause: LadingError | None = None) -> None:
        work.cancel(cause)
        with self._lock:
            if work.id not in self._threads:
                self._works.pop(work.id, None)

    # ── frames

    def begin(self, frame: RequestFrame) -> None:
        """A request, which gets a thread of its own. One whose id is in use is none."""
        line = self._line
        assert line is not None
        log.debug("%s %s", frame.method, frame.path.partition("?")[0], extra={"request": frame.request_id})
        with self._lock:
            taken, full = frame.request_id in self._works, len(self._threads) >= AT_ONCE
            over = len(self._works) >= KEPT
        if taken:
            line.send(frame_text(ErrorFrame("this id is in use", frame.request_id, ErrorCode.PARSE_ERROR)))
            return
        if over:
            many = f"{KEPT} requests have not ended yet"
            line.send(frame_text(ErrorFrame(many, frame.request_id, ErrorCode.SESSION_LIMIT)))
            return
        busy = refusing(503, f"this agent is at work on {AT_ONCE} requests already")
        ask = busy if full else asked_of(self._engine, frame)
        kind = StreamedWork if self._ours else StockWork
        work: Work = kind(frame, ask, line, self._over)
        thread = threading.Thread(target=work.run, name=f"request {frame.request_id[:8]}", daemon=True)
        with self._lock:
            self._works[work.id] = work
            self._threads[work.id] = thread
        if full:
            work.run()
        else:
            thread.start()

    def take(self, frame: Frame | BodyPiece, request_id: str) -> None:
        """What the server says of one of them. One that is not known any more, or never was, has ended: the server asks
        for it until it hears so."""
        with self._lock:
            work, line = self._works.get(request_id), self._line
        if work is not None:
            work.take(frame)
        elif line is not None and isinstance(frame, StreamEnd):
            line.send(frame_text(StreamEnd(request_id, End.CANCELLED, count=0 if self._ours else None)))

    # ── what has ended

    def _over(self, request_id: str) -> None:
        """A work reports, from its own thread, after its end went out."""
        with self._lock:
            self._threads.pop(request_id, None)
            if not self._ours:
                self._works.pop(request_id, None)
                return
            self._ended.append(request_id)
            ping = None if self._asked else self._ask_ping
        if ping is not None:
            ping()

    def pinging(self) -> None:
        """A ping is about to go out, behind everything that has ended so far."""
        with self._lock:
            self._asked.append(self._ended)
            self._ended = []

    def answered(self) -> None:
        """The oldest ping was answered."""
        with self._lock:
            for name in self._asked.popleft() if self._asked else ():
                self._works.pop(name, None)
            ping = self._ask_ping if self._ended and not self._asked else None
        if ping is not None:
            ping()


def invalid(error: FrameInvalid) -> str:
    """What a server is told of a message that cannot be read."""
    return frame_text(ErrorFrame(str(error), code=ErrorCode.PARSE_ERROR))
