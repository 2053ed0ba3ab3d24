"""The head of the next request, out of what arrives."""

from __future__ import annotations

import string
import time

from lading.fronts.http.exchange import Peer
from lading.fronts.http.inflow import Inflow
from lading.wire.http_framing import TARGET_LIMIT, RequestRefused
from lading.wire.message import Stalled

_FIRST_BYTES = frozenset(f"{string.ascii_letters}\r".encode())
"""A method's, or those of an empty line."""


class NextHead:
    """Of one connection, one after the other."""

    def __init__(self, inflow: Inflow, peer: Peer) -> None:
        self._inflow, self._peer = inflow, peer
        self._seconds = 0.0

    def read(self, seconds: float) -> bytes | None:
        """All of it, within so many seconds; None where the client has nothing more to ask. Raises RequestRefused (400,
        408, 414, 431)."""
        self._seconds = seconds
        deadline = time.monotonic() + seconds
        searched = 0
        while True:
            searched = max(self._skip_empty_lines(), searched)
            self._check_first_byte()
            found = self._inflow.buffer.find(b"\r\n\r\n", searched, self._inflow.end)
            if found >= 0:
                return self._inflow.take(found + 4 - self._inflow.start)
            searched = self._wait_for_more(deadline)
            if searched < 0:
                return None

    def _skip_empty_lines(self) -> int:
        """Some clients send one after a body (RFC 9112, 2.2)."""
        inflow = self._inflow
        while inflow.held >= 2 and inflow.buffer.startswith(b"\r\n", inflow.start):
            inflow.start += 2
        return inflow.start

    def _check_first_byte(self) -> None:
        """Whoever speaks TLS to this port learns at once that nobody here does, and does not wait for a time-out.

        docker and skopeo try TLS first at every registry on loopback.
        """
        inflow = self._inflow
        if inflow.held and inflow.buffer[inflow.start] not in _FIRST_BYTES:
            raise RequestRefused(400, "this is not HTTP")

    def _wait_for_more(self, deadline: float) -> int:
        """Where to look on for the end of the head; -1 where the client is gone."""
        inflow = self._inflow
        if inflow.full:
            line = inflow.buffer.find(b"\r\n", inflow.start, inflow.end)
            too_long = line < 0 or line - inflow.start > TARGET_LIMIT
            raise RequestRefused(414 if too_long else 431, "the head of the request is too long")
        try:
            held = inflow.held
            arrived = inflow.fill(self._left(deadline))
        except Stalled:
            if not inflow.held:
                return -1
            raise RequestRefused(408, "the head of the request did not come in time") from None
        return inflow.start + max(held - 3, 0) if arrived else -1

    def _left(self, deadline: float) -> float:
        """Raises Stalled where nothing is left, whatever still arrives: empty lines without end are no head either."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Stalled(str(self._peer), self._seconds)
        return left
