"""How much our own content takes, and whose it is.

    logical       what repositories and images would take if nothing were shared: each counted with all it holds
    stored        what lies on disk, once each
    shared        logical, less what it takes: saved because layers are kept once
    reclaimable   stored, and kept by nothing: a collection removes it once nobody has used it for a day
    unfinished    uploads and downloads that have not ended

Looking at everything takes seconds where there is much, so what was counted stands for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit

STANDS_SECONDS = 60.0
"""How long a count stands at least."""

STANDS_TIMES = 30.0
"""And as many times as long as it took: counting is never more than a thirtieth of the work."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Pieces, and their bytes."""

    pieces: int
    size: int


@dataclass(frozen=True, slots=True)
class RepositoryFigures:
    """One repository: `logical` bytes of all it holds, `unique` those that no other repository holds."""

    name: str
    tags: int
    manifests: int
    blobs: int
    logical: int
    unique: int


@dataclass(frozen=True, slots=True)
class DiskFigures:
    """What content takes where it lies, in bytes; `free` and `capacity` are the file system's, None in an object store,
    which nobody can ask."""

    stored: Sum
    unfinished: Sum
    damaged: Sum
    free: int | None
    capacity: int | None


@dataclass(frozen=True, slots=True)
class NamedFigures:
    """What names reach: `logical` as in the table above, `reached` what of it is on disk, once each."""

    images: int
    repositories: int
    logical: int
    reached: Sum


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it, as it was at `counted`, in seconds since 1970."""

    counted: float
    named: NamedFigures
    disk: DiskFigures

    @property
    def shared(self) -> int:
        """Bytes that are not there twice."""
        return max(0, self.named.logical - self.named.reached.size)

    @property
    def reclaimable(self) -> Sum:
        """What nothing reaches."""
        stored, reached = self.disk.stored, self.named.reached
        return Sum(max(0, stored.pieces - reached.pieces), max(0, stored.size - reached.size))


class StorageLooks(Protocol):
    """Where the figures come from. Every method raises StorageFailed."""

    def named(self) -> NamedFigures:
        """What names reach."""

    def disk(self) -> DiskFigures:
        """What lies on disk."""

    def repositories(self) -> Sequence[RepositoryFigures]:
        """Each of them, in order of name."""


class Storage:
    """For any number of threads; one of them counts, and the others take what was counted."""

    def __init__(
        self, looks: StorageLooks, trail: Trail, clock: Callable[[], float], steady: Callable[[], float]
    ) -> None:
        """`clock` tells seconds since 1970, `steady` seconds that never go back."""
        self._looks, self._trail, self._clock = looks, trail, clock
        self._figures = _Standing(self._count, steady)
        self._repositories = _Standing(looks.repositories, steady)

    def figures(self, actor: Actor) -> Figures:
        """Raises Denied, NotLoggedIn, StorageFailed."""
        admit(self._trail, actor, Permission.SETTINGS_VIEW, Deed("view", "storage", "", ""))
        return self._figures.now()

    def repositories(self, actor: Actor) -> Sequence[RepositoryFigures]:
        """Those that the actor may see. Raises StorageFailed."""
        view = Permission.REPOSITORIES_VIEW
        if not actor.may_somewhere(view):
            admit(self._trail, actor, view, Deed("view", "storage", "", ""))
        return [each for each in self._repositories.now() if actor.may(view, repository=each.name)]

    def gauges(self) -> Mapping[str, float]:
        """Bytes by kind, as they were counted last: nothing is counted for who looks every few seconds."""
        figures = self._figures.last
        if figures is None:
            return {}
        disk, named = figures.disk, figures.named
        free = {} if disk.free is None else {"free": disk.free}
        return {
            "logical": named.logical,
            "stored": disk.stored.size,
            "shared": figures.shared,
            "reclaimable": figures.reclaimable.size,
            "unfinished": disk.unfinished.size,
            "damaged": disk.damaged.size,
            **free,
        }

    def counted(self) -> Figures:
        """For Lading itself, as `figures`. Raises StorageFailed."""
        return self._figures.now()

    def refresh(self) -> None:
        """So that gauges are there before somebody asks. Raises StorageFailed."""
        self._figures.now()

    def _count(self) -> Figures:
        """Names first: what comes meanwhile is on disk already, and is not taken for more than there is."""
        return Figures(self._clock(), self._looks.named(), self._looks.disk())


T = TypeVar("T")


class _Standing(Generic[T]):
    """Something counted, which stands for as long as it took to count, many times over."""

    def __init__(self, count: Callable[[], T], steady: Callable[[], float]) -> None:
        self._count, self._steady = count, steady
        self._lock = threading.Lock()
        self._until = 0.0
        self.last: T | None = None

    def now(self) -> T:
        with self._lock:
            if self.last is None or self._steady() >= self._until:
                begun = self._steady()
                self.last = self._count()
                ended = self._steady()
                self._until = ended + max(STANDS_SECONDS, STANDS_TIMES * (ended - begun))
            return self.last
