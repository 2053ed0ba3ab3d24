"""Equal jobs that share one run: each begins, is cancelled and ends for itself."""

from __future__ import annotations

from lading.services.access import LADING, Actor, Denied, Permission
from lading.services.audit.audit import Result
from lading.services.jobs.job import Job, JobState, JsonObject, Telling
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Piece, Planned, State
from tests.fakes.jobs import ALICE, BOB, Stage, asked, nothing


def test_equal_requests_share_one_run_and_end_each_for_itself() -> None:
    stage = Stage()
    work = stage.play(nothing)
    jobs = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    other = stage.jobs.start(ALICE, asked(sharing="else"))
    stage.run()

    assert len(work.actors) == 2
    for job in (*jobs, other):
        assert stage.statuses(job.id) == ["complete"]
    ends = [(name, result) for name, _, result in stage.trail.kept if result is Result.DONE]
    assert ends == [("alice", Result.DONE), ("bob", Result.DONE), ("alice", Result.DONE)]


def test_a_shared_run_goes_on_for_those_who_still_may() -> None:
    stage = Stage()

    def admit(actor: Actor, fields: JsonObject) -> None:
        if actor.name == "alice":
            raise Denied(Permission.IMAGES_PUSH)

    work = stage.play(nothing, admit=admit)
    first, second = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    stage.run()

    assert [actor.name for actor in work.actors] == ["bob"]
    assert stage.statuses(first.id) == ["error"]
    assert "Permission denied" in str(stage.jobs.get(ALICE, first.id).result)
    assert stage.statuses(second.id) == ["complete"]


def test_a_run_whose_first_job_was_cancelled_works_for_the_next() -> None:
    stage = Stage()
    work = stage.play(nothing)
    first, second = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    stage.jobs.cancel(ALICE, first.id)
    stage.run()

    assert [actor.name for actor in work.actors] == ["bob"]
    assert stage.statuses(second.id) == ["complete"]


def test_who_joins_late_is_told_where_things_stand() -> None:
    stage = Stage()
    joined: list[Job] = []

    def joined_by_bob(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        telling.event(Planned("t", (Piece("a", size=1), Piece("b", size=1))))
        telling.event(Advanced("t", "a", State.DONE, 1, 1))
        joined.append(stage.jobs.start(BOB, asked(sharing="same")))
        telling.event(Advanced("t", "b", State.DONE, 1, 1))
        return {}

    stage.play(joined_by_bob)
    stage.jobs.start(ALICE, asked(sharing="same"))
    stage.run()

    assert stage.statuses(joined[0].id) == ["pushing", "Pushed", "Preparing", "Pushed", "complete"]
    assert stage.jobs.get(BOB, joined[0].id).run == 1


def test_cancelling_one_leaves_the_others() -> None:
    stage = Stage()
    jobs: list[Job] = []

    def cancelled_by_alice(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.jobs.cancel(ALICE, jobs[0].id)
        cancel.check()
        telling.line({"status": "pushing"})
        return {}

    stage.play(cancelled_by_alice)
    jobs.extend(stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB))
    stage.run()

    assert [stage.statuses(job.id) for job in jobs] == [["error"], ["pushing", "complete"]]
    assert [stage.jobs.get(LADING, job.id).state for job in jobs] == [JobState.CANCELLED, JobState.DONE]


def test_the_run_is_cancelled_when_nobody_is_left_and_takes_nobody_in_any_more() -> None:
    stage = Stage()
    jobs: list[Job] = []

    def cancelled_by_both(telling: Telling, cancel: Cancel) -> JsonObject:
        for actor, job in zip((ALICE, BOB), tuple(jobs), strict=True):
            stage.jobs.cancel(actor, job.id)
        stage.play(nothing)
        jobs.append(stage.jobs.start(ALICE, asked(sharing="same")))
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(cancelled_by_both)
    jobs.extend(stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB))
    stage.run()
    stage.run()

    states = [stage.jobs.get(LADING, job.id).state for job in jobs]
    assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.DONE]


def test_work_that_was_done_before_it_noticed_the_cancel_is_done() -> None:
    stage = Stage()
    jobs: list[Job] = []

    def cancelled_too_late(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.jobs.cancel(ALICE, jobs[0].id)
        return {}

    stage.play(cancelled_too_late)
    jobs.append(stage.jobs.start(ALICE, asked()))
    stage.run()

    assert stage.jobs.get(ALICE, jobs[0].id).state is JobState.DONE


def test_nothing_stays_in_memory_of_what_has_ended() -> None:
    stage = Stage()
    stage.play(nothing)
    for _ in range(3):
        stage.jobs.start(ALICE, asked(sharing="same"))
    stage.run()

    assert not stage.runner.held()
    assert stage.runner.find("job-1") is None
    assert stage.runner.feeds.find("job-1") is None


def test_a_question_that_nobody_foresaw_ends_its_job_and_not_the_others() -> None:
    stage = Stage()

    def admit(actor: Actor, fields: JsonObject) -> None:
        if actor.name == "alice":
            raise KeyError("environment")

    stage.play(nothing, admit=admit)
    first, second = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    stage.run()

    assert stage.statuses(first.id) == ["error"]
    assert stage.statuses(second.id) == ["complete"]
