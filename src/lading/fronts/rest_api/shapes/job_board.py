"""Server-sent events of many jobs (wire.job_board_stream)."""

from __future__ import annotations

from typing import Annotated, TypedDict

from lading.fronts.rest_api.shapes.jobs import Job, JobLine, LayerLine, Totals


class BoardProgress(TypedDict):
    """How far a job has come; replaces what was told of that before."""

    totals: Annotated[Totals | None, "Null while nothing is planned."]
    layers: Annotated[list[LayerLine], "All that are on their way now."]


class BoardJob(Job):
    """`event: job`: a job that came, began, ended, or waits for something else. Its `progress` has `layers`."""


class BoardSnapshot(TypedDict):
    """`event: snapshot`: all that wait or run and may be seen, those that run first. It replaces all that was told
    before."""

    jobs: list[BoardJob]
    more: Annotated[int, "How many are left out; each is told of as soon as it stands otherwise."]


class BoardTick(TypedDict):
    """`event: tick`: byte counts, without lines, at most two a second for each job."""

    id: str
    progress: BoardProgress


class BoardLines(TypedDict):
    """`event: lines`: of a job that was asked for by `follow`, those numbered `after` + 1 to `cursor`."""

    id: str
    after: int
    cursor: int
    lines: list[JobLine]


class BoardGone(TypedDict):
    """`event: gone`: a job that was asked for by `follow` and is not there, or may not be seen (any more)."""

    id: str
    error: str
    code: str
