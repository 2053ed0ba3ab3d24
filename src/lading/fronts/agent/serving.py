"""One connection from its welcome to its end: frames in, to the requests they are about; pings both ways."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lading.fronts.agent.connection import Connection
from lading.fronts.agent.requests import Requests, invalid
from lading.wire.message import Cancel, Stalled
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_frames import BodyEnd, ErrorFrame, Frame, Ping, Pong, Received, RequestFrame, StreamEnd
from lading.wire.tunnel_pieces import read_piece
from lading.wire.tunnel_text import frame_text, read_frame

log = logging.getLogger("lading.agent")

LEAST_SILENCE_SECONDS = 60.0
"""A server that says nothing for so long, or for two heartbeats, is gone (the deadline of agents of the field)."""


class Serving:
    """`monotonic` and `wall`, seconds since 1970, tell the time; a ping goes out every `heartbeat_seconds`."""

    def __init__(
        self,
        line: Connection,
        requests: Requests,
        *,
        server: str,
        heartbeat_seconds: float,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._line, self._requests, self._server = line, requests, server
        self._heartbeat = heartbeat_seconds
        self._silence = max(LEAST_SILENCE_SECONDS, 2 * heartbeat_seconds)
        self._monotonic, self._wall = monotonic, wall

    def ping(self) -> None:
        """From any thread. Agents of the field count seconds."""
        self._requests.pinging()
        self._line.send(frame_text(Ping(int(self._wall()))))

    def run(self, cancel: Cancel, enough: Callable[[], bool]) -> None:
        """Until `enough`, which is asked after every message and wake-up. Raises ConnectionLost, Stalled, Cancelled."""
        heard = self._monotonic()
        due = heard + self._heartbeat
        while not enough():
            message = self._line.receive(max(0.0, min(due, heard + self._silence) - self._monotonic()))
            cancel.check()
            now = self._monotonic()
            if message is not None:
                heard = now
                self._take(message)
            elif now - heard >= self._silence:
                raise Stalled(self._server, self._silence)
            if now >= due:
                self.ping()
                due = now + self._heartbeat

    def _take(self, message: str | bytes) -> None:
        """What cannot be read is said to the server, and changes nothing."""
        try:
            if isinstance(message, bytes):
                piece = read_piece(message)
                self._requests.take(piece, piece.request_id)
            else:
                self._taken(read_frame(message))
        except FrameInvalid as error:
            log.warning("%s", error)
            self._line.send(invalid(error))

    def _taken(self, frame: Frame) -> None:
        match frame:
            case Ping():
                self._line.send(frame_text(frame.answered(self._wall())))
            case Pong():
                self._requests.answered()
            case RequestFrame():
                self._requests.begin(frame)
            case Received() | StreamEnd() | BodyEnd():
                self._requests.take(frame, frame.request_id)
            case ErrorFrame(error):
                log.warning("the server says: %s", error)
            case _:
                pass  # newer servers say more
