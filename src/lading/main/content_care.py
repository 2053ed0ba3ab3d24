"""What looks after our own content beside the doors: collections, checks, figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.main.content_place import ContentPlace
from lading.main.counting import Counting
from lading.main.own_engine import OwnEngine
from lading.services.audit.audit import Trail
from lading.services.content.check import ContentCheck
from lading.services.content.check_rounds import CheckRounds
from lading.services.content.storage_figures import Storage
from lading.services.content.storage_looks import Looks
from lading.services.content.storage_samples import StorageHistory
from lading.services.running.jobs import Jobs
from lading.services.schedules import Chore
from lading.services.work.sweep import ContentSweep
from lading.settings import Settings

FIGURES_SECONDS = 15 * 60.0
"""How old the figures of who counts at `/metrics` may be."""


@dataclass(frozen=True, slots=True)
class ContentCare:
    """`begin` after the database's rows are ready, and only in a server; it ends with the stack."""

    sweep: ContentSweep
    storage: Storage
    history: StorageHistory
    check: ContentCheck
    rounds: CheckRounds | None

    @classmethod
    def of(
        cls,
        settings: Settings,
        engine: OwnEngine,
        database: ServiceDatabase,
        jobs: Jobs,
        trail: Trail,
        *,
        forget: Callable[[], None],
    ) -> ContentCare:
        """`check-rate` 0: nothing is read again. `forget` lets go, after a collection, of what is remembered of content
        alone."""
        check = ContentCheck(
            engine.place.checked,
            database.checks,
            database.repositories.reached,
            every=settings.check_every,
            clock=time.time,
        )
        storage = storage_of(engine.place, database, trail)
        return cls(
            ContentSweep(engine.sweep, jobs, trail, forget),
            storage,
            StorageHistory(database.samples, storage.counted, trail, time.time),
            check,
            CheckRounds(check, settings.check_rate, time.monotonic) if settings.check_rate else None,
        )

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        figures = Chore("storage figures", FIGURES_SECONDS, self.storage.refresh)
        rounds = self.rounds.chores() if self.rounds else ()
        return (*self.sweep.chores(), *rounds, figures, *self.history.chores())

    def begin(self, stack: ExitStack, counting: Counting) -> None:
        """From now on content is checked, and what it takes is counted."""
        counting.kinds("lading_store_bytes", "Bytes of our own content, as counted last.", self.storage.gauges)
        if self.rounds is not None:
            self.rounds.begin()
            stack.callback(self.rounds.stop)


def storage_of(place: ContentPlace, database: ServiceDatabase, trail: Trail) -> Storage:
    """What this content takes, by these names."""
    looks = Looks(database.figures, database.catalogue.images, place.content, place.figures)
    return Storage(looks, trail, time.time, time.monotonic)
