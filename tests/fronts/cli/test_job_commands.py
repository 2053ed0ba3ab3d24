"""`lading jobs` over a real data folder that no server has."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from lading.errors import Side
from lading.fronts.cli.commands.jobs import raise_ended
from lading.fronts.cli.failures import JobEnded, exit_code
from tests.fakes.service_folder import JOB, ServiceFolder, a_job


def test_jobs_are_listed_and_ended_where_no_server_runs(lading: ServiceFolder) -> None:
    a_job(lading)

    listed = lading("jobs", "ls").out.splitlines()[1].split()
    ended = lading("jobs", "cancel", JOB)
    watched = lading.run("jobs", "watch", JOB)

    assert listed[:5] == [JOB, "push", "queued", "team/app:1", "lading"]
    assert ended.out == f"{JOB}   cancelled\n"
    assert watched.code == 130
    assert "cancelled" in watched.out
    assert [row["result"] for row in lading.json("audit", "tail", "--action", "push")] == ["cancelled"]


def test_a_job_that_is_asked_for_again_waits_for_a_server(lading: ServiceFolder) -> None:
    a_job(lading)
    assert lading.run("jobs", "retry", JOB).code == 6
    lading("jobs", "cancel", JOB)

    again = lading("jobs", "retry", JOB)

    assert "it waits for lading serve to start" in again.err
    assert [job["status"] for job in lading.json("jobs", "ls", "--state", "queued")] == ["queued"]
    with closing(sqlite3.connect(lading.data / "lading.db")) as database:
        assert database.execute("SELECT heartbeat FROM job WHERE state = 'queued'").fetchall() == [(0.0,)]


def test_a_job_that_is_not_there_is_not_found(lading: ServiceFolder) -> None:
    for verb in ("watch", "logs", "cancel", "retry"):
        said = lading.run("jobs", verb, JOB)
        assert (said.code, said.err.splitlines()[0]) == (5, "error: Job not found")


def test_a_job_whose_agent_was_away_says_where_to_look_and_how_to_ask_again() -> None:
    with pytest.raises(JobEnded) as ended:
        raise_ended(JOB, "error", {"status": "error", "error": "Edge agent not connected"})

    assert (exit_code(ended.value), ended.value.side) == (10, Side.NETWORK)
    assert ended.value.command == f"Start the agent on that host; then lading jobs retry {JOB}"


def test_a_job_that_is_done_in_part_names_the_command_for_the_rest() -> None:
    told = {"error": "1 of 2", "cause": "partly_done", "side": "host", "hint": "Try the job again"}
    with pytest.raises(JobEnded) as ended:
        raise_ended(JOB, "error", told)

    assert (exit_code(ended.value), ended.value.side) == (3, Side.HOST)
    assert ended.value.command == f"lading jobs retry {JOB}: what is done stays done"
