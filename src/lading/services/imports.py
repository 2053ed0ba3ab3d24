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
from lading.services.jobs import Jobs, KeyUsed
from lading.wire.message import Cancel, Reader

IMPORT = "import"
LONGEST_PIECE = 16 * 1024 * 1024
"""Bytes of one PATCH."""

MOST_ARRIVING = 20
"""Archives of one user that have come in part or wait to be loaded."""

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


class ImportsTooMany(Refused):
    """The user has as many archives arriving as one may have."""

    code = "busy"
    hint = "Commit them, or give them up: DELETE /api/images/imports/ID."

    def __str__(self) -> str:
        return f"{MOST_ARRIVING} of your archives have not been loaded yet"


class ArrivingArchives(Protocol):
    """Archives that arrive, by id. Every method raises StorageFailed, and ImportUnknown for what is not there."""

    def begin(self, owner: int) -> str:
        """An id that cannot be guessed, of this user's."""

    def held(self, owner: int) -> int:
        """How many this user has."""

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
        """Raises RowUnknown, Denied, ImportsTooMany."""
        self.environments.open(actor, environment).admit_load()
        owner = actor.user or 0
        if self.archives.held(owner) >= MOST_ARRIVING:
            raise ImportsTooMany
        return self.archives.begin(owner)

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

    def commit(
        self,
        actor: Actor,
        environment: int | None,
        id: str,  # noqa: A002  a row's own word
        key: str | None,
        content: str | None = None,
    ) -> Job:
        """The job that loads it. With a `key` the actor used before: that job, where it is for this import, or for an
        archive of the same `content`, a digest; what came this time is not kept then.

        Raises ImportUnknown, RowUnknown, Denied, KeyUsed.
        """
        opened = self.environments.open(actor, environment)
        opened.admit_load()
        earlier = None if key is None else self.jobs.keyed(actor, key)
        if earlier is not None:
            if not _same(earlier, opened.id, id, content):
                raise KeyUsed
            if earlier.request.fields["import"] != id:
                self.discard(actor, id)
            return earlier
        self._check(actor, id)
        fields: JsonObject = {
            "environment": opened.id,
            "import": id,
            "size": self.archives.size(id),
            "content": content,
        }
        deed = Deed(IMPORT, "image", id, "archive", opened.id, {"size": fields["size"]})
        return self.jobs.start(actor, JobRequest(IMPORT, fields, opened.id, deed=deed), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        self.environments.open(actor, JobFields(fields).whole_number("environment")).admit_load()

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What an import job does; the archive goes when it is loaded; what fails can be tried again."""
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


def _same(job: Job, environment: int, id: str, content: str | None) -> bool:  # noqa: A002  a row's own word
    """Whether the job loads this import, or the same content, into the same environment."""
    fields = job.request.fields
    if job.request.kind != IMPORT or fields["environment"] != environment:
        return False
    return fields["import"] == id or (content is not None and fields.get("content") == content)
