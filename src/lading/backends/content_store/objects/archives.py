"""Archives on their way in, kept in the bucket: any process takes the next piece, and any loads what has come.

    imports/<user>/<random>/begun             empty: this archive arrives
                           /<start>-<writer>  its pieces; where they end is the offset

Fulfils services.work.imports.ArrivingArchives.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from lading.backends.content_store.objects.bucket import Bucket, Entry
from lading.backends.content_store.objects.reading import ObjectReader
from lading.backends.content_store.objects.segments import Segments, row_of
from lading.backends.content_store.objects.turns import LOOK_AGAIN_SECONDS, Lock, Turns
from lading.services.work.imports import ImportBusy, ImportUnknown, OffsetWrong, Permit
from lading.wire.message import Cancel, Reader

FOLDER = "imports"

_ID = re.compile(r"([0-9]{1,18})-([A-Za-z0-9_-]{32})")


class ArchiveObjects:
    """Every method raises StorageFailed: what the bucket does, and the turns."""

    def __init__(self, bucket: Bucket, turns: Turns) -> None:
        self._bucket, self._turns = bucket, turns

    def begin(self, owner: int) -> str:
        name = f"{owner}-{secrets.token_urlsafe(24)}"
        self._bucket.put(_begun(name))
        return name

    def held(self, owner: int) -> int:
        return len({_archive(entry.key) for entry in self._bucket.entries(f"{FOLDER}/{owner}")})

    def owner(self, id: str) -> int:  # noqa: A002  a row's own word
        if self._bucket.find(_begun(id)) is None:
            raise ImportUnknown(id)
        return int(id.partition("-")[0])

    def size(self, id: str) -> int:  # noqa: A002  a row's own word
        return sum(entry.size for entry in self._row(id))

    def append(self, id: str, offset: int, piece: bytes, permit: Permit) -> int:  # noqa: A002  a row's own word
        with self._claimed(id) as lock:
            permit()
            segments = Segments(self._bucket, _folder(id), secrets.token_hex(4), self._row(id))
            if offset != segments.end:
                raise OffsetWrong(offset, segments.end)
            left = [memoryview(piece)]
            segments.append(lambda: left.pop() if left else memoryview(b""))
            if not lock.stands:  # somebody else goes on from before this piece
                raise ImportBusy
            return segments.end

    @contextmanager
    def alone(self, id: str) -> Iterator[None]:  # noqa: A002  a row's own word
        with self._claimed(id):
            yield

    @contextmanager
    def reading(self, id: str, cancel: Cancel) -> Iterator[Reader]:  # noqa: A002  a row's own word
        with self._claimed(id, cancel), closing(_Rows(self._bucket, self._row(id))) as reader:
            yield reader

    def remove(self, id: str) -> None:  # noqa: A002  a row's own word
        self._bucket.remove([entry.key for entry in self._bucket.entries(_folder(id))])

    def expire(self, before: float) -> int:
        touched: dict[str, float] = {}
        for entry in self._bucket.entries(FOLDER):
            name = _archive(entry.key)
            touched[name] = max(touched.get(name, 0.0), entry.written)
        old = [name for name, at in touched.items() if at < before and _ID.fullmatch(name)]
        return sum(self._expired(name) for name in old)

    def _expired(self, id: str) -> bool:  # noqa: A002  a row's own word
        lock = self._turns.claim(_folder(id))
        if lock is None:
            return False
        try:
            self.remove(id)
        finally:
            lock.release()
        return True

    @contextmanager
    def _claimed(self, id: str, patience: Cancel | None = None) -> Iterator[Lock]:  # noqa: A002  a row's own word
        """With `patience` it waits for whoever has it."""
        while (lock := self._turns.claim(_folder(id))) is None:
            if patience is None:
                raise ImportBusy
            patience.wait(LOOK_AGAIN_SECONDS)
        try:
            yield lock
        finally:
            lock.release()

    def _row(self, id: str) -> Sequence[Entry]:  # noqa: A002  a row's own word
        entries = tuple(self._bucket.entries(_folder(id)))
        if _begun(id) not in {entry.key for entry in entries}:
            raise ImportUnknown(id)
        return row_of(entries)


class _Rows:
    """A Reader over objects, one after the other."""

    def __init__(self, bucket: Bucket, row: Sequence[Entry]) -> None:
        self._bucket, self._left = bucket, list(row)
        self._reader: ObjectReader | None = None

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises ReadFailed."""
        while self._reader is not None or self._left:
            if self._reader is None:
                entry = self._left.pop(0)
                self._reader = ObjectReader(self._bucket, entry.key, 0, entry.size)
            if count := self._reader.readinto(buffer):
                return count
            self._reader.close()
            self._reader = None
        return 0

    def close(self) -> None:
        self._left.clear()
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _folder(id: str) -> str:  # noqa: A002  a row's own word
    """Raises ImportUnknown for what is no id of ours."""
    match = _ID.fullmatch(id)
    if match is None:
        raise ImportUnknown(id)
    return f"{FOLDER}/{match[1]}/{match[2]}"


def _begun(id: str) -> str:  # noqa: A002  a row's own word
    return f"{_folder(id)}/begun"


def _archive(key: str) -> str:
    """Whose key this is."""
    _, owner, name, *_ = [*key.split("/"), "", ""]
    return f"{owner}-{name}"
