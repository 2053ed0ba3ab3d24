"""Archives that come by pieces (interfaces §2, images): begun, appended to where they end, and loaded by a job.

What has arrived is a file; its size is the offset. Who lost a connection asks for the offset and goes on there.

    arriving ── commit ──▶ a job has it ── loaded, or no archive that can be ──▶ gone
       │  ▲                      └─ failed, cancelled ─┐
       │  └────────────────────────────────────────────┤
       └── discard ──▶ gone ◀── came in one request ───┘

Whoever appends, commits or discards is alone with the archive for that moment, and finds it arriving or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from lading.errors import ContentCorrupt, InputInvalid, LadingError, NotFound, Refused, StorageFailed
from lading.services.access import LADING, Actor, NotLoggedIn
from lading.services.audit.audit import Deed
from lading.services.environments.environments import Environments
from lading.services.environments.orders import Arrived
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JobState, JsonObject, Telling
from lading.services.jobs.records import JobFilter
from lading.services.running.jobs import Jobs
from lading.wire.message import Cancel, Reader

IMPORT = "import"
LONGEST_PIECE = 16 * 1024 * 1024
"""Bytes of one PATCH."""

MOST_ARRIVING = 20
"""Archives of one user that have come in part or wait to be loaded."""

KEPT_SECONDS = 24 * 60 * 60.0
"""How long an archive that nobody goes on with is kept."""

_AT_FAULT = (InputInvalid, ContentCorrupt)
"""What is wrong with an archive itself: no retry can help."""


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


class ImportCommitted(Refused):
    """The archive is whole, and a job's."""

    code = "committed"
    hint = "Follow that job, or cancel it first."

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job

    def __str__(self) -> str:
        return f"This import was committed, and the job {self.job} loads it"


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
    hint = "Commit them, or give them up."

    def __str__(self) -> str:
        return f"{MOST_ARRIVING} of your archives have not been loaded yet"


Permit = Callable[[], None]


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

    def append(self, id: str, offset: int, piece: bytes, permit: Permit) -> int:  # noqa: A002  a row's own word
        """How many have arrived now; `permit` is called when nobody else works on it, and may raise. Raises
        OffsetWrong, ImportBusy."""

    def alone(self, id: str) -> AbstractContextManager[None]:  # noqa: A002  a row's own word
        """Inside, nobody else appends to it, reads it or is alone with it. Raises ImportBusy."""

    def reading(self, id: str, cancel: Cancel) -> AbstractContextManager[Reader]:  # noqa: A002  a row's own word
        """All of it; nobody appends meanwhile. Waits for who works on it now. Raises Cancelled."""

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
        """The offset after it; who may load nowhere any more appends no further.

        Raises Denied, ImportUnknown, OffsetWrong, ImportBusy, ImportCommitted, PieceTooLong.
        """
        self._check(actor, id)
        if len(piece) > LONGEST_PIECE:
            raise PieceTooLong
        self.environments.admit_load(actor)
        return self.archives.append(id, offset, piece, partial(self._check_arriving, id))

    def discard(self, actor: Actor, id: str) -> None:  # noqa: A002  a row's own word
        """Raises ImportUnknown, ImportBusy, ImportCommitted."""
        self._check(actor, id)
        with self.archives.alone(id):
            self._check_arriving(id)
            self.archives.remove(id)

    def commit(
        self,
        actor: Actor,
        environment: int | None,
        id: str,  # noqa: A002  a row's own word
        key: RequestKey | None,
        *,
        once: bool = False,
    ) -> Job:
        """The job that loads it. `once`: it came in one request, and is not kept beyond this job. With a
        `key` the actor used before: that job; what came this time is not kept then.

        Raises ImportUnknown, ImportBusy, ImportCommitted, RowUnknown, Denied, KeyUsed.
        """
        opened = self.environments.open(actor, environment)
        opened.admit_load()
        made = self._made(actor, id, key)
        if made is not None:
            return made
        self._check(actor, id)
        with self.archives.alone(id):
            made = self.jobs.repeated(actor, key)
            if made is not None:
                return made
            self._check_arriving(id)
            fields: JsonObject = {"environment": opened.id, "import": id, "size": self.archives.size(id), "once": once}
            deed = Deed(IMPORT, "image", id, "archive", opened.id, {"size": fields["size"]})
            return self.jobs.start(actor, JobRequest(IMPORT, fields, opened.id, deed=deed), key)

    def _made(self, actor: Actor, id: str, key: RequestKey | None) -> Job | None:  # noqa: A002  a row's own word
        """The job of an earlier commit; where that was of another archive, this one came in vain."""
        made = self.jobs.repeated(actor, key)
        if made is not None and made.request.fields.get("import") != id:
            self.discard(actor, id)
        return made

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        self.environments.open(actor, JobFields(fields).whole_number("environment")).admit_load()

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What an import job does. An archive that never can be loaded goes at once; what fails by no fault of its own
        can be tried again, unless it came for this job alone (`forget_archive`)."""
        asked = JobFields(fields)
        archive = asked.text("import")
        try:
            arrived = self._loaded(actor, asked, archive, telling, cancel)
        except _AT_FAULT:
            with suppress(StorageFailed):  # it expires
                self.archives.remove(archive)
            raise
        images = [{"id": each.id, "name": each.reference.familiar if each.reference else None} for each in arrived]
        return {"message": f"Loaded {len(images)} {'image' if len(images) == 1 else 'images'}", "images": images}

    def _loaded(
        self, actor: Actor, asked: JobFields, archive: str, telling: Telling, cancel: Cancel
    ) -> Sequence[Arrived]:
        environment = self.environments.open(actor, asked.whole_number("environment"))
        telling.line({"status": "loading", "message": "Loading archive..."})
        with self.archives.reading(archive, cancel) as reader:
            arrived = environment.load(reader, telling.event, cancel)
            failed: LadingError | None = next((each.error for each in arrived if each.error is not None), None)
            if failed is not None:
                raise failed
        return arrived

    def _check(self, actor: Actor, id: str) -> None:  # noqa: A002  a row's own word
        """Another's import is as unknown as none. Raises NotLoggedIn for nobody in particular."""
        if actor.nobody:
            raise NotLoggedIn
        if self.archives.owner(id) != (actor.user or 0):
            raise ImportUnknown(id)

    def _check_arriving(self, id: str) -> None:  # noqa: A002  a row's own word
        """Whether no job has it. Raises ImportCommitted."""
        live = JobFilter(kind=IMPORT, states=frozenset({JobState.QUEUED, JobState.RUNNING}), text=id)
        for job in self.jobs.page(LADING, live, 0, MOST_ARRIVING).jobs:
            if job.request.fields.get("import") == id:
                raise ImportCommitted(job.id)


def forget_archive(archives: ArrivingArchives, fields: JsonObject, state: JobState) -> None:
    """Its job is over: the archive goes where it was loaded, or came for this job alone. Not before that is written
    down: whoever goes on with the job after a crash finds it still there. Raises StorageFailed."""
    asked = JobFields(fields)
    if state is JobState.DONE or asked.truth("once"):
        archives.remove(asked.text("import"))
