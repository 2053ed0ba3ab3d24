"""All that jobs stand on, in memory: a queue worked by hand, actors, a trail, and works that do as they are told."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lading.errors import StorageFailed
from lading.services.access import EVERYTHING, LADING, Actor, Grant
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry
from lading.services.clocks import Clocks
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.jobs.kinds import Admit, WorkKind
from lading.services.running.dispatch import Dispatch, NobodyElse
from lading.services.running.follower import Follower
from lading.services.running.jobs import Jobs
from lading.services.running.runner import JobQueue, JobRunner, Surroundings
from lading.services.wakes import Woken
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.records import Clock

ALICE = Actor("alice", user=1, address="192.0.2.1", request="r1")
BOB = Actor("bob", user=2)
VIEWER = Actor("viewer", (Grant(frozenset({"jobs:view"})),), user=3)
ADMIN = Actor("admin", (Grant(frozenset({EVERYTHING})),), user=4)

BOUND_SECONDS = 30
"""No test waits so long; a job that never ends does."""


class HandQueue:
    """A JobQueue whose jobs run when the test says so, in the test's thread."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}
        self.closed = False

    def put(self, name: str, environment: int | None, run: Callable[[], None]) -> None:
        self.waiting[name] = run

    def look(self) -> None:
        """Nothing begins here by itself."""

    def withdraw(self, name: str) -> bool:
        return self.waiting.pop(name, None) is not None

    def close(self) -> None:
        self.closed = True
        self.waiting.clear()

    def join(self, seconds: float) -> bool:
        return True

    def run(self) -> None:
        """All that wait, in order."""
        while self.waiting:
            self.waiting.pop(next(iter(self.waiting)))()


def everybody(actor: Actor, fields: JsonObject) -> None:
    """No permission is asked."""


class MemoryTrail:
    """Fulfils EntryTrail. `kept` has the actor's name, the action and the result of each record."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.kept: list[tuple[str, str, Result]] = []

    def record(self, actor: Actor, deed: Deed, result: Result) -> None:
        self.append(self.entry(actor, deed, result))

    def entry(self, actor: Actor, deed: Deed, result: Result) -> AuditEntry:
        return AuditEntry(0, actor.name, actor.user, actor.token, deed, result, actor.address, actor.request)

    def append(self, entry: AuditEntry) -> None:
        """What records do with an entry, in a transaction of theirs."""
        with self._lock:
            self.kept.append((entry.actor, entry.deed.action, entry.result))

    def appended(self) -> None:
        """Nobody follows."""


class MemoryWakes:
    """Fulfils Wakes within one process."""

    def __init__(self) -> None:
        self._woken: list[Woken] = []

    def tell(self, *topics: str) -> None:
        for woken in tuple(self._woken):
            for topic in topics:
                woken(topic)

    @contextmanager
    def listening(self, woken: Woken) -> Iterator[None]:
        self._woken.append(woken)
        try:
            yield
        finally:
            self._woken.remove(woken)


class MemoryDispatch:
    """Fulfils Dispatch: `handed` are the ids of all jobs that were handed over, in order. `keeps` are kinds for whoever
    asks; `failing` has it fail."""

    def __init__(self, keeps: Collection[str] = ()) -> None:
        self.handed: list[str] = []
        self.keeps, self.failing = keeps, False

    def dispatch(self, job: Job) -> bool:
        if self.failing:
            raise StorageFailed("gone")
        if job.request.kind in self.keeps:
            return False
        self.handed.append(job.id)
        return True


class MemoryActors:
    """Fulfils Actors: whoever is in `known`, else an actor who may nothing."""

    def __init__(self) -> None:
        self.known = {actor.user: actor for actor in (ALICE, BOB, VIEWER, ADMIN)}

    def again(self, job: Job) -> Actor:
        return LADING if job.owner is None else self.known.get(job.owner, Actor("gone"))


class PlayedWork:
    """A Work that does what `play` does, and remembers who it was done for."""

    def __init__(self, play: Callable[[Telling, Cancel], JsonObject]) -> None:
        self._play = play
        self.actors: list[Actor] = []

    def __call__(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        self.actors.append(actor)
        return self._play(telling, cancel)


@dataclass
class Stage:
    """One process of the service, as far as jobs go."""

    queue: JobQueue = field(default_factory=HandQueue)
    records: MemoryJobRecords = field(default_factory=MemoryJobRecords)
    clock: Clock = field(default_factory=Clock)
    trail: MemoryTrail = field(default_factory=MemoryTrail)
    actors: MemoryActors = field(default_factory=MemoryActors)
    kinds: dict[str, WorkKind] = field(default_factory=dict)
    wakes: MemoryWakes = field(default_factory=MemoryWakes)
    dispatch: Dispatch = field(default_factory=NobodyElse)

    def __post_init__(self) -> None:
        self.records.clock, self.records.append, self.records.told = self.clock, self.trail.append, self.wakes.tell
        clocks = Clocks(self.clock, self.clock)
        self.runner = JobRunner(
            Surroundings(
                self.records,
                self.kinds,
                self.actors,
                self.trail,
                self.queue,
                clocks,
                dispatch=self.dispatch,
            )
        )
        numbers = itertools.count(1)
        self.jobs = Jobs(self.runner, self.records, self.trail, self.clock, lambda: f"job-{next(numbers)}")

    def play(
        self,
        play: Callable[[Telling, Cancel], JsonObject],
        kind: str = "push",
        *,
        resumes: bool = False,
        admit: Admit = everybody,
    ) -> PlayedWork:
        """From now on jobs of this kind do this."""
        work = PlayedWork(play)
        self.kinds[kind] = WorkKind(work, admit, Verb.PUSH, resumes, "Failed to push image")
        return work

    def run(self) -> None:
        """Let everything that waits happen, and be written."""
        assert isinstance(self.queue, HandQueue)
        self.queue.run()
        self.runner.writer.write()

    def restarted(self) -> Stage:
        """Another process over the same rows."""
        return Stage(
            records=self.records,
            clock=self.clock,
            trail=self.trail,
            actors=self.actors,
            kinds=self.kinds,
            wakes=self.wakes,
            dispatch=self.dispatch,
        )

    def statuses(self, job: str) -> list[object]:
        """Of the job's lines."""
        return [line.data["status"] for line in self.records.lines(job, 0, 1000)]


def asked(kind: str = "push", *, sharing: str = "", environment: int | None = None, **fields: object) -> JobRequest:
    """A request with a deed of the same name."""
    deed = Deed(kind, "image", "app", "app", environment)
    return JobRequest(kind, fields, environment, sharing, deed)


def nothing(telling: Telling, cancel: Cancel) -> JsonObject:
    """A work that has nothing to do."""
    return {"message": "nothing to do"}


def read_all(follower: Follower) -> bytes:
    """What there is for it now, from memory and records."""
    text = b""
    while True:
        reading = follower.read()
        if reading.behind:
            reading = follower.catch_up()
        text += reading.text
        if reading.ended or not reading.text:
            return text
