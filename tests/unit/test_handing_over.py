"""Which jobs a server of several does itself although workers do the others."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from lading.main.handing_over import dispatch_of, is_here
from lading.services.environments.door_logins import LOGIN, NOBODY, LoginVault
from lading.services.jobs.job import Job, JobRequest, JobState
from lading.services.work.imports import IMPORT
from lading.services.work.pulls import PULL
from lading.services.work.pushes import PUSH
from lading.settings import Settings
from lading.wire.authorize import Credential
from lading.wire.docker_auth import GivenLogin
from tests.fakes.jobs import asked


def job(request: JobRequest) -> Job:
    return Job("a", request, 1, "alice", JobState.QUEUED, 0, 0.0, 0.0, 0)


@pytest.mark.parametrize("kind", [PUSH, PULL, IMPORT, "a kind of a later version"])
def test_a_worker_does_what_any_process_can(kind: str) -> None:
    assert not is_here(job(asked(kind)))
    assert not is_here(job(JobRequest(kind, {LOGIN: NOBODY})))


def test_a_login_that_came_along_is_in_the_memory_of_who_was_asked() -> None:
    given = GivenLogin(Credential("me", "s3cret"))

    with LoginVault(bytes).kept(given, 1) as fields:
        assert is_here(job(JobRequest(PUSH, fields)))


def test_where_nobody_says_workers_each_server_does_its_jobs(tmp_path: Path) -> None:
    with ExitStack() as stack:
        assert not dispatch_of(stack, Settings(tmp_path)).dispatch(job(asked(PUSH)))
