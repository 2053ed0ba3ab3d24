"""Our own content in a bucket: Source (verified) and Target (verifies), for every process that shares the database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy

from lading.backends.content_store.hashing import Streams
from lading.backends.content_store.objects import keys
from lading.backends.content_store.objects.bucket import SMALLEST_PART, Bucket
from lading.backends.content_store.objects.reading import ObjectReader
from lading.backends.content_store.objects.seen import Seen
from lading.backends.content_store.objects.segments import Segments
from lading.backends.content_store.objects.taking import taken, taken_whole
from lading.backends.content_store.objects.turns import LOOK_AGAIN_SECONDS, Lock, Turns
from lading.backends.content_store.objects.uploads import ObjectUploads
from lading.engine.records import Leases, Promises
from lading.engine.stores import ContentUnknown, Outcome, Track
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.wire.message import BytesContent, Cancel, Content, Reader
from lading.wire.progress import State

LOOKS_AT_ONCE = 16
"""Objects asked about together."""


class ObjectContent:
    """Any number of threads and processes. Nothing is kept on the local disk."""

    verified = True
    verifies = True

    def __init__(self, bucket: Bucket, leases: Leases, turns: Turns) -> None:
        self.bucket, self.leases, self.turns = bucket, leases, turns
        self._promises: Promises = leases
        self.seen = Seen()
        self._streams = Streams()
        self._looking = ThreadPoolExecutor(LOOKS_AT_ONCE, "bucket")
        self.uploads = ObjectUploads(bucket, turns, self._keep, self._streams)

    @property
    def name(self) -> str:
        return self.bucket.name

    def close(self) -> None:
        """Harmless twice."""
        self._looking.shutdown(wait=False)

    def under(self, promises: Promises) -> ObjectContent:
        """The same content, where what is asked for or pushed is leased by `promises`: by a piece of work for itself.

        Uploads go on being leased for whoever sends them. Nothing is to be closed again.
        """
        same = copy(self)
        same._promises = promises
        same.seen = Seen()  # under leases of its own
        return same

    # ── Source

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown, ReadFailed, BucketFailed."""
        key = keys.blob(descriptor.digest)
        wanted = max(0, descriptor.size - offset if length is None else min(length, descriptor.size - offset))
        reader = ObjectReader.begun(self.bucket, key, offset, wanted)
        if reader is None:
            raise ContentUnknown(descriptor.digest, self.name)
        return reader

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held. Leases nothing."""
        return self.bucket.size(keys.blob(digest))

    def signed_url(self, digest: Digest, seconds: float) -> str:
        """Where whoever has it may GET the content from the object store itself, for so long."""
        return self.bucket.signed_url(keys.blob(digest), seconds)

    # ── Target

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Leases those that are held, so that no collection removes them; answers those that are not held."""
        return set(digests).difference(self._leased(digests))

    @contextmanager
    def holding(self, digests: Collection[Digest]) -> Iterator[Collection[Digest]]:
        """Inside, which is short, no collection removes any of these; gives those that are not held. Leases nothing.
        What was seen a moment ago, and is leased since, needs neither the gate nor a look."""
        asked = [each for each in digests if not (self.seen.lately(each) and self._promises.renewed((each,)))]
        if not asked:
            yield ()
            return
        with self.turns.shared():
            yield set(asked).difference(self._held(asked))

    def has(self, descriptor: Descriptor) -> bool:
        """Whether pushing it would move nothing; then it is leased. Raises ContentTooShort or ContentTooLong where
        the descriptor's size is not that of the content of this digest."""
        size = self._leased((descriptor.digest,)).get(descriptor.digest)
        if size is not None and size < descriptor.size:
            raise ContentTooShort(descriptor.digest, descriptor.size, size)
        if size is not None and size > descriptor.size:
            raise ContentTooLong(descriptor.digest, descriptor.size)
        return size is not None

    def _leased(self, digests: Collection[Digest]) -> Mapping[Digest, int]:
        """Those that are held, leased from now on, with their sizes in bytes."""
        if self._promises.renewed(digests):  # a lease that stands needs no gate: no sweep passes it by
            held = self._held(digests)
        else:
            with self.turns.shared():
                held = self._held(digests)
                if held:
                    self._promises.hold(held.keys())
        self.seen.add(held)
        return held

    def _held(self, digests: Collection[Digest]) -> Mapping[Digest, int]:
        wanted = list(digests)
        sizes = map(self.size, wanted) if len(wanted) == 1 else self._looking.map(self.size, wanted)
        return {digest: size for digest, size in zip(wanted, sizes, strict=True) if size is not None}

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Raises DigestMismatch, ContentTooShort, ContentTooLong, BucketFailed, Cancelled, and what the content's
        reader raises; unless the bytes were wrong, those that came are kept for the next attempt, here or elsewhere."""
        if self.has(descriptor):
            track(State.EXISTS, descriptor.size)
            return Outcome.EXISTS
        if isinstance(content, BytesContent) and descriptor.size < SMALLEST_PART:
            self._take_held(descriptor, content.held, track, cancel)
            return Outcome.SENT
        lock = self._claim(descriptor, track, cancel)
        if lock is None:
            track(State.EXISTS, descriptor.size)
            return Outcome.EXISTS
        try:
            segments = Segments.found(self.bucket, keys.partial(descriptor.digest), secrets.token_hex(4))
            kept = self._fill(descriptor, content, segments, track, cancel)
            if segments.row and lock.stands:  # else they are somebody else's to go on from
                segments.remove()
        finally:
            lock.release()
        track(State.DONE, descriptor.size, kept=kept)
        return Outcome.SENT

    def push_ranged(
        self,
        descriptor: Descriptor,
        content: Content,
        spare: Callable[[], bool],  # noqa: ARG002  a segment comes over one connection
        track: Track,
        cancel: Cancel,
    ) -> Outcome:
        """As `push`."""
        return self.push(descriptor, content, track, cancel)

    # ── Referrers

    def refer(self, subject: Digest, referrer: Digest) -> None:
        """Remembers, durably, that the second's subject is the first; either may come later."""
        self.bucket.put_new(keys.referrer(subject, referrer))

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What was remembered of this subject and is held."""
        named = (keys.referrer_at(entry.key) for entry in self.bucket.entries(keys.referrers(subject)))
        found = [digest for digest in named if digest is not None]
        held = self._held(found)
        return [digest for digest in found if digest in held]

    # ── How a blob comes in

    def _claim(self, descriptor: Descriptor, track: Track, cancel: Cancel) -> Lock | None:
        """Of the blob's transfer, wherever it runs; None once somebody else has brought the blob."""
        told = False
        while (lock := self.turns.claim(keys.partial(descriptor.digest))) is None:
            if not told:
                track(State.WAITING, detail="it is being fetched already")
                told = True
            cancel.wait(LOOK_AGAIN_SECONDS)
        try:
            if not self.has(descriptor):
                return lock
        except BaseException:
            lock.release()
            raise
        lock.release()
        return None

    def _take_held(self, descriptor: Descriptor, raw: bytes, track: Track, cancel: Cancel) -> None:
        """What is in memory already, nobody need fetch once for all: two who bring it at once bring the same."""
        verifier = descriptor.digest.verifier(descriptor.size)
        verifier.update(memoryview(raw))
        verifier.finish()
        cancel.check()
        track(State.MOVING, descriptor.size)
        self._lease(descriptor.digest)
        self.bucket.put(keys.blob(descriptor.digest), raw)
        self.seen.add((descriptor.digest,))
        track(State.DONE, descriptor.size)

    def _fill(self, descriptor: Descriptor, content: Content, segments: Segments, track: Track, cancel: Cancel) -> int:
        """It becomes the blob, checked; answers how many bytes an earlier attempt had left.

        Wrong bytes are dropped at once. If some of them were an earlier attempt's, this one starts again without them.
        """
        while True:
            kept = segments.end
            track(State.MOVING, kept, kept=kept)
            try:
                if descriptor.size < SMALLEST_PART and not kept:
                    raw = taken_whole(descriptor, content, segments, track, cancel)
                    self._lease(descriptor.digest)
                    self.bucket.put(keys.blob(descriptor.digest), raw)
                    self.seen.add((descriptor.digest,))
                    return 0
                taken(descriptor, content, segments, streams=self._streams, track=track, cancel=cancel)
            except (DigestMismatch, ContentTooLong):
                segments.remove()
                if not kept:
                    raise
            else:
                track(State.COMMITTING, descriptor.size, kept=kept)
                self._keep(descriptor.digest, segments, cancel)
                return kept

    def _lease(self, digest: Digest) -> None:
        """Held or not: so that whoever brings it now brings it to stay."""
        with self.turns.shared():
            self._promises.hold((digest,))

    def _keep(self, digest: Digest, segments: Segments, cancel: Cancel) -> None:
        """The checked bytes become the blob, over what was there, if it was: leased first, as a collection asks for
        leases last."""
        self._lease(digest)
        segments.become(keys.blob(digest), cancel)
        self.seen.add((digest,))
