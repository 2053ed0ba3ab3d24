"""An OCI layout of one manifest, made of content that is there already: hard links where the file system allows it.

FOLDER/scan-XXXXXXXX/
└── layout/
    ├── oci-layout            {"imageLayoutVersion":"1.0.0"}
    ├── index.json            one entry: grype asks which it shall take where there are two, trivy takes the first
    └── blobs/<alg>/<hex>     links to our own blobs, or copies of them

A link is a second name of the blob, which is read-only: nothing here changes its mode or its bytes.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lading.backends.scanners.failures import storing
from lading.backends.scanners.rooms import room
from lading.oci.archive import INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT, blob_member
from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort
from lading.oci.manifest import Index
from lading.services.image_layouts import LayoutParts
from lading.wire.message import FileReader, Reader

_PIECE = 1024 * 1024
_OPEN_FILES = "/proc/self/fd"
_FOLDER = "layout"
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOENT, errno.EOPNOTSUPP, errno.ENOSYS}
"""Another file system, a blob of another user's, too many names already, or a file without any name."""


@contextmanager
def image_layout(parts: LayoutParts, folder: Path) -> Iterator[Path]:
    """Below `folder`, which is made where it is missing; gone afterwards. Raises FolderUnusable, ContentTooShort,
    ContentTooLong, and what opening the content raises."""
    with room(folder) as own:
        path = own.path / _FOLDER
        for descriptor in dict.fromkeys((parts.manifest, *parts.content)):
            _put(path / blob_member(descriptor.digest), descriptor, parts)
        entry = replace(parts.manifest, annotations=NO_ANNOTATIONS, data=None)
        with storing(path):
            (path / LAYOUT_FILE).write_bytes(LAYOUT_TEXT)
            (path / INDEX_FILE).write_bytes(Index.build((entry,)).raw)
        yield path


def _put(path: Path, descriptor: Descriptor, parts: LayoutParts) -> None:
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():  # named twice, under two media types
        return
    reader = parts.open(descriptor)
    try:
        if not (isinstance(reader, FileReader) and _linked(reader, descriptor, path)):
            _copy(reader, descriptor, path)
    finally:
        reader.close()


def _linked(reader: FileReader, descriptor: Descriptor, path: Path) -> bool:
    """False where it has to be copied. The name is taken from the open file, so nobody can put another one there."""
    file, position = reader.file()
    if sys.platform != "linux" or position or os.fstat(file).st_size != descriptor.size:
        return False
    try:
        # only beside an open folder is linkat(2) called, which follows the link that /proc shows an open file as
        folder = os.open(_OPEN_FILES, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.link(str(file), path, src_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        with storing(path):
            raise
    return True


def _copy(reader: Reader, descriptor: Descriptor, path: Path) -> None:
    buffer, received = memoryview(bytearray(_PIECE)), 0
    with storing(path), path.open("xb") as file:
        while count := reader.readinto(buffer):
            received += count
            if received > descriptor.size:
                raise ContentTooLong(descriptor.digest, descriptor.size)
            file.write(buffer[:count])
    if received < descriptor.size:
        raise ContentTooShort(descriptor.digest, descriptor.size, received)
