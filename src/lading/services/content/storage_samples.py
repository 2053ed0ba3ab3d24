"""What our storage took, hour by hour: for pictures of how it grew.

    every hour         one sample
    after a month      the last one of each day stays
    after a year       none

A sample is of the figures as they are counted anyway; days are those of UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.oci.instants import instant
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit
from lading.services.content.storage_figures import Figures
from lading.services.schedules import Chore

HOUR = 60 * 60
DAY = 24 * HOUR

HOURLY_DAYS = 31
"""How long every sample is kept."""

KEPT_DAYS = 366
"""How long one of each day is."""


@dataclass(frozen=True, slots=True)
class StorageSample:
    """`at` is in whole seconds since 1970; the rest is what storage_figures says, in bytes. `reached` is what names
    reach, once each."""

    at: int
    logical: int
    reached: int
    stored: int
    reclaimable: int
    free: int | None
    capacity: int | None
    images: int
    repositories: int

    @classmethod
    def of(cls, figures: Figures) -> StorageSample:
        """What of figures is kept."""
        named, disk = figures.named, figures.disk
        return cls(
            int(figures.counted),
            named.logical,
            named.reached.size,
            disk.stored.size,
            figures.reclaimable.size,
            disk.free,
            disk.capacity,
            named.images,
            named.repositories,
        )


class SampleRecords(Protocol):
    """Durable when a method returns. Every method raises StorageFailed."""

    def add_sample(self, sample: StorageSample) -> None:
        """Once for each second."""

    def samples(self, since: float) -> Sequence[StorageSample]:
        """Those taken from then on, the oldest first."""

    def thin_samples(self, before: float) -> int:
        """Of those taken before then keep the last one of each day. How many went."""

    def forget_samples(self, before: float) -> int:
        """Drop those taken before then. How many went."""


class StorageHistory:
    """For any number of threads."""

    def __init__(
        self, records: SampleRecords, count: Callable[[], Figures], trail: Trail, clock: Callable[[], float]
    ) -> None:
        """`count` gives the figures of now, perhaps as they were counted a little before; `clock` tells seconds since
        1970."""
        self._records, self._count, self._trail, self._clock = records, count, trail, clock

    def samples(self, actor: Actor, days: float) -> Sequence[StorageSample]:
        """Of so many days up to now, the oldest first. Raises Denied, NotLoggedIn, StorageFailed."""
        admit(self._trail, actor, Permission.SETTINGS_VIEW, Deed("view", "storage", "", ""))
        return self._records.samples(self._clock() - days * DAY)

    def take(self) -> None:
        """One more sample, and let go of what is too old. Raises StorageFailed."""
        self._records.add_sample(StorageSample.of(self._count()))
        self._records.thin_samples(self._clock() - HOURLY_DAYS * DAY)
        self._records.forget_samples(self._clock() - KEPT_DAYS * DAY)

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        return (Chore("storage samples", HOUR, self.take),)


def sample_json(sample: StorageSample) -> dict[str, object]:
    """In JSON, for every door; sizes are in bytes."""
    return {
        "at": instant(sample.at),
        "logical": sample.logical,
        "unique": sample.reached,
        "stored": sample.stored,
        "reclaimable": sample.reclaimable,
        "free": sample.free,
        "capacity": sample.capacity,
        "images": sample.images,
        "repositories": sample.repositories,
    }
