"""What can go wrong with advisories, and how the system's refusals become ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.errors import InputInvalid, NetworkFailed, NoRoom, NotFound, Refused, Side, StorageFailed

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class AdvisoriesUnusable(StorageFailed):
    """The file of advisories, or one on its way there, cannot be read or written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot use {self.path}: {self.reason}"

    @property
    def afar(self) -> str:
        return f"the advisories cannot be used: {self.reason}"


class AdvisoriesDamaged(AdvisoriesUnusable):
    """What stands there is no database, or not any more."""

    hint = "Nothing in it is of your own making: remove the file, and import or update advisories again."


class AdvisoriesFull(NoRoom):
    """There is no room for the advisories; those from before are as they were."""

    hint = "Make room and try again; an import needs up to twice the room of what it brings."

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"there is no room for the advisories in {self.path}"

    @property
    def afar(self) -> str:
        return "there is no room for the advisories"


class ImportRuns(Refused):
    """Somebody else imports advisories at the moment."""

    code = "busy"
    hint = "Wait until it has ended, and try again."

    def __str__(self) -> str:
        return "advisories are being imported already"


class ImporterDied(StorageFailed):
    """The process that reads advisories ended without an answer: what it read was too much for it, or it was killed."""

    why = "What was there before is as it was."

    def __init__(self, place: str, ending: str) -> None:
        super().__init__(place, ending)
        self.place, self.ending = place, ending

    def __str__(self) -> str:
        return f"the import of {self.place} did not end by itself: {self.ending}"


class SourceUnknown(NotFound):
    """Nothing is where advisories should be."""

    side = Side.SOURCE
    hint = "Check the path or the URL, and how the ecosystem is written."

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"there is nothing at {self.place}"


class SourceNotKept(NotFound):
    """Nothing here came from a source of this name."""

    hint = "The list of advisories says from which sources they came."
    command = "lading advisories status   (lists the sources)"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no advisories came from {self.name}"


class SourceUnreadable(InputInvalid):
    """What is there is no source of advisories, or breaks a rule of its form."""

    side = Side.SOURCE

    def __init__(self, place: str, reason: str, hint: str | None = None) -> None:
        super().__init__(place, reason, hint)
        self.place, self.reason, self.hint = place, reason, hint

    def __str__(self) -> str:
        return f"no advisories can be read from {self.place}: {self.reason}"


class DownloadRefused(NetworkFailed):
    """The server of advisories answered, and gave none."""

    side = Side.SOURCE

    def __init__(self, url: str, status: int) -> None:
        super().__init__(url, status)
        self.url, self.status = url, status

    def __str__(self) -> str:
        return f"{self.url} was answered with status {self.status}"


class DownloadTooLong(DownloadRefused):
    """The server sends more than any advisories take. `limit` is in bytes."""

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(url, limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.url} has more than {self.limit} bytes"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Translates what the system and SQLite refuse. Raises AdvisoriesUnusable, AdvisoriesDamaged, AdvisoriesFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise AdvisoriesFull(str(path.parent)) from error
        raise AdvisoriesUnusable(str(path), os.strerror(error.errno) if error.errno else str(error)) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise AdvisoriesFull(str(path.parent)) from error
        if code in _DAMAGED:
            raise AdvisoriesDamaged(str(path), str(error)) from error
        raise AdvisoriesUnusable(str(path), str(error)) from error
