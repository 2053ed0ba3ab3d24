"""Running jobs: one end each, whatever becomes of their work, their server, or the database."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from lading.errors import Refused, StorageFailed
from lading.services.audit.audit import Result
from lading.services.jobs.fields import JobFieldsUnreadable
from lading.services.jobs.job import Job, JobState, JsonObject, Telling
from lading.services.running.leases import LOST_SECONDS
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Piece, Planned, State
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, BOB, Stage, asked, nothing


class NoRoom(Refused):
    code = "no_room"
    why = "It is full."
    hint = "Make room."

    def __str__(self) -> str:
        return "there is no room"


def test_an_error_is_told_with_its_code_and_hint() -> None:
    stage = Stage()

    def refused(telling: Telling, cancel: Cancel) -> JsonObject:
        raise NoRoom

    stage.play(refused)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.jobs.get(ALICE, job.id).state is JobState.ERROR
    assert stage.jobs.get(ALICE, job.id).result == {
        "status": "error",
        "error": "there is no room",
        "code": "no_room",
        "side": "caller",
        "cause": "refused",
        "hint": "Make room.",
        "detail": "It is full.",
    }
    assert stage.trail.kept[-1] == ("alice", "push", Result.FAILED)


class Unwritable(StorageFailed):
    def __str__(self) -> str:
        return "cannot write /srv/x"

    @property
    def afar(self) -> str:
        return "cannot write"


def test_what_is_for_this_machine_alone_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()

    def fails(telling: Telling, cancel: Cancel) -> JsonObject:
        raise Unwritable

    stage.play(fails)
    job = stage.jobs.start(ALICE, asked())
    with caplog.at_level(logging.WARNING, "lading.jobs"):
        stage.run()

    assert (stage.jobs.get(ALICE, job.id).result or {})["error"] == "cannot write"
    assert [record.getMessage() for record in caplog.records] == [f"job {job.id} (push) failed: cannot write /srv/x"]


def test_what_nobody_foresaw_is_logged_once_and_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()

    def broken(telling: Telling, cancel: Cancel) -> JsonObject:
        raise KeyError("internal detail")

    stage.play(broken)
    job = stage.jobs.start(ALICE, asked())
    with caplog.at_level(logging.ERROR, "lading.jobs"):
        stage.run()

    assert stage.jobs.get(ALICE, job.id).result == {
        "status": "error",
        "error": "Failed to push image",
        "code": "failed",
    }
    assert len(caplog.records) == 1


def test_a_kind_that_nobody_knows_ends_its_job() -> None:
    stage = Stage()
    job = stage.jobs.start(ALICE, asked("unheard"))
    stage.run()

    ended = stage.jobs.get(ALICE, job.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert ended.result["hint"]


def test_a_transfer_becomes_lines_with_totals() -> None:
    stage = Stage()

    def pushed(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        telling.event(Planned("t", (Piece("sha256:" + "a" * 64, size=10),)))
        for state, current in ((State.MOVING, 0), (State.MOVING, 5), (State.DONE, 10)):
            telling.event(Advanced("t", "sha256:" + "a" * 64, state, current, 10))
        return {}

    stage.play(pushed)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["pushing", "Preparing", "Pushing", "Pushed", "complete"]
    totals = stage.jobs.get(ALICE, job.id).totals
    assert totals is not None
    assert totals["sent"] == 10


@pytest.mark.parametrize(
    ("resumes", "state", "after"),
    [(True, JobState.QUEUED, JobState.DONE), (False, JobState.INTERRUPTED, JobState.INTERRUPTED)],
)
def test_a_shutdown_keeps_what_can_be_gone_on_with(resumes: bool, state: JobState, after: JobState) -> None:
    stage = Stage()

    def stopped(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        stage.runner.stop(0)
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(stopped, resumes=resumes)
    job, waiting = stage.jobs.start(ALICE, asked()), stage.jobs.start(ALICE, asked("other"))
    stage.run()

    assert stage.jobs.get(ALICE, job.id).state is state
    assert stage.jobs.get(ALICE, waiting.id).state is JobState.QUEUED
    again = stage.restarted()
    again.play(nothing, resumes=resumes)
    again.play(nothing, "other")
    again.runner.recover(0)
    again.run()
    assert again.jobs.get(ALICE, job.id).state is after
    assert again.jobs.get(ALICE, waiting.id).state is JobState.DONE
    words = ["pushing", "note", "complete"] if resumes else ["pushing", "error"]
    assert again.statuses(job.id) == words


def test_fields_that_cannot_be_read_end_their_job_with_what_to_do() -> None:
    stage = Stage()

    def read(telling: Telling, cancel: Cancel) -> JsonObject:
        raise JobFieldsUnreadable("targets")

    stage.play(read)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    ended = stage.jobs.get(ALICE, job.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert (ended.result["code"], bool(ended.result["hint"])) == ("interrupted", True)


def test_a_frozen_run_that_wakes_beside_its_successor_writes_nothing() -> None:
    stage = Stage()
    other = stage.restarted()

    def frozen(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.clock.advance(LOST_SECONDS + 1)
        stage.play(nothing, resumes=True)
        other.runner.recover()
        other.run()
        telling.line({"status": "late"})
        stage.runner.writer.write()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(frozen, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["note", "complete"]
    assert not stage.runner.held()


class UnfitRecords(MemoryJobRecords):
    """Whose claims fail in a way that is not ours, while `unfit`."""

    unfit = False

    def claim(self, job: str, at: float) -> Job | None:
        if self.unfit:
            raise ValueError("the statement does not fit")
        return super().claim(job, at)


def test_a_claim_that_fails_as_nobody_foresaw_ends_its_job(caplog: pytest.LogCaptureFixture) -> None:
    records = UnfitRecords()
    stage = Stage(records=records)
    stage.play(nothing)
    jobs = [stage.jobs.start(ALICE, asked(sharing="same")) for _ in range(2)]
    records.unfit = True
    with caplog.at_level(logging.ERROR, "lading.jobs"):
        stage.run()

    for job in jobs:
        kept = stage.jobs.get(ALICE, job.id)
        assert kept.state is JobState.ERROR
        assert kept.result == {"status": "error", "error": "Failed to push image", "code": "failed"}
    assert not stage.runner.held()
    assert "does not fit" in caplog.text


def test_who_cannot_join_as_nobody_foresaw_holds_nothing_for_ever() -> None:
    records = UnfitRecords()
    stage = Stage(records=records)

    def meanwhile(telling: Telling, cancel: Cancel) -> JsonObject:
        records.unfit = True
        late.append(stage.jobs.start(BOB, asked(sharing="same")).id)
        return {}

    late: list[str] = []
    stage.play(meanwhile)
    first = stage.jobs.start(ALICE, asked(sharing="same"))
    stage.run()

    assert stage.jobs.get(ALICE, first.id).state is JobState.DONE
    assert stage.jobs.get(BOB, late[0]).state is JobState.ERROR
    assert not stage.runner.held()


def test_a_run_that_was_lost_says_nothing_on_the_trail() -> None:
    stage = Stage()

    def taken_over(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.records.release(job.id, 1, stage.clock.now)
        stage.records.claim(job.id, stage.clock.now)
        return {}

    stage.play(taken_over)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.trail.kept == [("alice", "push", Result.STARTED)]


@pytest.mark.parametrize(("lanes", "waits"), [(None, []), (1, ["Waiting"])])
def test_layers_beyond_the_lanes_of_a_kind_are_said_to_wait(lanes: int | None, waits: list[str]) -> None:
    stage = Stage()

    def moves(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.event(Planned("t", (Piece("a", size=2), Piece("b", size=2))))
        telling.event(Advanced("t", "a", State.MOVING, 1, 2))
        return {}

    stage.play(moves)
    stage.kinds["push"] = replace(stage.kinds["push"], lanes=lanes)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["Preparing", "Preparing", "Pushing", *waits, "complete"]
