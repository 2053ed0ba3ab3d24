"""The board of jobs: what is told to whom, and that nothing is told twice, or missing for who is slow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any  # fields of a job, which each test knows

from lading.services.access import Actor, Grant
from lading.services.jobs.job import Job, JobState
from lading.services.jobs.sight import JobSight
from lading.services.watching.board import KEPT_SECONDS, SNAPSHOT_JOBS, Board
from lading.services.watching.looks import Looked
from lading.wire.job_board_stream import JobText
from tests.fakes.jobs import ADMIN, ALICE, BOB, asked

EVERYBODY = JobSight.of(ADMIN)


def job(id: str, owner: int = 1, environment: int | None = None, **fields: Any) -> Job:  # noqa: A002
    row = Job(id, asked(environment=environment), owner, "ada", JobState.RUNNING, 1, 0.0, 0.0, 0)
    return replace(row, **fields)


def looked(row: Job, sent: int = 0) -> Looked:
    text = JobText.of(row.id, {"id": row.id, "status": row.state.value}, {"totals": {"sent": sent}})
    return Looked(row, (row.state,), text, 0)


def told(text: bytes | None) -> list[tuple[str, dict[str, Any]]]:
    """The events of a text."""
    assert text is not None
    events = [event.splitlines() for event in text.decode().split("\n\n") if event]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]


def names(text: bytes | None) -> list[tuple[str, object]]:
    return [(name, event.get("id")) for name, event in told(text)]


def test_a_snapshot_shows_what_waits_or_runs_those_that_run_first() -> None:
    board = Board()
    waits = job("waits", state=JobState.QUEUED, created=1.0)
    board.post([looked(waits), looked(job("late", created=3.0)), looked(job("early", created=2.0))], 0.0)
    board.post([looked(job("over", state=JobState.DONE))], 0.0)

    ((name, shown),) = told(board.view(EVERYBODY).snapshot())

    assert name == "snapshot"
    assert [each["id"] for each in shown["jobs"]] == ["early", "late", "waits"]
    assert shown["more"] == 0


def test_a_snapshot_is_bounded() -> None:
    board = Board()
    board.post([looked(job(f"{number:04}")) for number in range(SNAPSHOT_JOBS + 7)], 0.0)

    ((_, shown),) = told(board.view(EVERYBODY).snapshot())

    assert (len(shown["jobs"]), shown["more"]) == (SNAPSHOT_JOBS, 7)


def test_a_change_of_state_is_a_job_event_and_a_byte_count_a_tick() -> None:
    board = Board()
    view = board.view(EVERYBODY)
    board.post([looked(job("a"))], 0.0)
    board.post([looked(job("a"), sent=5)], 0.0)
    ticked = view.since(1)
    board.post([looked(job("a", state=JobState.DONE), sent=5)], 0.0)

    assert names(view.since(0)) == [("job", "a")]
    assert told(ticked) == [("tick", {"id": "a", "progress": {"totals": {"sent": 5}}})]
    assert told(view.since(2)) == [("job", {"id": "a", "status": "done", "progress": {"totals": {"sent": 5}}})]
    assert view.since(3) == b""


def test_what_is_the_same_as_before_is_no_news() -> None:
    board = Board()
    assert board.post([looked(job("a"))], 0.0)

    assert not board.post([looked(job("a"))], 0.0)
    assert board.posts == 1


def test_one_who_is_slow_is_told_the_newest_of_each_once() -> None:
    board = Board()
    view = board.view(EVERYBODY)
    board.post([looked(job("a")), looked(job("b", state=JobState.QUEUED, run=0))], 0.0)
    for sent in range(1, 100):
        board.post([looked(job("a"), sent)], 0.0)
    board.post([looked(job("b"))], 0.0)
    board.post([looked(job("b", state=JobState.ERROR))], 0.0)

    events = dict(told(view.since(1)))

    assert events["tick"] == {"id": "a", "progress": {"totals": {"sent": 99}}}
    assert events["job"]["status"] == "error"
    assert len(told(view.since(1))) == 2


def test_an_end_is_told_for_a_while_and_then_who_has_not_heard_is_too_far_behind() -> None:
    board = Board()
    view = board.view(EVERYBODY)
    board.post([looked(job("a"))], 0.0)
    board.post([looked(job("a", state=JobState.DONE))], 1.0)
    board.post([looked(job("b"))], 1.0 + KEPT_SECONDS)

    assert view.since(1) is None
    assert names(view.since(2)) == [("job", "b")]
    assert set(board.posted) == {"b"}


def test_nothing_comes_after_an_end_nor_of_an_earlier_run() -> None:
    board = Board()
    board.post([looked(job("a", state=JobState.DONE)), looked(job("b", run=2))], 0.0)

    assert not board.post([looked(job("a")), looked(job("b", state=JobState.QUEUED))], 0.0)


def test_each_sees_what_it_may() -> None:
    board = Board()
    somewhere = Actor("eve", (Grant(frozenset({"jobs:view"}), frozenset({7})),), user=9)
    rows = [job("hers", 1), job("his", 2), job("there", 2, 7)]
    views = {actor.name: board.view(JobSight.of(actor)) for actor in (ALICE, BOB, ADMIN, somewhere)}
    board.post([looked(row) for row in rows], 0.0)

    assert {name: sorted(str(job) for _, job in names(view.since(0))) for name, view in views.items()} == {
        "alice": ["hers"],
        "bob": ["his", "there"],
        "admin": ["hers", "his", "there"],
        "eve": ["there"],
    }


def test_a_token_with_scopes_sees_what_it_made() -> None:
    narrow = replace(ALICE, token=5, scopes=frozenset({"images:push"}))

    assert JobSight.of(narrow).sees(job("a", token=5))
    assert not JobSight.of(narrow).sees(job("a", token=6))
    assert JobSight.of(replace(ALICE, token=5)).sees(job("a", token=6))


def test_all_with_the_same_sight_are_told_the_very_same_bytes() -> None:
    board = Board()
    one, other = board.view(EVERYBODY), board.view(JobSight.of(ADMIN))
    board.post([looked(job("a"))], 0.0)

    assert one is other
    assert one.since(0) is other.since(0)
    assert one.snapshot() is other.snapshot()
    board.leave(one)
    assert board.view(EVERYBODY) is one
