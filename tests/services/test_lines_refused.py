"""Lines that the database is there for, and will not take: they end their own job and keep nobody else's waiting."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lading.errors import StorageFailed
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.jobs.records import Told
from lading.wire.message import Cancel
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, Stage, asked, nothing

POISON = {"status": "poison"}


class ChoosyRecords(MemoryJobRecords):
    """Takes no poison; nothing at all while `away`."""

    away = False

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        if self.away:
            raise StorageFailed("nobody answers")
        if any(line.data == POISON for each in told for line in each.lines):
            raise ValueError("no such text")
        return super().tell(told)


def poisoned(telling: Telling, cancel: Cancel) -> JsonObject:
    telling.line({"status": "before"})
    telling.line(POISON)
    telling.line({"status": "after"})
    return {}


def test_lines_that_are_refused_end_their_own_job_and_no_other() -> None:
    stage = Stage(records=ChoosyRecords())
    stage.play(nothing)
    sound = stage.jobs.start(ALICE, asked())
    stage.run()
    stage.play(poisoned)
    bad = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.runner.writer.write()
    assert stage.statuses(sound.id) == ["complete"]
    ended = stage.jobs.get(ALICE, bad.id)
    assert ended.state is JobState.ERROR
    assert (ended.result or {})["error"] == "What this job told cannot be written down"
    assert not stage.runner.held()


def test_one_batch_of_sound_and_refused_lines_loses_only_the_refused() -> None:
    records = ChoosyRecords()
    stage = Stage(records=records)
    jobs = []
    records.away = True  # so that what both said is in one batch
    for work in (poisoned, nothing):
        stage.play(work)
        records.away = False
        jobs.append(stage.jobs.start(ALICE, asked()))
        records.away = True
        stage.run()
    records.away = False

    assert stage.runner.writer.write()
    assert stage.statuses(jobs[0].id) == ["error"]
    assert stage.statuses(jobs[1].id) == ["complete"]


def test_a_run_whose_lines_are_refused_is_stopped() -> None:
    stage = Stage(records=ChoosyRecords())

    def goes_on(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line(POISON)
        stage.runner.writer.write()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(goes_on)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["error"]


def test_who_follows_is_told_why() -> None:
    stage = Stage(records=ChoosyRecords())
    stage.play(poisoned)
    job = stage.jobs.start(ALICE, asked())
    follower = stage.jobs.follow(ALICE, job.id)
    stage.run()
    texts = [follower.read() for _ in range(2)]
    follower.close()

    assert texts[-1].ended
    assert b"event: result\ndata: " in texts[-1].text
    assert b"cannot be written down" in texts[-1].text
