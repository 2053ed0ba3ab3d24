"""Taking one piece of content in, of which the digest is known: read, hashed and kept, each byte once."""

from __future__ import annotations

from lading.backends.content_store.hashing import Hashing, Streams
from lading.backends.content_store.objects.segments import Segments
from lading.backends.content_store.pieces import PIECE
from lading.engine.stores import Track
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort
from lading.wire.message import Cancel, Content, Reader
from lading.wire.progress import State


def taken(
    descriptor: Descriptor,
    content: Content,
    segments: Segments,
    *,
    streams: Streams,
    track: Track,
    cancel: Cancel,
) -> None:
    """Behind what the segments hold, which is hashed again, as a digest's state cannot be kept.

    Raises ContentTooShort, ContentTooLong, DigestMismatch, Cancelled, BucketFailed, and what the content's reader does;
    what had arrived is kept.
    """
    cancel.check()
    kept = segments.end
    if kept > descriptor.size:
        raise ContentTooLong(descriptor.digest, descriptor.size)
    verifier = descriptor.digest.verifier(descriptor.size)
    for piece in segments.read(cancel) if kept else ():
        verifier.update(piece)
    reader = content.open(kept)
    try:
        with streams.hashing(verifier.update, descriptor.size - kept) as hashing:
            arriving = _Arriving(descriptor, reader, hashing, kept=kept, track=track, cancel=cancel)
            segments.append(arriving)
            hashing.finish()
    finally:
        reader.close()
    verifier.finish()


class _Arriving:
    """Fills, hashes and tells."""

    def __init__(
        self, descriptor: Descriptor, reader: Reader, hashing: Hashing, *, kept: int, track: Track, cancel: Cancel
    ) -> None:
        self._descriptor, self._reader, self._hashing = descriptor, reader, hashing
        self._current = self._kept = kept
        self._track, self._cancel = track, cancel

    def __call__(self) -> memoryview:
        """Raises ContentTooLong, Cancelled, and what the reader does."""
        self._cancel.check()
        buffer = self._hashing.buffer()[:PIECE]
        count = self._reader.readinto(buffer)
        self._current += count
        if self._current > self._descriptor.size:
            raise ContentTooLong(self._descriptor.digest, self._descriptor.size)
        self._hashing.update(buffer[:count])
        self._track(State.MOVING, self._current, kept=self._kept)
        return buffer[:count]


def taken_whole(descriptor: Descriptor, content: Content, segments: Segments, track: Track, cancel: Cancel) -> bytes:
    """A small piece, in memory. Raises as `taken`; what had arrived before an error is kept as a segment."""
    cancel.check()
    buffer = memoryview(bytearray(descriptor.size + 1))
    filled = 0
    reader = content.open(0)
    try:
        while filled < len(buffer) and (count := reader.readinto(buffer[filled:])):
            cancel.check()
            filled += count
    except Exception:
        if filled:
            segments.keep_first(buffer[:filled])
        raise
    finally:
        reader.close()
    if filled < descriptor.size:
        raise ContentTooShort(descriptor.digest, descriptor.size, filled)
    verifier = descriptor.digest.verifier(descriptor.size)
    verifier.update(buffer[:filled])
    verifier.finish()
    track(State.MOVING, filled)
    return bytes(buffer[:filled])
