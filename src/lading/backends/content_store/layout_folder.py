"""The folder of an OCI layout that other programs write too: found, made, opened without following links, locked.

DIR/
├── oci-layout            {"imageLayoutVersion":"1.0.0"}
├── index.json            replaced by renaming, under a lock (flock) on DIR itself
├── blobs/<alg>/<hex>     content, renamed here when it is whole
└── .lading-<alg>-<hex>   content on its way; locked by whoever writes it, taken up again by the next
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.backends.content_store.storage import free_bytes, replace_file, storing
from lading.engine.stores import ContentUnknown, TagUnknown
from lading.errors import InputInvalid
from lading.oci.archive import (
    BLOBS,
    INDEX_FILE,
    LAYOUT_FILE,
    LAYOUT_TEXT,
    ArchiveInvalid,
    blob_member,
    check_layout,
    shown_member,
)
from lading.oci.digest import Algorithm, Digest
from lading.oci.document import DOCUMENT_LIMIT
from lading.oci.layout_index import EMPTY
from lading.wire.message import ReadFailed

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_UNFINISHED = {f".{LAYOUT_FILE}.new"}  # what replace_file leaves when it is killed
_IS_LINK = {errno.ELOOP, errno.EMLINK, errno.ENOTDIR}


class LayoutUnknown(TagUnknown):
    """A path where no OCI layout is, and so no image of any name."""

    hint = "An OCI layout is a folder with the files oci-layout and index.json. A file is archive:FILE."

    def __init__(self, path: Path) -> None:
        super().__init__("any image", str(path))
        self.path = path

    def __str__(self) -> str:
        return f"there is no OCI layout at {self.path}"


class FolderTaken(InputInvalid):
    """A folder that holds other things, into which an image was to be put."""

    hint = "Name a new or empty folder."

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is not empty and not an OCI layout"


class LayoutFolder:
    """Paths and files of one layout; nothing is touched until it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def blob(self, digest: Digest) -> Path:
        return self.root / blob_member(digest)

    def partial(self, digest: Digest) -> Path:
        return self.root / f".lading-{digest.algorithm}-{digest.encoded}"

    def open_blob(self, digest: Digest) -> int:
        """A file number, the caller's to close. Raises ContentUnknown, ReadFailed, and ArchiveInvalid for anything but
        a plain file below plain folders."""
        try:
            return self._open((BLOBS, digest.algorithm, digest.encoded))
        except FileNotFoundError:
            raise ContentUnknown(digest, str(self.root)) from None

    def read_index(self) -> bytes:
        """`index.json`, after `oci-layout` was seen. Raises LayoutUnknown, ArchiveInvalid, ReadFailed."""
        try:
            check_layout(self._read(LAYOUT_FILE))
            return self._read(INDEX_FILE)
        except FileNotFoundError:
            raise LayoutUnknown(self.root) from None

    def write_index(self, raw: bytes) -> None:
        """Only inside `locked`. Raises DiskFull, StorageUnusable."""
        with storing(self.root / INDEX_FILE, len(raw)):
            replace_file(self.root / INDEX_FILE, raw, mode=_FILE_MODE)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, no other process or thread changes the index. Waits: holders are quick. Raises StorageUnusable."""
        with storing(self.root):
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with storing(self.root):
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def prepare(self) -> None:
        """Make what is missing of an empty layout. Raises FolderTaken, ArchiveInvalid, DiskFull, StorageUnusable."""
        with storing(self.root):
            self.root.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        with self.locked(), storing(self.root):
            if not (self.root / LAYOUT_FILE).exists():
                if any(path.name not in _UNFINISHED for path in self.root.iterdir()):
                    raise FolderTaken(self.root)
                replace_file(self.root / LAYOUT_FILE, LAYOUT_TEXT, mode=_FILE_MODE)
            if not (self.root / INDEX_FILE).exists():
                replace_file(self.root / INDEX_FILE, EMPTY, mode=_FILE_MODE)
            for folder in (self.root / BLOBS, *(self.root / BLOBS / algorithm for algorithm in Algorithm)):
                if folder.is_symlink():
                    raise _unsafe(str(folder.relative_to(self.root)))
                folder.mkdir(_FOLDER_MODE, exist_ok=True)

    def free(self) -> int:
        """Bytes that may still be written here. Raises StorageUnusable."""
        with storing(self.root):
            return free_bytes(self.root)

    def _read(self, name: str) -> bytes:
        file = self._open((name,))
        with os.fdopen(file, "rb") as stream, storing(self.root / name):
            return stream.read(DOCUMENT_LIMIT + 1)

    def _open(self, parts: tuple[str, ...]) -> int:
        """Step by step, so that no part of the way can be a link. Raises FileNotFoundError, ArchiveInvalid."""
        name = "/".join(parts)
        try:
            place = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                for part in parts[:-1]:
                    below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                    os.close(place)
                    place = below
                # O_NONBLOCK: opening a pipe would wait for somebody to write
                file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
            finally:
                os.close(place)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in _IS_LINK:
                raise _unsafe(name) from error
            raise ReadFailed(str(self.root / name), os.strerror(error.errno or 0)) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise _unsafe(name)
        return file


def _unsafe(name: str) -> ArchiveInvalid:
    return ArchiveInvalid(shown_member(name), "is a link or something else that is no plain file")
