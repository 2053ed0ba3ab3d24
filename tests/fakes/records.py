"""Records in memory: real classes that keep what the engine and the client remember, for as long as the test runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from lading.engine.records import EVERY_HOLDER, Holder, Image
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

    def forget_as(self, images: Collection[Image]) -> Collection[Image]:
        with self._lock:
            gone = [
                each
                for each in images
                if (held := self._images.get(each.reference)) and held.root.digest == each.root.digest
            ]
            for each in gone:
                del self._images[each.reference]
            return gone

    def all(self) -> Iterable[Image]:
        with self._lock:
            return [self._images[reference] for reference in sorted(self._images)]

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        with self._lock:
            return {image.root.digest for image in self._images.values()}.intersection(digests)


class MemoryLeases:
    """Leases. Fulfils lading.engine.records.Leases; they end a day after by `clock`."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._ends: dict[tuple[Digest, Holder | int], float] = {}
        self._works = count()

    def hold(self, digests: Collection[Digest]) -> None:
        self.hold_for(Holder.TOLD, digests)

    def hold_for(self, holder: Holder | int, digests: Collection[Digest]) -> None:
        """A number is a piece of work."""
        with self._lock:
            until = self._clock() + LEASE_SECONDS
            self._ends.update({(digest, holder): until for digest in digests})

    def renewed(self, digests: Collection[Digest]) -> bool:
        """Nothing is written here, so nothing is spared."""
        return not digests

    def work(self) -> MemoryWork:
        return MemoryWork(self, next(self._works))

    def held(self, holders: Collection[Holder] = EVERY_HOLDER) -> set[Digest]:
        with self._lock:
            now = self._clock()
            return {digest for (digest, holder), end in self._ends.items() if end > now and _kind(holder) in holders}

    def among(self, digests: Collection[Digest], holders: Collection[Holder] = EVERY_HOLDER) -> Collection[Digest]:
        return self.held(holders) & set(digests)

    def forget_ended(self) -> None:
        with self._lock:
            self._ends = {each: end for each, end in self._ends.items() if each[1] is not Holder.ENDED}

    def forget(self, digests: Collection[Digest], holders: Collection[Holder]) -> None:
        with self._lock:
            for digest, holder in [each for each in self._ends if each[0] in digests and _kind(each[1]) in holders]:
                del self._ends[digest, holder]

    def pass_on(self, work: int, holder: Holder) -> None:
        """What the work held, this one holds."""
        with self._lock:
            for digest, each in [each for each in self._ends if each[1] == work]:
                end = self._ends.pop((digest, each))
                self._ends[digest, holder] = max(end, self._ends.get((digest, holder), end))

    def forget_all(self) -> Collection[Digest]:
        """As if a day had passed; answers what was held."""
        with self._lock:
            forgotten, self._ends = self._ends, {}
            return {digest for digest, _ in forgotten}


@dataclass(frozen=True)
class MemoryWork:
    """Fulfils lading.engine.records.WorkPromises."""

    leases: MemoryLeases
    number: int

    def hold(self, digests: Collection[Digest]) -> None:
        self.leases.hold_for(self.number, digests)

    def renewed(self, digests: Collection[Digest]) -> bool:
        return not digests

    def end(self, holder: Holder) -> None:
        self.leases.pass_on(self.number, holder)


def _kind(holder: Holder | int) -> Holder:
    return holder if isinstance(holder, Holder) else Holder.WORK


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
