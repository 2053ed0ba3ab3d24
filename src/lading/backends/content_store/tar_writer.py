"""Writing a tar front to back: to a file that gets its name in the end, or to a stream; compressed on the way."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lading.backends.content_store.compression import packer
from lading.backends.content_store.locks import claim, stands_at
from lading.backends.content_store.storage import StorageUnusable, storing, sync_file, sync_folder
from lading.oci.tar import BLOCK
from lading.services.content.stores import Compression

_MODE = 0o644
_UNFINISHED = "lading-"
STANDARD_OUTPUT = "standard output"


class NewFile:
    """A file under another name until `keep`. What is there already and no plain file (a pipe, /dev/stdout) is written
    to as it stands.

    A writer that was killed leaves its file behind; it was locked while somebody wrote it, so the next writer of the
    same name knows it for nobody's and removes it.
    """

    def __init__(self, path: Path, mode: int = _MODE) -> None:
        """Raises StorageUnusable, DiskFull."""
        self._final = path.resolve()
        with storing(path):
            self._temporary = self._name_beside() if self._is_replaced() else None
            if self._temporary is None:
                self._file = os.open(self._final, os.O_WRONLY)
            else:
                self._remove_left_behind()
                self._file = _new_locked(self._temporary, mode)

    def write(self, piece: memoryview) -> None:
        """Raises StorageUnusable, DiskFull."""
        with storing(self._final, len(piece)):
            while piece:
                piece = piece[os.write(self._file, piece) :]

    def keep(self) -> None:
        """On disk and under its name. Raises StorageUnusable, DiskFull."""
        with storing(self._final):
            if self._temporary is not None:
                sync_file(self._file)
                self._temporary.replace(self._final)
                sync_folder(self._final.parent)
                self._temporary = None

    def close(self) -> None:
        """Removed unless it was kept."""
        os.close(self._file)
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def _is_replaced(self) -> bool:
        return not self._final.exists() or stat.S_ISREG(self._final.stat().st_mode)

    def _name_beside(self) -> Path:
        return self._final.with_name(f".{self._final.name}.{_UNFINISHED}{secrets.token_hex(4)}")

    def _remove_left_behind(self) -> None:
        beside = f".{self._final.name}.{_UNFINISHED}"
        with suppress(OSError):  # somebody else's folder or file: not ours to tidy
            for path in self._final.parent.iterdir():
                if path.name.startswith(beside) and (file := claim(path, create=False)) is not None:
                    path.unlink(missing_ok=True)
                    os.close(file)


def _new_locked(path: Path, mode: int) -> int:
    while True:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        fcntl.flock(file, fcntl.LOCK_EX)
        if stands_at(path, file):
            return file
        os.close(file)  # somebody tidied up between our opening it and our locking it


class NewStream:
    """A stream that somebody else owns; what was written cannot be taken back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, piece: memoryview) -> None:
        """Raises StorageUnusable."""
        with _streaming():
            self._stream.write(piece)

    def keep(self) -> None:
        """Raises StorageUnusable."""
        with _streaming():
            self._stream.flush()

    def close(self) -> None:
        """Nothing is ours."""


@contextmanager
def _streaming() -> Iterator[None]:
    """No room is no DiskFull here: nobody knows on which disk a stream ends. Raises StorageUnusable."""
    try:
        yield
    except OSError as error:
        raise StorageUnusable(Path(STANDARD_OUTPUT), os.strerror(error.errno or 0)) from error


class TarWriter:
    """Members one after the other, with no times and no owners: the same content gives the same tar."""

    def __init__(self, place: Path | BinaryIO, compression: Compression, mode: int = _MODE) -> None:
        """`mode` is that of a new file. Raises StorageUnusable, DiskFull."""
        self._output = NewFile(place, mode) if isinstance(place, Path) else NewStream(place)
        self._packer = packer(compression)
        self._left = 0

    def begin(self, name: str, size: int) -> None:
        """The header of the next member, whose `size` bytes `write` takes."""
        assert self._left == 0
        header = tarfile.TarInfo(name)
        header.size, header.mode = size, _MODE
        self._put(memoryview(header.tobuf(tarfile.PAX_FORMAT)))
        self._left = size

    def write(self, piece: memoryview) -> None:
        """The member's next bytes; the last ones are padded."""
        self._put(piece)
        self._left -= len(piece)
        assert self._left >= 0

    def end(self, size: int) -> None:
        """The member of `size` bytes is whole."""
        assert self._left == 0
        self._put(memoryview(bytes(-size % BLOCK)))

    def add(self, name: str, content: bytes) -> None:
        """A small member at once."""
        self.begin(name, len(content))
        self.write(memoryview(content))
        self.end(len(content))

    def finish(self) -> None:
        """Ends the tar and gives the file its name."""
        self._put(memoryview(bytes(2 * BLOCK)))
        if self._packer is not None:
            self._output.write(memoryview(self._packer.flush()))
        self._output.keep()

    def close(self) -> None:
        """Removes the file unless it was finished."""
        self._output.close()

    def _put(self, piece: memoryview) -> None:
        self._output.write(piece if self._packer is None else memoryview(self._packer.compress(piece)))
