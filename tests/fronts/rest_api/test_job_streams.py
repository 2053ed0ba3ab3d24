"""Following a job on the event loop: until its end, or until the follower may not look any more."""

from __future__ import annotations

import asyncio
import re

from lading.fronts.rest_api.job_streams import JobStreams
from lading.services.access import Denied, Permission
from lading.services.jobs.job import JsonObject, Telling
from lading.wire.message import Cancel
from tests.fakes.jobs import ALICE, Stage, asked, nothing


def permitted() -> None:
    """Whoever asks may."""


def denied() -> None:
    raise Denied(Permission.JOBS_VIEW)


async def followed(stage: Stage, job: str, *, allowed: bool) -> tuple[list[bytes], int]:
    """What is heard of a job that runs and ends meanwhile, and how many are followed afterwards."""
    streams = JobStreams(stage.runner.feeds, permit_seconds=0.0)
    heard: list[bytes] = []
    try:
        stream = streams.follow(stage.jobs.follow(ALICE, job), permitted if allowed else denied)
        run = asyncio.create_task(asyncio.to_thread(stage.run))
        async for text in stream:
            heard.append(text)
        await run
        return heard, len(streams._resting)
    finally:
        streams.close()


def test_a_stream_ends_with_the_job() -> None:
    stage = Stage()
    stage.play(nothing)
    heard, left = asyncio.run(followed(stage, stage.jobs.start(ALICE, asked()).id, allowed=True))

    assert heard[0].startswith(b"event: snapshot\n")
    assert b"event: result\n" in heard[-1]
    assert left == 0


def test_a_stream_ends_for_who_may_not_look_any_more() -> None:
    stage = Stage()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "tagging"})
        return {}

    stage.play(work)
    heard, left = asyncio.run(followed(stage, stage.jobs.start(ALICE, asked()).id, allowed=False))

    assert heard == []
    assert left == 0


async def doubted(stage: Stage, job: str) -> list[bytes]:
    """What one hears who rests and is then switched off, while the job goes on."""
    streams = JobStreams(stage.runner.feeds)
    stream = streams.follow(stage.jobs.follow(ALICE, job), denied)
    heard = [await anext(stream)]
    rest = asyncio.ensure_future(anext(stream, None))
    while not streams._resting:
        await asyncio.sleep(0)
    before = streams.followed
    streams.doubt()
    heard.extend(text for text in [await rest] if text is not None)
    assert (before, streams.followed) == (True, False)
    streams.close()
    return heard


def test_one_who_rests_and_is_switched_off_is_sent_away_at_once() -> None:
    stage = Stage()

    heard = asyncio.run(doubted(stage, stage.jobs.start(ALICE, asked()).id))

    assert len(heard) == 1
    assert heard[0].startswith(b"event: snapshot\n")


async def waited(stage: Stage, job: str) -> bool:
    """Whether one who waits for the end, and is switched off meanwhile, is told why."""
    streams = JobStreams(stage.runner.feeds)
    waiting = asyncio.ensure_future(streams.end(stage.jobs.follow(ALICE, job, ticks=False), denied))
    while not streams._resting:
        await asyncio.sleep(0)
    streams.doubt()
    try:
        await waiting
    except Denied:
        return not streams.followed
    finally:
        streams.close()
    return False


def test_one_who_waits_and_is_switched_off_is_sent_away_at_once() -> None:
    stage = Stage()

    assert asyncio.run(waited(stage, stage.jobs.start(ALICE, asked()).id))


class Pen:
    """An answer that can be written to while `free`. What its task sends goes to the same place."""

    def __init__(self, *, free: bool) -> None:
        self.free, self.written, self.sent = free, 0, b""

    def write(self, text: bytes) -> None:
        self.written += 1
        self.sent += text


async def written(stage: Stage, pen: Pen) -> bytes:
    """All that a client of this answer has at the job's end."""
    streams = JobStreams(stage.runner.feeds)
    resting = asyncio.Event()
    job = stage.jobs.start(ALICE, asked())
    loop = asyncio.get_running_loop()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        for number in range(3):
            telling.line({"status": f"line {number}"})
            stage.runner.writer.write()
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()  # the loop has come round
        return {}

    async def send() -> None:
        async for text in streams.follow(stage.jobs.follow(ALICE, job.id), permitted, pen):
            pen.sent += text
            resting.set()

    stage.play(work)
    try:
        sending = asyncio.create_task(send())
        await resting.wait()
        await asyncio.to_thread(stage.run)
        await sending
    finally:
        streams.close()
    return pen.sent


def numbers(text: bytes) -> list[int]:
    """Of the lines, in the order in which they came."""
    return [int(number) for number in re.findall(rb"^id: (\d+)$", text, re.MULTILINE)]


def test_one_who_rests_is_written_to_directly() -> None:
    pen = Pen(free=True)
    text = asyncio.run(written(Stage(), pen))

    assert numbers(text) == [1, 2, 3, 4]
    assert b"event: result\n" in text
    assert pen.written > 0


def test_one_who_does_not_keep_up_is_written_to_by_its_own_task() -> None:
    pen = Pen(free=False)
    text = asyncio.run(written(Stage(), pen))

    assert numbers(text) == [1, 2, 3, 4]
    assert b"event: result\n" in text
    assert pen.written == 0
