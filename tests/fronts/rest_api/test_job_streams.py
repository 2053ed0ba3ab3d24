"""Following a job on the event loop: until its end, or until the follower may not look any more."""

from __future__ import annotations

import asyncio

from lading.fronts.rest_api.job_streams import JobStreams
from lading.services.access import Denied, Permission
from lading.services.job import JsonObject, Telling
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
        return heard, len(streams._waiting)
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
