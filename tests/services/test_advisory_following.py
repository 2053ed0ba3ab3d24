"""Advisories of several processes: what a job brought to one of them, the others bring too."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import NetworkFailed
from lading.services.jobs.job import JobRequest, JsonObject
from lading.services.scans.advisories import ADVISORIES, Feed, Imported, Origin, Report, Updated
from lading.services.scans.advisory_following import AdvisoryFollowing
from lading.services.scans.following import Following
from lading.wire.message import Cancel
from tests.fakes.jobs import ALICE, BOUND_SECONDS, Stage, nothing

ALL: JsonObject = {"url": None, "name": None, "ecosystems": []}
SOME: JsonObject = {"url": None, "name": None, "ecosystems": ["PyPI"]}
URL: JsonObject = {"url": "https://a.example/all.zip", "name": "ours", "ecosystems": []}

CANCEL = Cancellation()


class Beside:
    """Fulfils AdvisoryKeeping: the advisories of another process than the one that did the jobs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.brought: list[object] = []
        self.imported: float | None = None
        self.failing = False
        self.asked = threading.Event()

    def feeds(self) -> Sequence[Feed]:
        return () if self.imported is None else [Feed("PyPI", "osv:PyPI", "", 2, None, None, self.imported)]

    def bring(self, origin: Origin, report: Report, cancel: Cancel) -> Imported:
        self._come(origin)
        return Imported(origin.name or origin.place)

    def update(self, ecosystems: Sequence[str], report: Report, cancel: Cancel) -> Updated:
        self._come(tuple(ecosystems))
        return Updated((Imported("osv:PyPI"),), (("npm", NetworkFailed("a.example is away")),))

    def forget(self, source: str) -> int:
        raise AssertionError("nobody asked for it")

    def _come(self, what: object) -> None:
        self.asked.set()
        if self.failing:
            raise NetworkFailed("a.example is away")
        self.brought.append(what)
        self.imported = self._stage.clock.now


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.play(nothing, ADVISORIES)
    return stage


def done(stage: Stage, fields: JsonObject) -> str:
    """A job that was done elsewhere, a minute after what was before."""
    stage.clock.advance(60)
    job = stage.jobs.start(ALICE, JobRequest(ADVISORIES, fields))
    stage.run()
    return job.id


def test_a_process_that_begins_with_none_brings_what_was_asked_for_last(stage: Stage) -> None:
    beside = Beside(stage)
    following = AdvisoryFollowing(beside, stage.records)
    jobs = [done(stage, fields) for fields in (ALL, URL, SOME, ALL)]

    assert following.follow(CANCEL) == jobs[1:]
    assert beside.brought == [Origin("https://a.example/all.zip", name="ours"), ("PyPI",), ()]


def test_what_came_since_is_brought_once(stage: Stage) -> None:
    beside = Beside(stage)
    following = AdvisoryFollowing(beside, stage.records)
    done(stage, ALL)
    following.follow(CANCEL)

    assert following.follow(CANCEL) == []
    stage.clock.advance(60)
    later = done(stage, ALL)
    assert following.follow(CANCEL) == [later]
    assert beside.brought == [(), ()]


def test_who_did_the_job_does_nothing_more(stage: Stage) -> None:
    beside = Beside(stage)
    done(stage, ALL)
    beside.imported = stage.clock.now

    assert AdvisoryFollowing(beside, stage.records).follow(CANCEL) == []


def test_jobs_that_failed_or_did_something_else_are_not_followed(stage: Stage) -> None:
    stage.play(nothing)
    stage.jobs.start(ALICE, JobRequest("push", {}))
    waiting = stage.jobs.start(ALICE, JobRequest(ADVISORIES, ALL))
    stage.jobs.cancel(ALICE, waiting.id)
    stage.run()
    beside = Beside(stage)

    assert AdvisoryFollowing(beside, stage.records).follow(CANCEL) == []


def test_what_could_not_be_brought_is_brought_later(stage: Stage) -> None:
    beside = Beside(stage)
    beside.failing = True
    done(stage, ALL)

    following = AdvisoryFollowing(beside, stage.records)
    thread = Following("advisories", following.follow)
    thread.begin()
    assert beside.asked.wait(BOUND_SECONDS)
    thread.stop()
    thread.stop()

    assert beside.brought == []
    beside.failing = False
    assert len(following.follow(CANCEL)) == 1
    assert beside.brought == [()]
