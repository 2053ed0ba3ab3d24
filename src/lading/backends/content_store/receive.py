"""Taking one piece of content in: read, hashed and handed on, each byte once."""

from __future__ import annotations

from collections.abc import Callable

from lading.backends.content_store.hashing import Hashing, Streams
from lading.backends.content_store.pieces import PIECE
from lading.engine.stores import Track
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, Verifier
from lading.wire.message import Cancel, Content, Reader
from lading.wire.progress import State


def receive(
    descriptor: Descriptor,
    content: Content,
    write: Callable[[memoryview], None],
    *,
    verifier: Verifier,
    streams: Streams,
    track: Track,
    cancel: Cancel,
) -> None:
    """Calls `write` with what `verifier` has not seen yet, in order, never past the descriptor's size.

    Raises ContentTooShort, ContentTooLong, DigestMismatch, Cancelled, and what the content's reader and `write` raise.
    """
    cancel.check()
    receiving = _Receiving(descriptor, write, verifier, track)
    reader = content.open(verifier.received)
    try:
        with streams.hashing(verifier.update, descriptor.size - verifier.received) as hashing:
            while receiving.piece(reader, hashing):
                cancel.check()
            hashing.finish()
    finally:
        reader.close()
    verifier.finish()


class _Receiving:
    """How far one piece has come."""

    def __init__(
        self, descriptor: Descriptor, write: Callable[[memoryview], None], verifier: Verifier, track: Track
    ) -> None:
        self._descriptor, self._write, self._track = descriptor, write, track
        self._current = self._kept = verifier.received

    def piece(self, reader: Reader, hashing: Hashing) -> bool:
        """Whether anything came. What came before the reader failed is written too: it need not come again."""
        buffer = hashing.buffer()[:PIECE]
        filled = 0
        try:
            while filled < len(buffer) and (count := reader.readinto(buffer[filled:])):
                filled += count
        finally:
            if filled:
                self._take(buffer[:filled], hashing)
        return filled > 0

    def _take(self, filled: memoryview, hashing: Hashing) -> None:
        self._current += len(filled)
        if self._current > self._descriptor.size:
            raise ContentTooLong(self._descriptor.digest, self._descriptor.size)
        self._write(filled)
        hashing.update(filled)
        self._track(State.MOVING, self._current, kept=self._kept)
