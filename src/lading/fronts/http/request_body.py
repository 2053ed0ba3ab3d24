"""A request's body on its way from the connection to the application."""

from __future__ import annotations

import time
from collections.abc import Callable

from lading.fronts.http.exchange import Peer
from lading.fronts.http.inflow import Inflow
from lading.fronts.http.limits import Limits
from lading.fronts.http.pace import Pace
from lading.wire.http_chunks import ChunkReader
from lading.wire.http_framing import RequestFraming, RequestRefused
from lading.wire.message import ConnectionLost, Stalled

_DIRECT = 16 * 1024
"""A chunk with fewer bytes left than this is received into the connection's buffer together with what follows it."""


class RequestBody:
    """Ends where its framing says, and raises wherever else the bytes stop. `send_continue` is called once, if at all.

    A body that announces its length must deliver it; a chunked one must deliver its last chunk.
    """

    def __init__(
        self,
        inflow: Inflow,
        framing: RequestFraming,
        peer: Peer,
        limits: Limits,
        send_continue: Callable[[], None],
    ) -> None:
        self._inflow, self._peer, self._limits = inflow, peer, limits
        self._pace = Pace(peer, limits)
        self._length = framing.length
        self._left = framing.length or 0
        self._chunks = ChunkReader() if framing.length is None else None
        self._send_continue = send_continue if framing.awaits_continue and framing.length != 0 else None
        self._refused: RequestRefused | None = None
        self._broken = False
        self._deadline: float | None = None

    @property
    def length(self) -> int | None:
        return self._length

    @property
    def ended(self) -> bool:
        """Whether all of it was taken, so that the next request begins here."""
        if self._broken:
            return False
        return self._chunks.ended if self._chunks else self._left == 0

    def invite(self) -> None:
        send, self._send_continue = self._send_continue, None
        if send:
            send()

    def hurry(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises ConnectionLost, Stalled, RequestRefused (a chunk that is none)."""
        self.invite()
        try:
            return self._read_chunked(buffer, self._chunks) if self._chunks else self._read_counted(buffer)
        except BaseException:
            self._broken = True
            raise

    def close(self) -> None:
        """Nothing is held; the connection drains what is left."""

    def _read_counted(self, buffer: memoryview) -> int:
        if not self._left:
            return 0
        count = self._receive(buffer[: self._left])
        self._left -= count
        return count

    def _read_chunked(self, buffer: memoryview, chunks: ChunkReader) -> int:
        """Gathers the payload of all chunks that are here: docker sends 32 KiB each, too little to write and hash."""
        inflow, gathered = self._inflow, 0
        while gathered < len(buffer) and self._at_payload(chunks, gathered):
            if inflow.held:
                count = inflow.take_into(buffer[gathered : gathered + chunks.due])
            elif gathered:
                break
            elif chunks.due < _DIRECT:
                self._fill()
                continue
            else:
                count = self._receive(buffer[: chunks.due])
            chunks.passed(count)
            gathered += count
        return gathered

    def _at_payload(self, chunks: ChunkReader, gathered: int) -> bool:
        """Whether payload is next; waits for it only while nothing is `gathered`."""
        self._take_framing(chunks, gathered)
        while not (chunks.due or chunks.ended or gathered):
            self._fill()
            self._take_framing(chunks, gathered)
        return chunks.due > 0

    def _take_framing(self, chunks: ChunkReader, gathered: int) -> None:
        """Raises RequestRefused, but not before the payload that is `gathered` has been handed out."""
        if self._refused:
            raise self._refused
        inflow = self._inflow
        try:
            inflow.start = chunks.take(inflow.buffer, inflow.start, inflow.end)
        except RequestRefused as refused:
            self._refused = refused
            if not gathered:
                raise

    def _fill(self) -> None:
        self._inflow.widen()
        began = time.monotonic()
        self._came(self._inflow.fill(self._patience(began)), began)

    def _receive(self, target: memoryview) -> int:
        if self._inflow.held:
            return self._inflow.take_into(target)
        began = time.monotonic()
        return self._came(self._inflow.receive_into(target, self._patience(began)), began)

    def _patience(self, now: float) -> float:
        """How long the next bytes may take. Raises Stalled."""
        if self._deadline is None:
            return self._limits.stall_seconds
        left = self._deadline - now
        if left <= 0:
            raise Stalled(str(self._peer), self._limits.stall_seconds)
        return min(left, self._limits.stall_seconds)

    def _came(self, count: int, began: float) -> int:
        """Raises ConnectionLost where nothing did, TooSlow."""
        if not count:
            raise ConnectionLost(str(self._peer), "the client ended it before the end of the body")
        self._pace.moved(count, time.monotonic() - began)
        return count
