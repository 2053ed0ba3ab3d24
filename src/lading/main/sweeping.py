"""Garbage of one content folder, collected with everybody asked who has names in it.

The names of a folder may be in two databases: those of the local command beside the folder, and those of a service that
keeps its rows in PostgreSQL. Whoever collects knows of both, or collects nothing: a service leaves word in the folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lading.engine.collect import Amount, Collectable, Collected, Keeper, collect
from lading.engine.records import ImageNames, Leases
from lading.engine.shed import shed
from lading.errors import Refused
from lading.oci.digest import Digest
from lading.services.jobs.job import JobState
from lading.services.jobs.records import JobFilter, JobRecords
from lading.services.repositories.content import UploadFiles
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.uploads import forget_ended, give_up_empty
from lading.wire.message import Cancel

BEGINNING_SECONDS = 60 * 60.0
"""An upload's row is there before its file: only a row that is older and has no file is over."""


class NamesElsewhere(Refused):
    """Other names of this content are in a database that this call was not told of: what they need would be lost."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place
        self.hint = f"Have the service do it, or set LADING_DATABASE to the URL of {place}."

    def __str__(self) -> str:
        return f"nothing is collected: names of this content are kept in {self.place}"


class ContentElsewhere(Refused):
    """The content of these names is not in the data folder: a service keeps it in a bucket, and collects it there."""

    hint = "Have the service do it: it does each hour, and at POST /api/prune/content."

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"nothing is collected: the content of these names is in {self.place}"


def oldest_work(jobs: JobRecords) -> float:
    """When the oldest job that runs was made, in seconds since 1970; infinity where none runs."""
    running = JobFilter(states=frozenset({JobState.RUNNING}))
    page = jobs.page(running, 0, 1)
    last = jobs.page(running, page.total - 1, 1) if page.total > 1 else page
    return min((job.created for job in last.jobs), default=float("inf"))


@dataclass(frozen=True, slots=True)
class OtherNames:
    """A Keeper: names of images, and leases, that stand in another database than the collector's own."""

    images: ImageNames
    leases: Leases

    def reached(self) -> Iterable[Digest]:
        return {image.root.digest for image in self.images.all()} | set(self.leases.held())

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        kept = {*self.images.among(digests), *self.leases.among(digests)}
        return [digest for digest in digests if digest not in kept]


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Fulfils services.content.stores.Collector and services.work.sweep.Sweeping.

    `kept_seconds` is how long an unfinished transfer is worth going on with.
    """

    content: Collectable
    uploads: UploadFiles
    images: ImageNames
    leases: Leases
    repositories: RepositoryRecords | None
    others: Sequence[Keeper]
    kept_seconds: float

    def __call__(
        self,
        dry_run: bool,
        given_up: Collection[Digest],
        cancel: Cancel,
        found: Callable[[Amount], None] = lambda _: None,
    ) -> Collected:
        collected = collect(
            self.content,
            self.images,
            self.leases,
            self._keepers(),
            given_up=given_up,
            left_before=time.time() - self.kept_seconds,
            dry_run=dry_run,
            cancel=cancel,
            found=found,
        )
        if self.repositories and not dry_run:
            give_up_empty(self.repositories, self.uploads, time.time() - self.kept_seconds, cancel)
            forget_ended(self.repositories, self.uploads, time.time() - BEGINNING_SECONDS)
        return collected

    def shed(self, root: Digest, manifests: Collection[Digest], cancel: Cancel) -> Collection[Digest]:
        """Fulfils services.content.stores.Shedder."""
        return shed(self.content, self.images, self.leases, self._keepers(), root, manifests, cancel=cancel)

    def _keepers(self) -> Collection[Keeper]:
        return [*([self.repositories] if self.repositories else []), *self.others]


@dataclass(frozen=True, slots=True)
class NamesNote:
    """The word that a service with a database elsewhere leaves in a data folder."""

    path: Path

    @classmethod
    def of(cls, data: Path) -> NamesNote:
        """The one of this data folder."""
        return cls(data / "names-elsewhere")

    def leave(self, place: str) -> None:
        """`place` is shown to people: a URL without its password. Raises what the system raises."""
        self.path.write_text(f"{place}\n")

    def read(self) -> str | None:
        """None where all names are beside the folder."""
        try:
            return self.path.read_text().strip() or "another database"
        except FileNotFoundError:
            return None
