"""A scanner's database of vulnerabilities: whole generations side by side, so that scans never wait for an update.

CACHE/
├── grype.update.lock            held by who updates it, one at a time of all processes
├── scan.lock                    held by who scans: trivy opens its database for itself alone, and each takes all it can
└── grype/
    ├── 000007/                  the newest one is used; locked (flock on the folder) by the scans that use it
    │   ├── lading.json          {"built": seconds since 1970, "version": of the program that fetched it}
    │   └── …                    the scanner's own files
    └── .new-XXXXXXXX/           on its way; renamed to the next number when it is whole
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lading.backends.scanners.failures import storing
from lading.wire.message import Cancel

_NUMBER = re.compile(r"[0-9]{6,12}")
_NEW = ".new-"
_NOTE = "lading.json"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Generation:
    """One whole database. `built` is of what time its content is, in seconds since 1970."""

    path: Path
    built: float


class Databases:
    """Those of one scanner, below `cache`."""

    def __init__(self, cache: Path, name: str) -> None:
        self._cache, self._name, self._folder = cache, name, cache / name

    def newest(self) -> Generation | None:
        """None where there is none. Raises FolderUnusable."""
        seen: list[Path] | None = None
        while (numbered := self._numbered()) != seen:  # again where one came and others went in between
            for path in reversed(numbered):
                built = _built(path)
                if built is not None:
                    return Generation(path, built)
            seen = numbered
        return None

    @contextmanager
    def used(self) -> Iterator[Generation | None]:
        """The newest, which stays while somebody is inside. Raises FolderUnusable."""
        held = self._held()
        if held is None:
            yield None
            return
        generation, file = held
        try:
            yield generation
        finally:
            os.close(file)

    def _held(self) -> tuple[Generation, int] | None:
        """With the open file that keeps it. Where a newer one came meanwhile, and this one went, that one."""
        while (generation := self.newest()) is not None:
            with storing(generation.path):
                file = _shared(generation.path)
            if file is not None:
                return generation, file
        return None

    @contextmanager
    def updating(self, cancel: Cancel, waiting: Callable[[], None]) -> Iterator[None]:
        """One at a time, of all processes; `waiting` is told once where somebody else does. Raises FolderUnusable,
        Cancelled."""
        with self._in_turn(f"{self._name}.update.lock", cancel, waiting):
            try:
                yield
            finally:
                self._forget_unfinished()
                self._forget_old()

    @contextmanager
    def scanning(self, cancel: Cancel, waiting: Callable[[], None]) -> Iterator[None]:
        """One scan at a time, by whatever scanner and process; as `updating`."""
        with self._in_turn("scan.lock", cancel, waiting):
            yield

    def fresh(self) -> Path:
        """An empty folder for the next one; only inside `updating`. Raises FolderUnusable."""
        with storing(self._folder):
            self._folder.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=_NEW, dir=self._folder))

    def install(self, fresh: Path, built: float, version: str) -> Generation:
        """`fresh` is whole: scans that begin from now on use it. Raises FolderUnusable."""
        numbers = [int(path.name) for path in self._numbered()]
        path = self._folder / f"{max(numbers, default=0) + 1:06d}"
        with storing(path):
            (fresh / _NOTE).write_text(json.dumps({"built": built, "version": version}), "utf-8")
            _sync(fresh)
            fresh.rename(path)
        return Generation(path, built)

    def _numbered(self) -> list[Path]:
        with storing(self._folder):
            try:
                names = os.listdir(self._folder)
            except FileNotFoundError:
                return []
        return [self._folder / name for name in sorted(filter(_NUMBER.fullmatch, names), key=int)]

    def _forget_unfinished(self) -> None:
        with storing(self._folder):
            for path in self._folder.glob(f"{_NEW}*"):
                shutil.rmtree(path, ignore_errors=True)

    def _forget_old(self) -> None:
        """But for the one that is used, and those in which scans still read: they go with a later update."""
        newest = self.newest()
        for path in self._numbered():
            if newest is None or path != newest.path:
                with suppress(OSError):
                    _remove_unused(path)

    @contextmanager
    def _in_turn(self, lock: str, cancel: Cancel, waiting: Callable[[], None]) -> Iterator[None]:
        with storing(self._cache):
            self._cache.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
            file = os.open(self._cache / lock, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        try:
            with storing(self._cache):
                if not _locked(file):
                    waiting()
                    while not _locked(file):
                        cancel.wait(_LOOK_AGAIN_SECONDS)
            yield
        finally:
            os.close(file)


def _built(path: Path) -> float | None:
    """None where the note is missing or says nothing: then it is not whole."""
    try:
        note = json.loads((path / _NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    built = note.get("built") if isinstance(note, dict) else None
    return float(built) if isinstance(built, int | float) else None


def _shared(path: Path) -> int | None:
    """An open file that keeps it; None where it went meanwhile."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        if path.is_dir():
            return file
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _sync(path: Path) -> None:
    """Returns once all below it survives a loss of power: half a database would be the newest one for good."""
    for folder, _, names in os.walk(path):
        for name in (*names, "."):
            file = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fsync(file)
            finally:
                os.close(file)


def _remove_unused(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _locked(file):
            shutil.rmtree(path)
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
