"""Our own content: blobs and manifests in a folder, shared by every process on the machine (see tree.py).

What lies under blobs/ was checked and is on disk. What is on its way lies under partial/ and survives kill -9, cancel
and reboot. One download per blob: who comes second waits, and finds it there.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from pathlib import Path

from lading.backends.content_store.fetch import Fetch, fetch
from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.content_store.hashing import Streams
from lading.backends.content_store.incoming import Uploads
from lading.backends.content_store.journal import Journal, current_boot
from lading.backends.content_store.locks import claim, join, shared
from lading.backends.content_store.partial import Partial
from lading.backends.content_store.storage import (
    OPEN_FILE,
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    BytesLost,
    Reserve,
    storing,
    sync_file,
    sync_folder,
    syncing,
)
from lading.backends.content_store.tree import Tree, referrer_at
from lading.engine.records import Leases, Promises
from lading.engine.stores import ContentUnknown, Outcome, Track
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.oci.media_types import is_document
from lading.wire.message import Cancel, Content, FileReader, ReadFailed
from lading.wire.progress import State

_COARSE_NANOSECONDS = 50_000_000
"""Longer than between two ticks of any clock that file systems go by."""

_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.01, 0.25


class ContentFolder:
    """Source (verified), Target (verifies) and Ranged over one folder; any number of threads and processes.

    Opening it makes the folders. Raises StorageUnusable, DiskFull.
    """

    verified = True
    verifies = True

    def __init__(
        self,
        path: Path,
        leases: Leases,
        clock: Callable[[], float] = time.monotonic,
        reserve: Reserve = Reserve(),  # noqa: B008  it is frozen
    ) -> None:
        """`reserve` is what stays free: below it no upload begins, and no blob is fetched."""
        self.tree = Tree(path)
        self.tree.prepare()
        self.leases = leases
        self._promises: Promises = leases
        self._clock, self._reserve = clock, reserve
        self._boot = current_boot()
        self._streams = Streams()
        self._use = _Use(self.tree.users)
        self.uploads = Uploads(self.tree, self._keep, self._streams, reserve)

    @property
    def name(self) -> str:
        return str(self.tree.root)

    def close(self) -> None:
        """No longer counts among those who use the content. Harmless twice, and the folder still works."""
        self._use.end()

    def under(self, promises: Promises) -> ContentFolder:
        """The same folder, where what is asked for or pushed is leased by `promises`: by a piece of work for itself.

        Uploads go on being leased for whoever sends them. Nothing is to be closed again.
        """
        same = copy(self)
        same._promises = promises
        return same

    # ── Source

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> FileReader:
        """Raises ContentUnknown, ReadFailed."""
        path = self.tree.blob(descriptor.digest)
        try:
            return PlainFileReader(path, offset, length)
        except FileNotFoundError:
            raise ContentUnknown(descriptor.digest, self.name) from None
        except OSError as error:
            raise ReadFailed(str(path), os.strerror(error.errno or 0)) from error

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held. Leases nothing."""
        try:
            return self.tree.blob(digest).stat().st_size
        except FileNotFoundError:
            return None

    # ── ContentListing (services.embedded.shelf)

    def stamp(self) -> Hashable:
        """Of the folders' own times, which change with whatever comes or goes. They are as coarse as the system's
        clock: one that is only just gone may stand for two changes, and is no stamp."""
        times = tuple(path.stat().st_mtime_ns for path in self.tree.blob_folders)
        settled = time.time_ns() - max(times) > _COARSE_NANOSECONDS
        return times if settled else object()

    def held(self) -> frozenset[str]:
        return frozenset(name for path in self.tree.blob_folders for name in os.listdir(path))

    # ── Target

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Leases those that are held, so that no collection removes them; answers those that are not held."""
        self._use.begin()
        if self._promises.renewed(digests):  # a lease that stands needs no gate: no sweep passes it by
            return {digest for digest in digests if not self.tree.blob(digest).exists()}
        with storing(self.tree.gate), shared(self.tree.gate):
            held = {digest for digest in digests if self.tree.blob(digest).exists()}
            if held:
                self._promises.hold(held)
        return set(digests) - held

    @contextmanager
    def holding(self, digests: Collection[Digest]) -> Iterator[Collection[Digest]]:
        """Inside, which is short, no collection removes any of these; gives those that are not held. Leases nothing."""
        with ExitStack() as stack:
            with storing(self.tree.gate):
                stack.enter_context(shared(self.tree.gate))
                missing = [digest for digest in digests if not self.tree.blob(digest).exists()]
            yield missing

    def has(self, descriptor: Descriptor) -> bool:
        """Whether pushing it would move nothing; then it is leased. Raises ContentTooShort or ContentTooLong where
        the descriptor's size is not that of the content of this digest."""
        if self.keep((descriptor.digest,)):
            return False
        size = self.size(descriptor.digest)
        if size is not None and size < descriptor.size:
            raise ContentTooShort(descriptor.digest, descriptor.size, size)
        if size is not None and size > descriptor.size:
            raise ContentTooLong(descriptor.digest, descriptor.size)
        return size is not None

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Raises DigestMismatch, ContentTooShort, ContentTooLong, DiskFull, StorageUnusable, Cancelled, and what the
        content's reader raises; unless the bytes were wrong or lost, those that came are kept for the next attempt."""
        return self.push_ranged(descriptor, content, _never, track, cancel)

    def push_ranged(
        self, descriptor: Descriptor, content: Content, spare: Callable[[], bool], track: Track, cancel: Cancel
    ) -> Outcome:
        """`push` over several connections while `spare()` and one alone is slow."""
        partial = None if self.has(descriptor) else self._claim(descriptor, track, cancel)
        if partial is None:
            track(State.EXISTS, descriptor.size)
            return Outcome.EXISTS
        if not is_document(descriptor.media_type):  # the manifest of what was sent already is the end of it
            self._check_room(partial)
        order = Fetch(descriptor.digest, content, spare, track, cancel, self._clock, self._streams)
        try:
            kept = self._fill(order, partial)
            self._keep(descriptor.digest, partial.path, partial.file)
            partial.became_blob()
        except BytesLost:
            partial.discard()
            raise
        finally:
            partial.close()
        track(State.DONE, descriptor.size, kept=kept)
        return Outcome.SENT

    # ── Referrers

    def refer(self, subject: Digest, referrer: Digest) -> None:
        """Remembers, durably, that the second's subject is the first; either may come later."""
        path = self.tree.referrer(subject, referrer)
        with storing(path):
            if path.exists():
                return
            for folder in (path.parent.parent, path.parent):
                if not folder.exists():
                    folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
                    sync_folder(folder.parent)
            path.touch(PRIVATE_FILE)
            sync_folder(path.parent)

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What was remembered of this subject and is held."""
        try:
            found = [referrer_at(path) for path in self.tree.referrers(subject).iterdir()]
        except FileNotFoundError:
            return ()
        return [digest for digest in found if self.size(digest) is not None]

    # ── How a blob comes in

    def _claim(self, descriptor: Descriptor, track: Track, cancel: Cancel) -> Partial | None:
        """The blob's partial, ours alone; None once somebody else has brought the blob."""
        path = self.tree.partial(descriptor.digest)
        seconds = _FIRST_LOOK_SECONDS
        while True:
            with storing(path):
                file = claim(path, create=True)
            if file is not None:
                break
            if seconds == _FIRST_LOOK_SECONDS:
                track(State.WAITING, detail="it is being fetched already")
            cancel.wait(seconds)
            seconds = min(2 * seconds, _LONGEST_LOOK_SECONDS)
        journal = Journal(self.tree.ranges(descriptor.digest), self._boot)
        partial = Partial(path, file, descriptor.size, journal)
        try:
            if not self.has(descriptor):
                partial.begin()
                return partial
            partial.remove()
        except BaseException:
            partial.close()
            raise
        partial.close()
        return None

    def _check_room(self, partial: Partial) -> None:
        """Raises SpaceLow, and leaves the partial to whoever comes when there is room."""
        try:
            self._reserve.check(self.tree.root)
        except BaseException:
            partial.close()
            raise

    def _fill(self, order: Fetch, partial: Partial) -> int:
        """All of it, checked; answers how many bytes an earlier attempt had left.

        Wrong bytes are dropped at once. If some of them were an earlier attempt's, this one starts again without them.
        """
        while True:
            partial.reserve()
            order.track(State.MOVING, partial.kept, kept=partial.kept)
            try:
                fetch(order, partial)
            except (DigestMismatch, ContentTooLong):
                mixed = partial.kept > 0
                partial.discard()
                if not mixed:
                    raise
            else:
                partial.settle()
                return partial.kept

    def _keep(self, digest: Digest, path: Path, file: int) -> None:
        """The checked file becomes the blob: on disk, leased, under its name, in that order."""
        self._use.begin()
        blob = self.tree.blob(digest)
        with storing(path):
            os.fchmod(file, OPEN_FILE)
            with syncing(path):
                sync_file(file)
            with shared(self.tree.gate):
                self._promises.hold((digest,))
                path.rename(blob)  # over what was there, if it was: these bytes have just been checked
                self.tree.damaged(digest).unlink(missing_ok=True)
            sync_folder(blob.parent)


class _Use:
    """Whether this process is among those who use the content: from its first lease until it closes the folder."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._joined: int | None = None

    def begin(self) -> None:
        """Harmless twice. Raises StorageUnusable."""
        with self._lock:
            if self._joined is None:
                with storing(self._path):
                    self._joined = join(self._path)

    def end(self) -> None:
        """Harmless twice."""
        with self._lock:
            joined, self._joined = self._joined, None
            if joined is not None:
                os.close(joined)


def _never() -> bool:
    return False
