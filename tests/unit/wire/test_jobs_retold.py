"""The jobs of fixtures/jobs.json, recorded from real transfers: what the command line counts of their events, and what
the page counts of their lines and ticks (ui/src/lib/progress.test.ts reads the same file), come to the same."""

from __future__ import annotations

from typing import Any

import pytest

from lading.wire.docker_words import Verb
from lading.wire.event_json import totals_json
from lading.wire.job_events import Fold
from lading.wire.ledger import Ledger
from lading.wire.progress import Kind
from tests.fakes.progress_fixture import read_event, read_jobs

JOBS = read_jobs()


@pytest.mark.parametrize("job", JOBS, ids=[each["name"] for each in JOBS])
def test_a_recorded_job_comes_to_its_totals(job: dict[str, Any]) -> None:
    ledger = Ledger()
    for step in job["steps"]:
        ledger.apply(read_event(step["event"]))

    assert totals_json(ledger.totals()) == job["totals"]
    for target, layers in job["layers"].items():
        entries = [each for each in ledger.entries(target) if each.piece.kind is Kind.LAYER]
        assert {each.piece.id.partition(":")[2][:12]: each.state.value for each in entries} == layers


@pytest.mark.parametrize("job", JOBS, ids=[each["name"] for each in JOBS])
def test_a_recorded_job_is_told_by_these_lines_and_ticks(job: dict[str, Any]) -> None:
    fold = Fold.of(Verb(job["verb"]))
    for step in job["steps"]:
        lines = fold.apply(read_event(step["event"]))
        tick: dict[str, Any] | None = fold.tick(step["at"]) if fold.due(step["at"]) else None

        assert [_without_bar(each) for each in lines] == step["lines"]
        told = None if tick is None else tick | {"layers": [_without_bar(each) for each in tick["layers"]]}
        assert told == step.get("tick")


def _without_bar(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "progress"}
