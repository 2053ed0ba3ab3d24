"""`lading jobs` over a real data folder that no server has."""

from __future__ import annotations

import sqlite3
from contextlib import closing

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
