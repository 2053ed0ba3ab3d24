"""Archives that come by pieces (interfaces §2, images): begun, appended to where they end, and loaded by a job.

What has arrived is a file; its size is the offset. Who lost a connection asks for the offset and goes on there.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lading.errors import InputInvalid, LadingError, NotFound, Refused
from lading.services.access import Actor
from lading.services.audit import Deed
from lading.services.environments import Environments
from lading.services.job import Job, JobRequest, JsonObject, Telling
from lading.services.job_fields import JobFields
from lading.services.jobs import Jobs
from lading.wire.message import Cancel, Reader

IMPORT = "import"
LONGEST_PIECE = 16 * 1024 * 1024
"""Bytes of one PATCH."""

KEPT_SECONDS = 24 * 60 * 60.0
"""How long an archive that nobody goes on with is kept."""


class ImportUnknown(NotFound):
    """No archive is arriving under this id, or not from this actor."""

    def __init__(self, id: str) -> None:  # noqa: A002  a row's own word
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return "Import not found"


class OffsetWrong(Refused):
    """A piece that does not begin where the archive ends so far."""

    code = "offset"
    hint = "Ask for the offset, and go on there."

    def __init__(self, offset: int, size: int) -> None:
        super().__init__(offset, size)
        self.offset, self.size = offset, size

    def __str__(self) -> str:
        return f"The piece begins at {self.offset}, and {self.size} bytes have arrived"


class ImportBusy(Refused):
    """Another request writes to the same archive, or a job reads it."""

    code = "busy"

    def __str__(self) -> str:
        return "Another request works on this import"


class PieceTooLong(InputInvalid):
    """More in one request than is taken at once."""

    def __str__(self) -> str:
        return f"A piece holds at most {LONGEST_PIECE} bytes"


class ArrivingArchives(Protocol):
    """Archives that arrive, by id. Every method raises StorageFailed, and ImportUnknown for what is not there."""

    def begin(self, owner: int) -> str:
        """An id that cannot be guessed, of this user's."""

    def owner(self, id: str) -> int:  # noqa: A002  a row's own word
        """Whose it is."""

    def size(self, id: str) -> int:  # noqa: A002  a row's own word
        """Bytes that have arrived and are durable."""

    def append(self, id: str, offset: int, piece: bytes) -> int:  # noqa: A002  a row's own word
        """How many have arrived now. Raises OffsetWrong, ImportBusy."""

    def reading(self, id: str) -> AbstractContextManager[Reader]:  # noqa: A002  a row's own word
        """All of it; nobody appends meanwhile. Raises ImportBusy."""

    def remove(self, id: str) -> None:  # noqa: A002  a row's own word
        """It is gone; harmless twice."""

    def expire(self, before: float) -> int:
        """Remove those that nobody appended to since then, in seconds since 1970; how many."""


@dataclass(frozen=True, slots=True)
class Imports:
    """For every door; each method asks for permission."""

    environments: Environments
    archives: ArrivingArchives
    jobs: Jobs

    def begin(self, actor: Actor, environment: int | None) -> str:
        """Raises RowUnknown, Denied."""
        self.environments.open(actor, environment).admit_load()
        return self.archives.begin(actor.user or 0)

    def size(self, actor: Actor, id: str) -> int:  # noqa: A002  a row's own word
        """The offset to go on at. Raises ImportUnknown."""
        self._check(actor, id)
        return self.archives.size(id)

    def append(self, actor: Actor, id: str, offset: int, piece: bytes) -> int:  # noqa: A002  a row's own word
        """The offset after it. Raises ImportUnknown, OffsetWrong, ImportBusy, PieceTooLong."""
        self._check(actor, id)
        if len(piece) > LONGEST_PIECE:
            raise PieceTooLong
        return self.archives.append(id, offset, piece)

    def discard(self, actor: Actor, id: str) -> None:  # noqa: A002  a row's own word
        """Raises ImportUnknown."""
        self._check(actor, id)
        self.archives.remove(id)

    def commit(self, actor: Actor, environment: int | None, id: str, key: str | None) -> Job:  # noqa: A002
        """The job that loads it. Raises ImportUnknown, RowUnknown, Denied."""
        self._check(actor, id)
        opened = self.environments.open(actor, environment)
        opened.admit_load()
        fields: JsonObject = {"environment": opened.id, "import": id, "size": self.archives.size(id)}
        deed = Deed(IMPORT, "image", id, "archive", opened.id, {"size": fields["size"]})
        return self.jobs.start(actor, JobRequest(IMPORT, fields, opened.id, deed=deed), key)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What an import job does; the archive goes when it is loaded, or cannot be."""
        asked = JobFields(fields)
        environment = self.environments.open(actor, asked.whole_number("environment"))
        archive = asked.text("import")
        telling.line({"status": "loading", "message": "Loading archive..."})
        with self.archives.reading(archive) as reader:
            arrived = environment.load(reader, telling.event, cancel)
            failed: LadingError | None = next((each.error for each in arrived if each.error is not None), None)
            if failed is not None:
                raise failed
        self.archives.remove(archive)
        images = [{"id": each.id, "name": each.reference.familiar if each.reference else None} for each in arrived]
        return {"message": f"Loaded {len(images)} {'image' if len(images) == 1 else 'images'}", "images": images}

    def _check(self, actor: Actor, id: str) -> None:  # noqa: A002  a row's own word
        """Another's import is as unknown as none."""
        if self.archives.owner(id) != (actor.user or 0):
            raise ImportUnknown(id)
