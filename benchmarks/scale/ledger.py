"""What was promised: everything that was acknowledged, and what became of every attempt; for any number of threads."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.peers.job_follower import JobFollower


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest that was acknowledged, and the digests of the blobs it names."""

    repository: str
    digest: str
    blobs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Job:
    """One that was acknowledged. `answers` is the URL of the manifest at its target, None where that is an engine's
    own; `engine` the query of the images that then hold its name, and `name` that name."""

    id: str
    kind: str
    target: str | None
    engine: str | None
    name: str
    followers: Sequence[JobFollower]


@dataclass(slots=True)
class Count:
    """Of one scenario. `failed` were given up, `retried` were tried again, both by what was answered."""

    attempted: int = 0
    acknowledged: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tag:
    """What a tag may point to: what was acknowledged last, and what was asked for since."""

    acknowledged: str | None = None
    since: set[str] = field(default_factory=set)


class Ledger:
    """A line of JSON in a file for each thing acknowledged and each fault; `losses` are broken promises, `broken` what
    went wrong in the runner itself."""

    def __init__(self, path: Path) -> None:
        self.counts: dict[str, Count] = {}
        self.images: list[Image] = []
        self.blobs: dict[tuple[str, str], None] = {}
        self.tags: dict[tuple[str, str], Tag] = {}
        self.jobs: dict[str, Job] = {}
        self.faults: Counter[str] = Counter()
        self.losses: list[str] = []
        self.broken: list[str] = []
        self._lock = threading.Lock()
        self._file: IO[str] = path.open("a")

    def close(self) -> None:
        """Its file; what it counted stays."""
        self._file.close()

    def attempted(self, scenario: str) -> None:
        """Something began."""
        with self._lock:
            self._count(scenario).attempted += 1

    def acknowledged(self, scenario: str, what: Mapping[str, object] | None = None) -> None:
        """It was done, and whoever asked was told so."""
        with self._lock:
            self._count(scenario).acknowledged += 1
            if what:
                self._write(scenario, what)

    def failed(self, scenario: str, kind: str) -> None:
        """It was given up."""
        with self._lock:
            self._count(scenario).failed[kind] += 1

    def retried(self, scenario: str, kind: str) -> None:
        """One request of it, which was answered like this."""
        with self._lock:
            self._count(scenario).retried[kind] += 1

    def blob(self, repository: str, digest: str) -> None:
        """One was acknowledged."""
        with self._lock:
            self.blobs[repository, digest] = None

    def image(self, image: Image) -> None:
        """One was acknowledged."""
        with self._lock:
            self.images.append(image)

    def tagging(self, repository: str, tag: str, digest: str) -> None:
        """From now on the tag may point there."""
        with self._lock:
            self.tags.setdefault((repository, tag), Tag()).since.add(digest)

    def tagged(self, repository: str, tag: str, digest: str) -> None:
        """It did, and nobody else moves this tag."""
        with self._lock:
            self.tags[repository, tag] = Tag(digest)

    def job(self, job: Job) -> None:
        """One was acknowledged."""
        with self._lock:
            self.jobs[job.id] = job
            self._write("job", {"id": job.id, "kind": job.kind})

    def fault(self, kind: str, whom: str, seconds: float) -> None:
        """One was injected."""
        with self._lock:
            self.faults[kind] += 1
            self._write("fault", {"kind": kind, "whom": whom, "seconds": round(seconds, 1)})

    def noted(self, kind: str, what: Mapping[str, object]) -> None:
        """Something that a reader of the file wants to know."""
        with self._lock:
            self._write(kind, what)

    def lost(self, what: str) -> None:
        """A promise was broken."""
        with self._lock:
            self.losses.append(what)
            self._write("LOST", {"what": what})

    def stumbled(self, what: str) -> None:
        """The runner itself did."""
        with self._lock:
            self.broken.append(what)
            self._write("BROKEN", {"what": what})

    def counted(self) -> Sequence[Count]:
        """Of every scenario that has begun something."""
        with self._lock:
            return tuple(self.counts.values())

    def some_images(self) -> Sequence[Image]:
        """As many as there are now."""
        with self._lock:
            return tuple(self.images)

    def _count(self, scenario: str) -> Count:
        return self.counts.setdefault(scenario, Count())

    def _write(self, kind: str, what: Mapping[str, object]) -> None:
        self._file.write(json.dumps({"at": round(time.time(), 3), "kind": kind, **what}) + "\n")
        self._file.flush()
