"""The data folder: its folders, made at first use and nobody else's, and the port that is remembered there.

The default folder is made by whatever needs it first. One that somebody named may be misspelt: it is made by the
commands that begin one (`Entry.begins` in fronts.cli.program), and must be there for all others. An empty folder counts
as one that was made to become a data folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lading.backends.content_store.locks import exclusive_at_once, is_exclusive
from lading.errors import NotFound, Refused, StorageFailed
from lading.services.server.serving import KEPT_PORT, FolderServed

PRIVATE = 0o700
SERVE_LOCK = "serve.lock"
RESTORING = "restoring"
"""Where a backup is restored: while it is there, the folder is nobody's."""

IMPORTS = "imports"
"""Where archives arrive that a server is sent."""


class DataFolderUnusable(StorageFailed):
    """The data folder, or one in it, cannot be made: it may not be, or a file stands where it should be."""

    hint = "lading --data DIR …   (or LADING_DATA; a folder that this user may write)"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"the data folder {self.path} cannot be used"


class RestoreUnfinished(Refused):
    """A backup is being restored into the folder, or was, by somebody who was killed."""

    hint = "Wait until the restore has ended; if none runs, restore the backup again."
    command = "lading restore BACKUP again, if none runs: it begins anew"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"the data folder {self.path} is not restored yet"


class NoDataFolder(NotFound):
    """A folder that was named, `origin` says by what, and is no data folder of Lading's."""

    code = "no_data_folder"
    hint = "Check its spelling; the first lading serve, pull, push, copy, load, import or login begins a data folder."

    def __init__(self, path: Path, origin: str) -> None:
        super().__init__(path, origin)
        self.path, self.origin = path, origin
        there = "It holds other things, and nothing of Lading's." if path.is_dir() else "There is no such folder."
        self.why = f"{there} It was named by {origin}."

    def __str__(self) -> str:
        return f"{self.path} is no data folder"


def begun_folder(path: Path, origin: str) -> Path:
    """The folder's whole path, for children that work elsewhere; somebody began it before. Raises NoDataFolder,
    RestoreUnfinished, DataFolderUnusable."""
    try:
        names = {each.name for each in path.iterdir()}
    except FileNotFoundError:
        raise NoDataFolder(path, origin) from None
    except OSError as error:
        raise DataFolderUnusable(path, os.strerror(error.errno or 0)) from error
    if RESTORING in names:
        raise RestoreUnfinished(path)
    if names and not names & _MARKS:
        raise NoDataFolder(path, origin)
    return path.absolute()


_MARKS = frozenset(
    {
        "lading.db",
        "content",
        "logins.json",
        "secret.key",
        "scratch",
        "advisories.db",
        "inventory.db",
        "trust",
        SERVE_LOCK,
    }
)
"""One of them is in every data folder that was used."""


def private_folder(path: Path) -> Path:
    """The folder's whole path, made where it is not there yet. Raises RestoreUnfinished, DataFolderUnusable."""
    try:
        path.mkdir(PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderUnusable(path, os.strerror(error.errno or 0)) from error
    if (path / RESTORING).exists():
        raise RestoreUnfinished(path)
    return path.absolute()


def open_to_others(path: Path) -> bool:
    """Whether other users of this machine may look into a folder: somebody made it so, and so it stays. Raises
    DataFolderUnusable."""
    try:
        return bool(path.stat().st_mode & ~PRIVATE & 0o777)
    except OSError as error:
        raise DataFolderUnusable(path, os.strerror(error.errno or 0)) from error


@contextmanager
def served_alone(folder: Path) -> Iterator[None]:
    """Inside, nobody else serves the folder. Raises FolderServed, DataFolderUnusable."""
    with ExitStack() as stack:
        try:
            alone = stack.enter_context(exclusive_at_once(folder / SERVE_LOCK))
        except OSError as error:
            raise DataFolderUnusable(folder, os.strerror(error.errno or 0)) from error
        if not alone:
            raise FolderServed(str(folder))
        yield


@contextmanager
def telling_port(folder: Path, port: int) -> Iterator[None]:
    """Inside, `served_port` tells others that the registry of whoever serves the folder listens there. Raises
    DataFolderUnusable."""
    told = KeptPort(folder / SERVE_LOCK)
    told.write(port)
    try:
        yield
    finally:
        with suppress(OSError):  # the folder is gone; and what is left in it is told of nobody, as the lock is free
            told.path.write_bytes(b"")


def served_port(folder: Path) -> int | None:
    """Where the registry of whoever serves the folder listens now; None where nobody does. Raises
    DataFolderUnusable."""
    port = KeptPort(folder / SERVE_LOCK).read()
    return port if port is not None and is_exclusive(folder / SERVE_LOCK) else None


def was_served(folder: Path) -> bool:
    """Whether anybody has served this folder, now or ever, on whichever port: a service may have names and rows in it.
    Whoever restores one leaves the same mark."""
    return (folder / SERVE_LOCK).exists() or (folder / KEPT_PORT).exists()


@dataclass(frozen=True, slots=True)
class KeptPort:
    """Fulfils services.server.serving.KeptPort by a small file."""

    path: Path

    @classmethod
    def of(cls, folder: Path) -> KeptPort:
        """The one of this data folder."""
        return cls(folder / KEPT_PORT)

    def read(self) -> int | None:
        """None where there is no file, or nothing of ours in it. Raises DataFolderUnusable."""
        try:
            text = self.path.read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise DataFolderUnusable(self.path.parent, str(error)) from error
        return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None

    def write(self, port: int) -> None:
        """Remember it. Raises DataFolderUnusable."""
        try:
            self.path.write_text(f"{port}\n")
        except OSError as error:
            raise DataFolderUnusable(self.path.parent, os.strerror(error.errno or 0)) from error
