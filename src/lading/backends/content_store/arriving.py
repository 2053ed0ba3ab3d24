"""A tar that a person names: a path, or a stream such as standard input; in any packing."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lading.backends.content_store.compression import (
    HEAD,
    Packing,
    look_ahead,
    recognise,
    unpacked,
)
from lading.backends.content_store.stream_reader import StreamReader
from lading.errors import NotFound, Side
from lading.wire.message import Cancel, Reader

STANDARD_INPUT = "standard input"

_AT_ONCE = os.O_NONBLOCK if sys.platform == "linux" else 0
"""A pipe is opened before anybody writes to it. Elsewhere it would then look as if nobody ever will."""


class ArchiveMissing(NotFound):
    """A path where no archive is."""

    side = Side.SOURCE

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why
        layout = f"A folder with an OCI layout is oci:{path}."
        files = f"A root file system: tar -C {path} -c . | lading import - NAME"
        self.hint = f"{layout} {files}" if os.path.isdir(path) else None

    def __str__(self) -> str:
        return f"there is no image archive at {self.path}"


def name_of(place: Path | BinaryIO) -> str:
    """What people read in messages."""
    return str(place) if isinstance(place, Path) else STANDARD_INPUT


@contextmanager
def arriving(place: Path | BinaryIO, cancel: Cancel) -> Iterator[Reader]:
    """The tar from its start, without its packing; a stream is read from where it stands and left open.

    Raises ArchiveMissing; its readinto raises CompressionInvalid, ArchiveBomb, ReadFailed, Cancelled.
    """
    if not isinstance(place, Path):
        yield _plain(StreamReader(place, STANDARD_INPUT, cancel), STANDARD_INPUT)
        return
    with os.fdopen(open_path(place), "rb", buffering=0) as stream:
        yield _plain(StreamReader(stream, str(place), cancel), str(place))


def plain_file(place: Path | BinaryIO) -> int | None:
    """The file's number, the caller's to close, where it is a plain tar that can be read anywhere (`< archive.tar`
    too, as long as nobody has read from it); else None. Raises ArchiveMissing."""
    file = _regular(place) if isinstance(place, Path) else _untouched(place)
    if file is None or recognise(os.pread(file, HEAD, 0)) is Packing.PLAIN:
        return file
    os.close(file)
    return None


def _regular(path: Path) -> int | None:
    """Pipes are not opened here: who writes to one would notice that it is closed again."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise _missing(path, error) from error
    return open_path(path) if regular else None


def open_path(path: Path) -> int:
    """A file number, the caller's to close. Raises ArchiveMissing."""
    try:
        file = os.open(path, os.O_RDONLY | _AT_ONCE)
    except OSError as error:
        raise _missing(path, error) from error
    if stat.S_ISDIR(os.fstat(file).st_mode):
        os.close(file)
        raise ArchiveMissing(path, "it is a folder")
    return file


def _missing(path: Path, error: OSError) -> ArchiveMissing:
    return ArchiveMissing(path, os.strerror(error.errno or 0))


def _plain(reader: Reader, name: str) -> Reader:
    packing, whole = look_ahead(reader)
    return unpacked(whole, packing, name)


def _untouched(stream: BinaryIO) -> int | None:
    try:
        file = stream.fileno()
        untouched = stat.S_ISREG(os.fstat(file).st_mode) and os.lseek(file, 0, os.SEEK_CUR) == 0
    except (OSError, ValueError):
        return None
    return os.dup(file) if untouched else None
