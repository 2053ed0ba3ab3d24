"""Following all jobs on the event loop: what is told, to whom, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lading.errors import LadingError, StorageFailed
from lading.fronts.rest_api.board_follower import Viewer
from lading.fronts.rest_api.board_streams import STREAMS_OF_ONE, BoardStreams, StreamsTooMany
from lading.fronts.rest_api.followed_lines import FollowedLines
from lading.services.access import Actor, NotLoggedIn
from lading.services.jobs.job import JsonObject, Telling
from lading.services.jobs.sight import JobSight
from lading.services.running.follower import Follower
from lading.services.watching.looks import JobLooks, Looked
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Held, Piece, Planned, State
from tests.fakes.jobs import ADMIN, ALICE, BOB, BOUND_SECONDS, Stage, asked, nothing

Json = dict[str, Any]
"""What a test knows of an event."""

LAYER = "sha256:" + 64 * "a"


@dataclass
class Door:
    """Who follows: it may look as long as nobody says otherwise."""

    stage: Stage
    actor: Actor = ADMIN
    wanted: Mapping[str, int] = field(default_factory=dict)
    refusal: LadingError | None = None

    def viewer(self) -> Viewer:
        return Viewer(JobSight.of(self.actor), self.ask, self.follow, FollowedLines(self.wanted))

    def ask(self) -> JobSight:
        if self.refusal is not None:
            raise self.refusal
        return JobSight.of(self.actor)

    def follow(self, job: str, after: int) -> Follower:
        return self.stage.jobs.follow(self.actor, job, after, ticks=False)


class Told:
    """Reads a stream event by event."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream, self._left = stream, b""

    async def __call__(self) -> tuple[str, Json]:
        """The next event; raises StopAsyncIteration where there is none any more."""
        async with asyncio.timeout(BOUND_SECONDS):
            while b"\n\n" not in self._left:
                self._left += await anext(self._stream)
        event, _, self._left = self._left.partition(b"\n\n")
        name, data = event.decode().split("\n")
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    async def until(self, what: Callable[[str, Json], bool]) -> tuple[str, Json]:
        """The first event that is this."""
        while True:
            name, data = await self()
            if what(name, data):
                return name, data


@asynccontextmanager
async def following(streams: BoardStreams, door: Door) -> AsyncIterator[Told]:
    async with aclosing(streams.follow(door.viewer())) as stream:
        yield Told(stream)


@asynccontextmanager
async def opened(stage: Stage) -> AsyncIterator[BoardStreams]:
    streams = BoardStreams(stage.runner.feeds, JobLooks(stage.runner, stage.records))
    try:
        yield streams
    finally:
        streams.close()


def test_a_job_is_told_from_its_coming_to_its_end() -> None:
    stage = Stage()
    stage.play(nothing)

    async def heard() -> list[tuple[str, object, object]]:
        async with opened(stage) as streams, following(streams, Door(stage)) as told:
            assert await told() == ("snapshot", {"jobs": [], "more": 0})
            job = stage.jobs.start(ALICE, asked()).id
            first = await told()
            await asyncio.to_thread(stage.run)
            last = await told.until(lambda name, data: data["status"] == "done")
            assert job == first[1]["id"] == last[1]["id"]
            return [(name, data["status"], data.get("waiting")) for name, data in (first, last)]

    assert asyncio.run(heard()) == [("job", "queued", "queue"), ("job", "done", None)]


def test_progress_is_told_in_ticks_that_hold_all_that_moves() -> None:
    stage = Stage()

    async def heard() -> Json:
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def work(telling: Telling, cancel: Cancel) -> JsonObject:
            telling.event(Planned("t", (Piece(LAYER, size=10),)))
            telling.event(Advanced("t", LAYER, State.MOVING, 4, 10))
            asyncio.run_coroutine_threadsafe(over.wait(), loop).result(BOUND_SECONDS)
            return {}

        stage.play(work)
        async with opened(stage) as streams, following(streams, Door(stage)) as told:
            await told()
            job = stage.jobs.start(ALICE, asked()).id
            run = asyncio.create_task(asyncio.to_thread(stage.run))

            def moved(name: str, data: Json) -> bool:
                return name != "snapshot" and bool(data["progress"]["layers"])

            _, data = await told.until(moved)
            over.set()
            await run
            assert data["id"] == job
            return dict(data["progress"])

    assert asyncio.run(heard()) == {
        "totals": {"image": 10, "sent": 4, "kept": 0, "exists": 0, "mounted": 0, "left": 6},
        "layers": [{"id": "a" * 12, "status": "Pushing", "progressDetail": {"current": 4, "total": 10}}],
    }


def test_a_rate_limit_is_a_reason_to_wait() -> None:
    stage = Stage()

    async def heard() -> tuple[object, object]:
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def work(telling: Telling, cancel: Cancel) -> JsonObject:
            telling.event(Held("hub.example", "60 s for too many requests", stage.clock() + 60))
            asyncio.run_coroutine_threadsafe(over.wait(), loop).result(BOUND_SECONDS)
            return {}

        stage.play(work)
        async with opened(stage) as streams, following(streams, Door(stage)) as told:
            await told()
            stage.jobs.start(ALICE, asked())
            run = asyncio.create_task(asyncio.to_thread(stage.run))
            _, data = await told.until(lambda name, data: str(data.get("waiting", "")).startswith("rate limit"))
            over.set()
            await run
            return data["waiting"], data["waitingUntil"]

    assert asyncio.run(heard()) == ("rate limit of hub.example", "2027-01-15T08:01:00.000Z")


def test_who_may_not_see_a_job_is_not_told() -> None:
    stage = Stage()

    async def heard() -> bool:
        async with opened(stage) as streams, following(streams, Door(stage, BOB)) as told:
            await told()
            stage.jobs.start(ALICE, asked())
            his = stage.jobs.start(BOB, asked()).id
            return bool((await told())[1]["id"] == his)

    assert asyncio.run(heard())


def test_one_who_is_switched_off_is_sent_away_at_once() -> None:
    stage = Stage()

    async def heard() -> bool:
        async with opened(stage) as streams:
            door = Door(stage)
            async with following(streams, door) as told:
                await told()
                rest = asyncio.ensure_future(told())
                await asyncio.sleep(0)
                assert streams.followed
                door.refusal = NotLoggedIn()
                streams.doubt()
                with pytest.raises(StopAsyncIteration):
                    await rest
            return streams.followed

    assert asyncio.run(heard()) is False


def test_jobs_that_become_invisible_stop() -> None:
    stage = Stage()
    stage.jobs.start(ALICE, asked())

    async def heard() -> list[object]:
        async with opened(stage) as streams:
            door = Door(stage)
            async with following(streams, door) as told:
                before = await told()
                door.actor = BOB
                streams.doubt()
                after = await told()
                return [len(before[1]["jobs"]), *after]

    assert asyncio.run(heard()) == [1, "snapshot", {"jobs": [], "more": 0}]


def test_lines_come_from_the_first_on_or_after_one_that_is_there() -> None:
    stage = Stage()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        for number in range(3):
            telling.line({"status": f"line {number}"})
        return {}

    stage.play(work)
    job = stage.jobs.start(ALICE, asked()).id
    stage.run()

    async def lines(door: Door) -> list[tuple[str, Json]]:
        async with opened(stage) as streams, following(streams, door) as told:
            await told()
            return [await told() for _ in door.wanted]

    whole = asyncio.run(lines(Door(stage, ALICE, {job: 0, "none": 0})))
    rest = asyncio.run(lines(Door(stage, ALICE, {job: 3})))
    foreign = asyncio.run(lines(Door(stage, BOB, {job: 0})))

    assert ("gone", {"id": "none", "error": "Job not found", "code": "not_found"}) in whole
    (_, told), (_, last) = next(each for each in whole if each[0] == "lines"), rest[0]
    assert (told["after"], told["cursor"], len(told["lines"])) == (0, 4, 4)
    assert last == {"id": job, "after": 3, "cursor": 4, "lines": [{"event": "result", "data": {"status": "complete"}}]}
    assert foreign == [("gone", {"id": job, "error": "Permission denied", "code": "denied"})]


def test_lines_go_on_as_they_are_said() -> None:
    stage = Stage()
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked()).id

    async def heard() -> Json:
        async with opened(stage) as streams, following(streams, Door(stage, ALICE, {job: 0})) as told:
            await told()
            await asyncio.to_thread(stage.run)
            return (await told.until(lambda name, data: name == "lines"))[1]

    assert asyncio.run(heard())["lines"] == [
        {"event": "result", "data": {"status": "complete", "message": "nothing to do"}}
    ]


class Pen:
    """An answer that can be written to while `free`."""

    def __init__(self, *, free: bool) -> None:
        self.free, self.sent = free, b""

    def write(self, text: bytes) -> None:
        self.sent += text


@pytest.mark.parametrize("free", [True, False])
def test_who_keeps_up_is_written_to_directly_and_nobody_is_told_twice(free: bool) -> None:
    stage, pen = Stage(), Pen(free=free)
    stage.play(nothing)

    async def heard() -> bytes:
        text = b""
        async with opened(stage) as streams, aclosing(streams.follow(Door(stage).viewer(), pen)) as stream:
            text += await anext(stream)
            rest = asyncio.ensure_future(anext(stream))
            while not any(each.resting for each in streams._followers):
                await asyncio.sleep(0)
            stage.jobs.start(ALICE, asked())
            async with asyncio.timeout(BOUND_SECONDS):
                while not (pen.sent or rest.done()):
                    await asyncio.sleep(0)
            if rest.done():
                text += rest.result()
            rest.cancel()
            await asyncio.gather(rest, return_exceptions=True)
        return text + pen.sent

    text = asyncio.run(heard())

    assert bool(pen.sent) is free
    assert text.count(b"event: job\n") == 1


def test_nobody_has_too_many_streams() -> None:
    stage = Stage()

    async def refused() -> None:
        async with opened(stage) as streams:
            held = [streams.follow(Door(stage, ALICE).viewer()) for _ in range(STREAMS_OF_ONE)]
            for each in held:
                await anext(each)
            streams.admit(JobSight.of(BOB))
            with pytest.raises(StreamsTooMany, match="100 of your streams"):
                streams.admit(JobSight.of(ALICE))
            for each in held:
                await each.aclose()

    asyncio.run(refused())


def test_a_server_that_stops_sends_everybody_away() -> None:
    stage = Stage()

    async def heard() -> bool:
        async with opened(stage) as streams, following(streams, Door(stage)) as told:
            await told()
            rest = asyncio.ensure_future(told())
            await asyncio.sleep(0)
            stage.runner.feeds.abandon()
            with pytest.raises(StopAsyncIteration):
                await rest
            return stage.runner.feeds.over

    assert asyncio.run(heard())


class Refusing(JobLooks):
    """A database that is away for a while."""

    away = 0

    def these(self, jobs: Collection[str]) -> Sequence[Looked]:
        if jobs and self.away:
            self.away -= 1
            raise DatabaseAway
        return super().these(jobs)


class DatabaseAway(StorageFailed):
    def __str__(self) -> str:
        return "the database is away"


def test_a_database_that_comes_back_is_asked_again() -> None:
    stage = Stage()
    stage.play(nothing)

    async def heard() -> object:
        looks = Refusing(stage.runner, stage.records)
        streams = BoardStreams(stage.runner.feeds, looks, again_seconds=0.0)
        async with following(streams, Door(stage)) as told:
            await told()
            looks.away = 2
            stage.jobs.start(ALICE, asked())
            await asyncio.to_thread(stage.run)
            last = await told.until(lambda name, data: data["status"] == "done")
        streams.close()
        return last[0]

    assert asyncio.run(heard()) == "job"


def test_who_comes_while_the_database_is_away_is_sent_away() -> None:
    stage = Stage()

    class Away(JobLooks):
        def active(self) -> Sequence[Looked]:
            raise DatabaseAway

    async def heard() -> list[bytes]:
        streams = BoardStreams(stage.runner.feeds, Away(stage.runner, stage.records))
        heard = [text async for text in streams.follow(Door(stage).viewer())]
        streams.close()
        return heard

    assert asyncio.run(heard()) == []


def test_what_another_process_does_is_told() -> None:
    """Two processes over the same rows: one is followed, the other makes the job and does it."""
    here = Stage()
    there = here.restarted()
    there.play(nothing)

    async def heard() -> list[object]:
        with here.wakes.listening(here.runner.woken):
            async with opened(here) as streams, following(streams, Door(here)) as told:
                await told()
                there.jobs.start(ALICE, asked())
                first = await told()
                await asyncio.to_thread(there.run)
                last = await told.until(lambda name, data: data.get("status") == "done")
                return [first[1]["status"], last[0]]

    assert asyncio.run(heard()) == ["queued", "job"]


def test_what_nobody_was_woken_for_is_seen_all_the_same() -> None:
    """Another process wrote of a job, and nobody was told: a wake-up is no promise."""
    here = Stage()
    there = here.restarted()
    there.play(nothing)

    async def heard() -> list[object]:
        looks = JobLooks(here.runner, here.records)
        streams = BoardStreams(here.runner.feeds, looks, anyway_seconds=0.01)
        try:
            async with following(streams, Door(here)) as told:
                await told()
                there.jobs.start(ALICE, asked())
                first = await told()
                await asyncio.to_thread(there.run)
                last = await told.until(lambda name, data: data.get("status") == "done")
                return [first[1]["status"], last[0]]
        finally:
            streams.close()

    assert asyncio.run(heard()) == ["queued", "job"]


def test_lines_that_nobody_was_woken_for_are_read_once_that_is_doubted() -> None:
    here = Stage()
    there = here.restarted()
    there.play(nothing)
    job = there.jobs.start(ALICE, asked()).id
    lines = FollowedLines({job: 0})
    lines.open(Door(here).follow)
    assert (lines.read(), lines.catch_up()) == (b"", b"")  # the snapshot is the board's own

    there.run()
    assert (lines.read(), lines.behind) == (b"", False)
    lines.doubt()

    assert (lines.read(), lines.behind) == (b"", True)
    assert b'"status":"complete"' in lines.catch_up().replace(b" ", b"")
    assert not lines.jobs
