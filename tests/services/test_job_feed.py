"""Following a job: live, late, slow, after its end, and from another process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest

from lading.services.jobs.job import UNREADABLE, Job, JobState, JsonObject, Line, Telling
from lading.services.running.feed import KEPT_LINES
from lading.services.running.follower import Follower
from lading.services.running.reading import LineTold, Told
from lading.wire.event_stream import line_text
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Piece, Planned, State
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, Stage, asked, nothing, read_all

Found = TypeVar("Found")

PIECE = Planned("t", (Piece("a", size=1000),))
END = line_text(1, {"status": "complete", "message": "nothing to do"}, terminal=True)


def moving(current: int) -> Advanced:
    return Advanced("t", "a", State.MOVING, current, 1000)


def during(stage: Stage, act: Callable[[Telling], None]) -> str:
    """The id of a job in whose run `act` happens; it has ended when this returns."""

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        act(telling)
        return {}

    stage.play(work)
    job = stage.jobs.start(ALICE, asked())
    stage.run()
    return job.id


def test_a_follower_is_told_what_is_durable_and_nothing_before() -> None:
    stage = Stage()
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    follower = stage.jobs.follow(ALICE, job.id)
    woken: list[str] = []
    stage.runner.feeds.subscribe(woken.append)

    opening = follower.read()
    assert opening.text.startswith(b"event: snapshot\n")
    assert b'"status":"queued"' in opening.text
    stage.run()

    assert woken == [job.id]
    end = follower.read()
    assert (end.text, end.ended) == (END, True)
    follower.close()
    follower.close()
    assert follower.read().ended


def test_nobody_is_woken_for_a_job_that_nobody_follows() -> None:
    stage = Stage()
    woken: list[str] = []
    unsubscribe = stage.runner.feeds.subscribe(woken.append)
    during(stage, lambda telling: telling.event(PIECE))
    assert not woken

    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    stage.jobs.follow(ALICE, job.id)
    unsubscribe()
    stage.run()
    assert not woken


def test_a_subscriber_that_fails_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(job: str) -> None:
        raise KeyError(job)

    stage = Stage()
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    follower = stage.jobs.follow(ALICE, job.id)
    stage.runner.feeds.subscribe(broken)
    stage.run()

    assert read_all(follower).endswith(END)
    assert "a subscriber to jobs failed" in caplog.text


def test_ticks_are_made_for_those_who_watch_and_the_last_is_enough() -> None:
    stage = Stage()
    followers: list[Follower] = []
    texts: list[bytes] = []

    def act(telling: Telling) -> None:
        telling.event(PIECE)
        telling.event(moving(1))
        job = next(iter(stage.runner.held()))
        followers.extend(stage.jobs.follow(ALICE, job, ticks=ticks) for ticks in (True, False))
        for follower in followers:
            assert b'"layers":[{' in follower.read().text
        for current in range(2, 12):
            stage.clock.advance(0.13)
            telling.event(moving(current))
        texts.extend(follower.read().text for follower in followers)

    during(stage, act)

    assert texts[1] == b""
    # Five a second: those at 0.13, 0.39, 0.65, 0.78, 1.04 and 1.17 s; a late one does not put off the next.
    assert texts[0].count(b"event: tick\n") == 1
    assert b'"current":10,' in texts[0]
    for follower in followers:
        assert follower.read().text.count(b"event: result\n") == 1


def test_a_late_follower_gets_the_snapshot_and_every_line() -> None:
    stage = Stage()
    texts: list[bytes] = []

    def act(telling: Telling) -> None:
        telling.line({"status": "pushing"})
        telling.event(PIECE)
        telling.event(moving(7))
        stage.runner.writer.write()
        job = next(iter(stage.runner.held()))
        texts.append(read_all(stage.jobs.follow(ALICE, job)))
        texts.append(read_all(stage.jobs.follow(ALICE, job, after=2)))

    during(stage, act)

    assert b'"sent":7' in texts[0].split(b"\n\n")[0]
    assert [texts[0].count(b"event: data\nid: %d\n" % number) for number in (1, 2, 3)] == [1, 1, 1]
    assert [texts[1].count(b"event: data\nid: %d\n" % number) for number in (1, 2, 3)] == [0, 0, 1]


def test_a_follower_far_behind_reads_the_records_and_misses_nothing() -> None:
    stage = Stage()
    texts: list[bytes] = []
    count = KEPT_LINES + 150

    def act(telling: Telling) -> None:
        for number in range(count):
            telling.line({"status": "pushing", "number": number})
        stage.runner.writer.write()
        texts.append(read_all(stage.jobs.follow(ALICE, next(iter(stage.runner.held())))))

    during(stage, act)

    ids = [int(line[4:]) for line in texts[0].split(b"\n") if line.startswith(b"id: ")]
    assert ids == list(range(1, count + 1))


def test_a_job_that_has_ended_is_read_from_the_records_and_then_gone() -> None:
    stage = Stage()
    job = during(stage, lambda telling: telling.line({"status": "pushing"}))

    follower = stage.jobs.follow(ALICE, job)
    assert not follower.gone
    text = read_all(follower)
    assert b'"status":"done"' in text.split(b"\n\n")[0]
    assert text.count(b"event: result\n") == 1
    assert follower.cursor == 2

    assert not stage.jobs.follow(ALICE, job, after=1).gone
    assert stage.jobs.follow(ALICE, job, after=2).gone
    assert stage.jobs.follow(ALICE, job, after=99).gone


def test_a_job_that_was_dropped_meanwhile_ends_its_followers() -> None:
    stage = Stage()
    follower = stage.jobs.follow(ALICE, during(stage, lambda _: None))
    stage.records.forget(stage.clock.now + 1, 10)
    follower.read()
    assert follower.read().behind

    assert follower.catch_up().ended


class _Damaged(MemoryJobRecords):
    """The last line of a job is `last`, None: it is gone. So is what the row says of its end, where they are forgetful.
    Nobody asks for lines for ever."""

    last: JsonObject | None = None
    forgetful = damaged = False
    asked = 0

    def find(self, job: str) -> Job | None:
        found = super().find(job)
        return replace(found, result=None) if found is not None and self.forgetful else found

    def lines(self, job: str, after: int, limit: int) -> Sequence[Line]:
        self.asked += 1
        assert self.asked < 9, "it looks for the line for ever"
        found = super().lines(job, after, limit)
        if not self.damaged or not found:
            return found
        *others, end = found
        return others if self.last is None else [*others, replace(end, data=self.last)]


@pytest.mark.parametrize("last", [None, UNREADABLE])
@pytest.mark.parametrize("lost", [False, True])
def test_a_job_whose_last_line_is_damaged_ends_for_who_follows_it(last: JsonObject | None, *, lost: bool) -> None:
    """By what the job's row says of its end; where that is lost too, by one error."""
    records = _Damaged()
    stage = Stage(records=records)
    job = during(stage, lambda telling: telling.line({"status": "pushing"}))
    records.last, records.forgetful, records.damaged = last, lost, True

    follower = stage.jobs.follow(ALICE, job)
    follower.read()
    told = list[Told]()
    while not (reading := follower.read()).ended and not (reading := follower.catch_up()).ended:
        told += reading.all
    told += reading.all

    assert [each.terminal for each in told if isinstance(each, LineTold)] == [False, True]
    assert told[0].told == {"status": "pushing"}
    said = told[1].told
    assert said.get("error") == ("how this job ended cannot be read any more" if lost else None)
    assert said["status"] == ("error" if lost else "complete")
    assert stage.jobs.follow(ALICE, job, after=follower.cursor).gone


def test_a_job_of_another_process_is_followed_by_its_records() -> None:
    here = Stage()
    there = here.restarted()
    followers: list[Follower] = []
    woken: list[str] = []
    there.runner.feeds.subscribe(woken.append)
    with here.wakes.listening(there.runner.woken):
        job = follow_from_elsewhere(here, there, followers)

    assert woken == [job, job]
    assert b"event: result\n" in read_all(followers[0])
    there.runner.woken(None)
    assert woken == [job, job, job]
    followers[0].close()
    there.runner.woken(None)
    there.runner.woken("audit")
    assert woken == [job, job, job]


def test_an_end_that_nobody_told_of_is_found_by_whoever_doubts() -> None:
    """The process that wrote it was killed before it could say so."""
    here = Stage()
    there = here.restarted()
    followers: list[Follower] = []
    follow_from_elsewhere(here, there, followers, told=False)

    assert not followers[0].read().behind
    followers[0].doubt()
    assert b"event: result\n" in read_all(followers[0])


class _Meanwhile(MemoryJobRecords):
    """`happens` does, once, behind the first question of whoever reads."""

    happens: Callable[[], object] | None = None

    def find(self, job: str) -> Job | None:
        return self._answered(super().find(job))

    def lines(self, job: str, after: int, limit: int) -> Sequence[Line]:
        return self._answered(super().lines(job, after, limit))

    def _answered(self, found: Found) -> Found:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return found


def test_an_end_that_comes_while_records_are_read_is_told_as_the_end() -> None:
    """Else whoever follows from elsewhere had it as a line among others, and was never told that it was the last."""
    records = _Meanwhile()
    here = Stage(records=records)
    there = here.restarted()
    here.play(nothing)
    follower = there.jobs.follow(ALICE, here.jobs.start(ALICE, asked()).id)
    read_all(follower)

    follower.doubt()
    records.happens = here.run
    text = read_all(follower) + read_all(follower)

    assert text == END
    assert follower.read().ended or follower.catch_up().ended


def follow_from_elsewhere(here: Stage, there: Stage, followers: list[Follower], *, told: bool = True) -> str:
    """A job of `here`, followed from `there`, which hears of it where it is `told`."""

    def act(telling: Telling) -> None:
        job = next(iter(here.runner.held()))
        followers.append(there.jobs.follow(ALICE, job))
        assert b"id: 1\n" not in read_all(followers[0])
        assert not followers[0].read().behind
        telling.line({"status": "pushing"})
        here.runner.writer.write()
        assert (b"id: 1\n" in read_all(followers[0])) is told

    job = during(here, act)
    assert here.jobs.get(ALICE, job).state is JobState.DONE  # else what was asserted in it was not so
    return job


def test_followers_are_sent_away_when_their_job_goes_elsewhere() -> None:
    stage = Stage()
    stage.play(nothing, resumes=True)
    followers: list[Follower] = []

    def stopped(telling: Telling, cancel: Cancel) -> JsonObject:
        followers.append(stage.jobs.follow(ALICE, "job-1"))
        stage.runner.stop(0)
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(stopped, resumes=True)
    stage.jobs.start(ALICE, asked())
    stage.run()

    followers[0].read()
    assert followers[0].read().ended
    assert stage.jobs.get(ALICE, "job-1").state is JobState.QUEUED


def test_whoever_waited_elsewhere_is_sent_to_where_the_job_runs_now() -> None:
    stage = Stage()
    stage.play(nothing)
    waiting = stage.jobs.start(ALICE, asked())
    other = stage.restarted()
    follower = other.jobs.follow(ALICE, waiting.id)
    read_all(follower)
    other.runner.recover(0)

    assert follower.read().ended


def test_who_follows_is_sent_away_when_the_process_ends() -> None:
    stage = Stage()
    stage.play(nothing)
    waiting, elsewhere = stage.jobs.start(ALICE, asked()), stage.jobs.start(ALICE, asked())
    other = stage.restarted()
    followers = [stage.jobs.follow(ALICE, waiting.id), other.jobs.follow(ALICE, elsewhere.id)]
    for follower in followers:
        follower.read()

    stage.runner.stop(0)
    other.runner.stop(0)

    assert all(follower.read().ended for follower in followers)
    for follower in followers:
        follower.close()


def test_who_stands_at_the_same_place_is_given_the_same_text() -> None:
    stage = Stage()
    texts: list[list[bytes]] = []

    def act(telling: Telling) -> None:
        job = next(iter(stage.runner.held()))
        early = [stage.jobs.follow(ALICE, job) for _ in range(2)]
        for follower in early:
            follower.read()
        telling.line({"status": "one"})
        stage.runner.writer.write()
        late = stage.jobs.follow(ALICE, job, 1)
        late.read()
        telling.line({"status": "two"})
        stage.runner.writer.write()
        texts.extend([follower.read().text for _ in range(2)] for follower in (*early, late))
        for follower in (*early, late):
            follower.close()

    during(stage, act)
    (first, nothing_more), again, (late, _) = texts

    assert first == line_text(1, {"status": "one"}, terminal=False) + line_text(2, {"status": "two"}, terminal=False)
    assert first is again[0]
    assert late == line_text(2, {"status": "two"}, terminal=False)
    assert nothing_more == b""


def test_who_has_words_of_his_own_reads_objects() -> None:
    stage = Stage()
    read: list[object] = []

    def act(telling: Telling) -> None:
        telling.event(PIECE)
        telling.event(moving(1))
        telling.event(moving(500))
        stage.runner.writer.write()
        while (reading := follower.read()).all:
            read.extend(each.told for each in reading.all)

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        act(telling)
        return {"message": "done"}

    stage.play(work)
    job = stage.jobs.start(ALICE, asked())
    follower = stage.jobs.follow(ALICE, job.id)
    stage.run()
    reading = follower.read()
    follower.close()

    snapshot, planned, moved, tick = read
    assert isinstance(snapshot, dict)
    assert isinstance(planned, dict)
    assert isinstance(moved, dict)
    assert isinstance(tick, dict)
    assert snapshot["status"] == "queued"
    assert (planned["status"], moved["status"]) == ("Preparing", "Pushing")
    assert [layer["progressDetail"] for layer in tick["layers"]] == [{"current": 1, "total": 1000}]
    last = reading.all[-1]
    assert isinstance(last, LineTold)
    assert (last.terminal, last.told) == (True, {"status": "complete", "message": "done"})
    assert reading.text == last.encoded()
