"""Records in memory: real classes that keep what the engine and the client remember, for as long as the test runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence

from lading.engine.records import Image
from lading.engine.stores import Condition, TagMoved, permits
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.wire.endpoint import Profile

LEASE_SECONDS = 24 * 60 * 60


class Clock:
    """Seconds since 1970 that pass only when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class MemoryImageNames:
    """ImageNames. Fulfils lading.engine.records.ImageNames."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._images: dict[str, Image] = {}

    def find(self, reference: str) -> Image | None:
        return self._images.get(reference)

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        with self._lock:
            for reference in references:
                image = self._images.get(reference)
                holds = image.root.digest if image else None
                if not permits(condition, holds, root.digest):
                    raise TagMoved(reference, "memory", holds)
            for reference in references:
                self._images[reference] = Image(reference, root, self._clock())

    def forget(self, reference: str) -> bool:
        with self._lock:
            return self._images.pop(reference, None) is not None

    def all(self) -> Iterable[Image]:
        with self._lock:
            return [self._images[reference] for reference in sorted(self._images)]


class MemoryLeases:
    """Leases. Fulfils lading.engine.records.Leases; they end a day after by `clock`."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._ends: dict[Digest, float] = {}

    def hold(self, digests: Collection[Digest]) -> None:
        with self._lock:
            self._ends.update(dict.fromkeys(digests, self._clock() + LEASE_SECONDS))

    def renewed(self, digests: Collection[Digest]) -> bool:
        """Nothing is written here, so nothing is spared."""
        return not digests

    def held(self) -> set[Digest]:
        with self._lock:
            return {digest for digest, end in self._ends.items() if end > self._clock()}

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        return self.held() & set(digests)

    def forget_all(self) -> Collection[Digest]:
        """As if a day had passed; answers what was held."""
        with self._lock:
            forgotten, self._ends = self._ends, {}
            return set(forgotten)


class MemoryLocations:
    """Locations, the latest learned first. Fulfils lading.engine.stores.Locations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Digest, list[Repository]] = {}

    def of(self, digest: Digest, registry: str) -> Sequence[Repository]:
        with self._lock:
            return [place for place in self._known.get(digest, ()) if place.registry == registry]

    def learn(self, digest: Digest, repository: Repository) -> None:
        with self._lock:
            others = [place for place in self._known.get(digest, ()) if place != repository]
            self._known[digest] = [repository, *others]


class MemoryProfiles:
    """Profiles. Fulfils lading.wire.endpoint.Profiles."""

    def __init__(self) -> None:
        self._known: dict[str, Profile] = {}

    def of(self, host: str) -> Profile:
        return self._known.get(host, Profile())

    def learn(self, host: str, profile: Profile) -> None:
        self._known[host] = profile


class MemoryUploads:
    """Uploads. Fulfils lading.wire.endpoint.Uploads."""

    def __init__(self) -> None:
        self._known: dict[tuple[Repository, Digest], str] = {}

    def of(self, repository: Repository, digest: Digest) -> str | None:
        return self._known.get((repository, digest))

    def begun(self, repository: Repository, digest: Digest, url: str) -> None:
        self._known[repository, digest] = url

    def ended(self, repository: Repository, digest: Digest) -> None:
        self._known.pop((repository, digest), None)
