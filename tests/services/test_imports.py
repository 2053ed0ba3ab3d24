"""Archives that come by pieces: of several who commit or give up the same one, exactly one does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from lading.backends.content_store.arriving_archives import ArchiveFolder
from lading.backends.job_queue.threads import ThreadQueue
from lading.errors import Cancelled, ContentCorrupt, InputInvalid, LadingError, StorageFailed
from lading.services.access import Actor, Denied, NotLoggedIn, Permission
from lading.services.audit.records import AuditEntry
from lading.services.environments.environments import Environments
from lading.services.environments.orders import Arrived
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import JobState
from lading.services.jobs.kinds import WorkKind
from lading.services.jobs.records import JobFilter
from lading.services.work.imports import IMPORT, ImportBusy, ImportCommitted, Imports, ImportUnknown, forget_archive
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Report
from tests.fakes.docker_archives import read_to_end
from tests.fakes.jobs import ADMIN, ALICE, BOUND_SECONDS, HandQueue, MemoryTrail, Stage


class Loading:
    """An environment that takes archives in, and may be told to refuse them."""

    id = 1

    def __init__(self) -> None:
        self.loaded: list[bytes] = []
        self.revoked: set[str] = set()
        self.refusing = False
        self.error: Exception = StorageFailed("full")
        self.loading: Callable[[], object] = lambda: None

    def open(self, actor: Actor, environment: int | None) -> Loading:
        return self

    def admit_load(self, actor: Actor = ADMIN) -> None:
        if actor.name in self.revoked:
            raise Denied(Permission.IMAGES_IMPORT)

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        self.loading()
        if self.refusing:
            raise self.error
        self.loaded.append(read_to_end(archive))
        return []


class House:
    """Imports over a folder."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.stage, self.environment = stage, Loading()
        archives = ArchiveFolder(folder)
        # Only three methods of it are called here.
        self.imports = Imports(cast("Environments", self.environment), archives, stage.jobs)
        over = partial(forget_archive, archives)
        stage.kinds[IMPORT] = WorkKind(self.imports.work, self.imports.admit, Verb.PULL, resumes=True, over=over)

    def arrived(self) -> str:
        begun = self.imports.begin(ALICE, None)
        self.imports.append(ALICE, begun, 0, b"archive")
        return begun

    def jobs(self) -> list[JobState]:
        return [job.state for job in self.stage.records.page(JobFilter(), 0, 99).jobs]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, Stage())


def test_a_committed_import_is_its_jobs_alone(house: House) -> None:
    one = house.arrived()
    job = house.imports.commit(ALICE, None, one, None)
    for ask in (
        lambda: house.imports.commit(ALICE, None, one, None),
        lambda: house.imports.discard(ALICE, one),
        lambda: house.imports.append(ALICE, one, 7, b"more"),
    ):
        with pytest.raises(ImportCommitted, match=f"committed, and the job {job.id} loads it"):
            ask()
    house.stage.run()

    assert house.environment.loaded == [b"archive"]
    assert house.jobs() == [JobState.DONE]
    with pytest.raises(ImportUnknown):
        house.imports.discard(ALICE, one)


@pytest.mark.parametrize("ends", ["failed", "cancelled"])
def test_an_import_whose_job_did_not_load_it_is_arriving_again(house: House, ends: str) -> None:
    one = house.arrived()
    job = house.imports.commit(ALICE, None, one, None)
    if ends == "cancelled":
        house.stage.jobs.cancel(ALICE, job.id)
    house.environment.refusing = True
    house.stage.run()
    house.environment.refusing = False

    house.imports.append(ALICE, one, 7, b", all of it")
    house.imports.commit(ALICE, None, one, None)
    house.stage.run()
    assert house.environment.loaded == [b"archive, all of it"]


@pytest.mark.parametrize(
    ("error", "once", "kept"),
    [
        (StorageFailed("full"), False, True),
        (StorageFailed("full"), True, False),
        (RuntimeError("unforeseen"), False, True),
        (RuntimeError("unforeseen"), True, False),
        (ContentCorrupt("no tar"), False, False),
        (ContentCorrupt("no tar"), True, False),
        (InputInvalid("no name"), False, False),
        (Cancelled(), False, True),
        (Cancelled(), True, False),
    ],
)
def test_what_no_retry_can_help_is_not_kept(house: House, error: Exception, once: bool, kept: bool) -> None:
    one = house.arrived()
    house.imports.commit(ALICE, None, one, None, once=once)
    house.environment.refusing, house.environment.error = True, error
    house.stage.run()

    if kept:
        assert house.imports.size(ALICE, one) == 7
        return
    with pytest.raises(ImportUnknown):
        house.imports.size(ALICE, one)


@pytest.mark.parametrize("by", ["the same server", "another server"])
@pytest.mark.parametrize("once", [True, False])
def test_an_archive_of_one_request_goes_with_its_job_that_never_began(house: House, by: str, once: bool) -> None:
    one = house.arrived()
    job = house.imports.commit(ALICE, None, one, None, once=once)
    stage = house.stage if by == "the same server" else house.stage.restarted()
    stage.jobs.cancel(ALICE, job.id)
    stage.run()

    assert stage.jobs.get(ALICE, job.id).state is JobState.CANCELLED
    assert house.imports.archives.held(1) == (0 if once else 1)


def test_a_server_that_stops_keeps_the_archive_of_a_job_that_goes_on(house: House) -> None:
    one = house.arrived()
    job = house.imports.commit(ALICE, None, one, None, once=True)
    house.environment.loading = lambda: house.stage.runner.stop(0)
    house.environment.refusing, house.environment.error = True, Cancelled()
    house.stage.run()
    assert house.stage.jobs.get(ALICE, job.id).state is JobState.QUEUED

    house.environment.refusing = False
    again = house.stage.restarted()
    again.runner.recover(0)
    again.run()
    assert house.environment.loaded == [b"archive"]
    assert house.imports.archives.held(1) == 0


def test_an_archive_is_kept_until_it_is_written_down_that_it_was_loaded(house: House) -> None:
    """A server that is killed in between loads it again; else its job would end as if nothing had been loaded."""
    house.imports.commit(ALICE, None, house.arrived(), None)
    assert isinstance(house.stage.queue, HandQueue)
    house.stage.queue.run()
    assert house.imports.archives.held(1) == 1

    again = house.stage.restarted()
    again.runner.recover(0)
    again.run()
    assert house.jobs() == [JobState.DONE]
    assert house.imports.archives.held(1) == 0


def test_who_may_load_no_more_appends_no_more(house: House) -> None:
    one = house.arrived()
    house.environment.revoked.add(ALICE.name)

    with pytest.raises(Denied):
        house.imports.append(ALICE, one, 7, b"more")
    with pytest.raises(NotLoggedIn):
        house.imports.size(Actor("anonymous"), one)
    house.imports.discard(ALICE, one)


def test_a_commit_that_cannot_be_recorded_leaves_the_import_as_it_was(tmp_path: Path) -> None:
    class FullTrail(MemoryTrail):
        full = True

        def append(self, entry: AuditEntry) -> None:
            if self.full:
                raise StorageFailed("full")
            super().append(entry)

    trail = FullTrail()
    house = House(tmp_path, Stage(trail=trail))
    one = house.arrived()
    with pytest.raises(StorageFailed):
        house.imports.commit(ALICE, None, one, None)
    house.stage.run()
    trail.full = False

    house.imports.discard(ALICE, one)
    assert not house.environment.loaded


def test_a_repeated_commit_is_the_same_job(house: House) -> None:
    one, key = house.arrived(), RequestKey("key", "commit")
    first = house.imports.commit(ALICE, None, one, key)
    assert house.imports.commit(ALICE, None, one, key).id == first.id
    house.stage.run()

    assert house.imports.commit(ALICE, None, one, key).id == first.id


def test_who_works_on_an_import_keeps_others_out_for_that_moment(house: House) -> None:
    one = house.arrived()
    with house.imports.archives.alone(one):
        for ask in (
            lambda: house.imports.commit(ALICE, None, one, None),
            lambda: house.imports.discard(ALICE, one),
            lambda: house.imports.append(ALICE, one, 7, b"more"),
        ):
            with pytest.raises(ImportBusy):
                ask()
    house.imports.discard(ALICE, one)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, Stage(ThreadQueue(4, 4)))
    house.stage.runner.begin()
    yield house
    assert house.stage.runner.stop(BOUND_SECONDS)


@pytest.mark.parametrize("round_", range(15))
def test_of_those_who_come_at_once_exactly_one_has_its_way(busy: House, round_: int) -> None:
    one = busy.arrived()
    begin = threading.Barrier(4)
    refused: list[LadingError] = []

    def commit() -> None:
        busy.imports.commit(ALICE, None, one, None)

    def discard() -> None:
        busy.imports.discard(ALICE, one)

    def ask(call: Callable[[], None]) -> None:
        begin.wait(BOUND_SECONDS)
        try:
            call()
        except (ImportBusy, ImportCommitted, ImportUnknown) as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=[call]) for call in (commit, discard) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_SECONDS)

    assert len(refused) == 3
    jobs = busy.stage.records.page(JobFilter(), 0, 9).jobs
    assert len(jobs) <= 1
    for job in jobs:
        follower = busy.stage.jobs.follow(ADMIN, job.id)
        while not follower.catch_up().ended:
            pass
        follower.close()
    deadline = time.monotonic() + BOUND_SECONDS
    while busy.stage.runner.held() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert busy.environment.loaded == [b"archive"] * len(jobs)
    with pytest.raises(ImportUnknown):
        busy.imports.size(ALICE, one)
