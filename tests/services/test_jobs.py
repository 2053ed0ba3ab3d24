"""Jobs, for every door: who may see and change which, and what a start promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.errors import Cancelled, StorageFailed
from lading.services.access import Actor, Denied, NotLoggedIn, Permission
from lading.services.audit.audit import Result
from lading.services.audit.records import AuditEntry
from lading.services.jobs.idempotency import KeyUsed, RequestKey, body_digest
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.jobs.records import JobFilter
from lading.services.running.jobs import UNENDED_LIMIT, JobNotOver, JobsTooMany, JobUnknown
from lading.services.watching.view import job_json
from lading.wire.message import Cancel
from tests.fakes.jobs import ADMIN, ALICE, BOB, VIEWER, HandQueue, MemoryTrail, Stage, asked, nothing


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.play(nothing)
    return stage


def test_a_job_is_made_run_and_recorded(stage: Stage) -> None:
    job = stage.jobs.start(ALICE, asked())
    assert stage.jobs.get(ALICE, job.id).state is JobState.QUEUED
    stage.run()

    done = stage.jobs.get(ALICE, job.id)
    assert (done.state, done.run, done.owner_name) == (JobState.DONE, 1, "alice")
    assert done.result == {"status": "complete", "message": "nothing to do"}
    assert [line.data for line in stage.jobs.lines(ALICE, job.id, 0, 10)] == [done.result]
    assert stage.trail.kept == [("alice", "push", Result.STARTED), ("alice", "push", Result.DONE)]


def test_the_work_is_done_for_its_owner_as_things_stand_now(stage: Stage) -> None:
    work = stage.play(nothing)
    stage.jobs.start(ALICE, asked())
    stage.actors.known[ALICE.user] = Actor("alice")
    stage.run()

    assert work.actors == [Actor("alice", address=ALICE.address, request=ALICE.request)]


KEY = RequestKey.of("key", "POST", "/api/images/push", "env=1", body_digest(b'{"imageId": "a"}'))


def test_an_idempotency_key_makes_one_job(stage: Stage) -> None:
    """Whatever the fields became that the request was made into: it is the same request."""
    first = stage.jobs.start(ALICE, asked(image="a"), KEY)

    assert stage.jobs.start(ALICE, asked(image="a, which is elsewhere by now"), KEY).id == first.id
    assert stage.jobs.start(replace(ALICE, token=7), asked(image="a"), KEY).id == first.id
    assert stage.jobs.start(BOB, asked(image="a"), KEY).id != first.id
    with pytest.raises(KeyUsed):
        stage.jobs.start(ALICE, asked(image="a"), replace(KEY, digest="of another"))


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "same"),
    [
        ("POST", "/api/images/push", "env=1", b'{ "imageId" : "a" }', True),
        ("PUT", "/api/images/push", "env=1", b'{"imageId": "a"}', False),
        ("POST", "/api/images/pull", "env=1", b'{"imageId": "a"}', False),
        ("POST", "/api/images/push", "env=2", b'{"imageId": "a"}', False),
        ("POST", "/api/images/push", "", b'{"imageId": "a"}', False),
        ("POST", "/api/images/push", "env=1", b'{"imageId": "a", "dryRun": false}', False),
        ("POST", "/api/images/push", "env=1", b'{"imageId": "b"}', False),
        ("POST", "/api/images/push", "env=1", b"", False),
        ("POST", "/api/images/push", "env=1", b'{"imageId": "a"', False),
        ("POST", "/api/images/push", "env=1", b"[" * 100_000, False),
    ],
)
def test_what_makes_two_requests_the_same(method: str, path: str, query: str, body: bytes, same: bool) -> None:
    assert (RequestKey.of("key", method, path, query, body_digest(body)) == KEY) is same


def test_the_order_of_members_and_fields_makes_no_other_request() -> None:
    one = RequestKey.of("key", "POST", "/", "a=1&b=2", body_digest(b'{"x": 1, "y": {"a": 1, "b": 2}}'))

    assert one == RequestKey.of("key", "POST", "/", "b=2&a=1", body_digest(b'{"y": {"b": 2, "a": 1}, "x": 1}'))


def test_who_retries_must_be_allowed_what_is_repeated(stage: Stage) -> None:
    def admit(actor: Actor, fields: JsonObject) -> None:
        if actor.name != "alice":
            raise Denied(Permission.IMAGES_PUSH)

    stage.play(nothing, admit=admit)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    with pytest.raises(Denied):
        stage.jobs.retry(ADMIN, job.id)
    assert stage.jobs.retry(ALICE, job.id).id != job.id
    assert stage.jobs.page(ADMIN, JobFilter(), 0, 10).total == 2


def test_a_known_key_is_answered_however_many_jobs_wait(stage: Stage) -> None:
    first = stage.jobs.start(ALICE, asked(), KEY)
    for _ in range(UNENDED_LIMIT - 1):
        stage.jobs.start(ALICE, asked())

    assert stage.jobs.start(ALICE, asked(), KEY).id == first.id


def test_nobody_has_more_jobs_than_one_may(stage: Stage) -> None:
    for _ in range(UNENDED_LIMIT):
        stage.jobs.start(ALICE, asked())

    with pytest.raises(JobsTooMany):
        stage.jobs.start(ALICE, asked())
    stage.jobs.start(BOB, asked())


def test_what_cannot_be_recorded_is_not_begun() -> None:
    class FullTrail(MemoryTrail):
        def append(self, entry: AuditEntry) -> None:
            raise StorageFailed("full")

    stage = Stage(trail=FullTrail())
    work = stage.play(nothing)
    with pytest.raises(StorageFailed):
        stage.jobs.start(ALICE, asked())
    stage.run()

    assert not work.actors
    assert not stage.records.page(JobFilter(), 0, 9).jobs, "nothing is left that could be run without a record"


@pytest.mark.parametrize(
    ("actor", "sees", "changes"),
    [
        (ALICE, True, True),
        (ADMIN, True, True),
        (VIEWER, True, False),
        (BOB, False, False),
        (replace(ALICE, token=7, scopes=frozenset({"images:push"})), False, False),
        (replace(ALICE, token=7), True, True),
    ],
)
def test_a_job_is_its_owners_and_theirs_who_may(actor: Actor, sees: bool, changes: bool, stage: Stage) -> None:
    job = stage.jobs.start(ALICE, asked())

    assert allowed(lambda: stage.jobs.get(actor, job.id)) is sees
    assert allowed(lambda: stage.jobs.lines(actor, job.id, 0, 1)) is sees
    assert allowed(lambda: stage.jobs.follow(actor, job.id).close()) is sees
    assert allowed(lambda: stage.jobs.cancel(actor, job.id)) is changes
    stage.run()
    stage.jobs.cancel(ADMIN, job.id)
    stage.run()
    assert allowed(lambda: stage.jobs.retry(actor, job.id)) is changes
    denied = [result for name, _, result in stage.trail.kept if name == actor.name].count(Result.DENIED)
    assert denied == 3 * (not sees) + 2 * (not changes)


def test_a_scoped_token_owns_what_it_made(stage: Stage) -> None:
    token = replace(ALICE, token=7, scopes=frozenset({"images:push"}))
    mine, other = stage.jobs.start(token, asked()), stage.jobs.start(ALICE, asked())

    assert stage.jobs.get(token, mine.id).token == 7
    assert [job.id for job in stage.jobs.page(token, JobFilter(), 0, 9).jobs] == [mine.id]
    assert [job.id for job in stage.jobs.page(ALICE, JobFilter(), 0, 9).jobs] == [mine.id, other.id]


def test_a_list_shows_ones_own_jobs_or_all(stage: Stage) -> None:
    for actor in (ALICE, BOB, BOB):
        stage.jobs.start(actor, asked())

    assert stage.jobs.page(BOB, JobFilter(), 0, 9).total == 2
    assert stage.jobs.page(BOB, JobFilter(owner=ALICE.user), 0, 9).total == 2
    assert stage.jobs.page(VIEWER, JobFilter(), 0, 9).total == 3
    with pytest.raises(NotLoggedIn):
        stage.jobs.page(Actor("nobody"), JobFilter(), 0, 9)


def test_an_unknown_job_is_unknown(stage: Stage) -> None:
    for ask in (stage.jobs.get, stage.jobs.cancel, stage.jobs.retry, stage.jobs.follow):
        with pytest.raises(JobUnknown, match="Job not found"):
            ask(ALICE, "none")


def test_a_job_that_waits_is_cancelled_at_once(stage: Stage) -> None:
    work = stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    stage.jobs.cancel(ALICE, job.id)
    stage.run()

    cancelled = stage.jobs.get(ALICE, job.id)
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.result == {
        "status": "error",
        "error": "cancelled",
        "code": "cancelled",
        "side": "caller",
        "cause": "cancelled",
        "detail": "The work was asked to stop.",
    }
    assert not work.actors
    assert isinstance(stage.queue, HandQueue)
    assert not stage.queue.waiting
    assert [(action, result) for _, action, result in stage.trail.kept] == [
        ("push", Result.STARTED),
        ("cancel", Result.DONE),
        ("push", Result.CANCELLED),
    ]
    assert stage.jobs.cancel(ALICE, job.id) == cancelled


def test_a_job_of_another_process_is_cancelled_by_its_row(stage: Stage) -> None:
    """Its process finds out with the next line it writes."""
    job = stage.jobs.start(ALICE, asked())

    def cancelled_elsewhere(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.restarted().jobs.cancel(ALICE, job.id)
        telling.line({"status": "pushing"})
        stage.runner.writer.write()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(cancelled_elsewhere)
    stage.run()

    assert stage.jobs.get(ALICE, job.id).state is JobState.CANCELLED
    assert stage.statuses(job.id) == ["error"]


def test_running_it_again_makes_another_job(stage: Stage) -> None:
    job = stage.jobs.start(ALICE, asked(image="a"))
    with pytest.raises(JobNotOver):
        stage.jobs.retry(ALICE, job.id)
    stage.run()

    again = stage.jobs.retry(ADMIN, job.id)

    assert again.id != job.id
    assert (again.request, again.owner) == (job.request, ADMIN.user)


def test_the_view_of_a_job(stage: Stage) -> None:
    def pushed(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        return {"targetTag": "app"}

    stage.play(pushed)
    job = stage.jobs.start(ALICE, asked(environment=3))
    stage.run()
    done = stage.jobs.get(ALICE, job.id)
    view = job_json(done, stage.jobs.lines(ALICE, job.id, 0, 100))

    assert view == {
        "id": job.id,
        "kind": "push",
        "status": "done",
        "result": {"status": "complete", "targetTag": "app"},
        "createdAt": "2027-01-15T08:00:00.000Z",
        "updatedAt": "2027-01-15T08:00:00.000Z",
        "cursor": 2,
        "cancelable": False,
        "progress": {"totals": done.totals},
        "username": "alice",
        "environmentId": 3,
        "image": "app",
        "targets": [],
        "startedAt": "2027-01-15T08:00:00.000Z",
        "endedAt": "2027-01-15T08:00:00.000Z",
        "lines": [
            {"data": {"status": "pushing"}},
            {"event": "result", "data": {"status": "complete", "targetTag": "app"}},
        ],
    }
    assert "lines" not in job_json(done)


def allowed(ask: object) -> bool:
    assert callable(ask)
    try:
        ask()
    except Denied:
        return False
    except JobNotOver:
        return True
    except Cancelled:
        return True
    return True
