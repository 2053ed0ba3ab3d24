"""A content folder as garbage collection sees it (engine.collect.Collectable)."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.locks import claim, exclusive, exclusive_at_once, exclusive_in_turn
from lading.backends.content_store.storage import storing
from lading.backends.content_store.tree import RANGES, Tree, digest_at
from lading.engine.collect import Leftover
from lading.engine.reach import read_manifest
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import Cancel, FileReader


class CollectableFolder:
    """Looks at and removes what lies in `folder`. Raises StorageUnusable."""

    def __init__(self, folder: ContentFolder) -> None:
        self._folder = folder

    @property
    def _tree(self) -> Tree:
        return self._folder.tree

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held."""
        return self._folder.size(digest)

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> FileReader:
        """As Source.open."""
        return self._folder.open(descriptor, offset, length)

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What is held and has this subject."""
        return self._folder.referrers(subject)

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Everything held, with its size in bytes."""
        for path in self._tree.blobs():
            with suppress(FileNotFoundError):
                yield digest_at(path), path.stat().st_size

    def turn(self, cancel: Cancel) -> AbstractContextManager[None]:
        """Inside, no thread or process but this one collects here. Raises Cancelled."""
        return exclusive_in_turn(self._tree.collecting, cancel)

    def alone(self) -> AbstractContextManager[bool]:
        """Whether nobody else has used the folder since they opened it, and nobody begins to while inside."""
        return exclusive_at_once(self._tree.users)

    def sweep(self, digests: Collection[Digest], release: Callable[[Collection[Digest]], Collection[Digest]]) -> None:
        """Removes those of these that `release` lets go. From the asking until they are gone, nobody can lease any.

        At the gate they only lose their names: removing the bytes of a large file takes its time.
        """
        with storing(self._tree.gate), exclusive(self._tree.gate):
            going = release(digests)
            for digest in going:
                self._forget_subject(digest)
                with suppress(FileNotFoundError):
                    self._tree.blob(digest).rename(self._tree.trashed(digest))
        for digest in going:
            with storing(self._tree.trash):
                self._tree.trashed(digest).unlink(missing_ok=True)

    def _forget_subject(self, digest: Digest) -> None:
        manifest = read_manifest(self._folder, digest)
        if manifest is not None and manifest.subject is not None:
            path = self._tree.referrer(manifest.subject.digest, digest)
            path.unlink(missing_ok=True)
            with suppress(OSError):  # others refer to the same subject
                path.parent.rmdir()

    def leftovers(self, before: float) -> Iterable[Leftover]:
        """Partials and uploads, and what a killed collection was about to remove, which is given up however young."""
        for path in self._unfinished():
            with suppress(FileNotFoundError):
                touched = path.stat().st_mtime
                given_up = touched < before and self._is_free(path)
                yield Leftover(str(path.relative_to(self._tree.root)), _size(path), touched, given_up)
        for path in self._tree.trash.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                yield Leftover(str(path.relative_to(self._tree.root)), status.st_size, status.st_mtime, given_up=True)

    def set_aside(self) -> Iterable[tuple[Digest, Leftover]]:
        """What was moved to damaged/."""
        for path in self._tree.all_damaged():
            with suppress(FileNotFoundError):
                status = path.stat()
                name = str(path.relative_to(self._tree.root))
                yield digest_at(path), Leftover(name, status.st_size, status.st_mtime, given_up=True)

    def discard(self, leftover: Leftover) -> bool:
        """Removes it; False where somebody works on it again, or did since it was looked at."""
        path = self._tree.root / leftover.name
        with storing(path):
            try:
                file = claim(path, create=False)
            except FileNotFoundError:
                return False
            if file is None:
                return False
            try:
                if os.fstat(file).st_mtime != leftover.touched:
                    return False
                _ranges(path).unlink(missing_ok=True)
                path.unlink(missing_ok=True)  # what was damaged also goes when its blob comes again, unasked
            finally:
                os.close(file)
            return True

    @staticmethod
    def _is_free(path: Path) -> bool:
        file = claim(path, create=False)
        if file is not None:
            os.close(file)
        return file is not None

    def _unfinished(self) -> Iterator[Path]:
        yield from self._tree.partials()
        yield from self._tree.lone_journals()
        yield from self._tree.uploads.iterdir()


def _size(path: Path) -> int:
    """What it takes on disk, its journal included."""
    return path.stat().st_size + (_ranges(path).stat().st_size if _ranges(path).exists() else 0)


def _ranges(path: Path) -> Path:
    return path.with_name(path.name + RANGES)
