"""Under whose name a job's work is done: looked up again each time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.services.access import LADING, Permission
from lading.services.identity.tokens import TokenForm
from lading.services.identity.users import UserEdit
from lading.services.jobs.job import Job, JobRequest, JobState
from lading.services.jobs.owners import Owners
from tests.fakes.people import NOW, People, people


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def a_job(owner: int | None, token: int | None = None) -> Job:
    return Job("id", JobRequest("pull", {}), owner, "ann", JobState.QUEUED, 0, NOW, NOW, 0, token=token)


def test_a_jobs_owner_is_looked_up_again(all_: People) -> None:
    owners = Owners(all_.database.users, all_.database.tokens, all_.clock)
    ann = all_.actor("ann", "publisher")
    token = all_.tokens.add(ann, TokenForm("ci", frozenset({"images:pull"}), NOW + 60)).row

    assert owners.again(a_job(None)) == LADING
    assert owners.again(a_job(ann.user)) == ann
    scoped = owners.again(a_job(ann.user, token.id))
    assert scoped.may(Permission.IMAGES_PULL)
    assert not scoped.may(Permission.IMAGES_PUSH)
    assert owners.again(a_job(ann.user, 999)).grants == ()
    all_.clock.now += 60
    assert owners.again(a_job(ann.user, token.id)).grants == ()
    all_.users.change(LADING, ann.user or 0, UserEdit(active=False))
    assert owners.again(a_job(ann.user)).grants == ()
    assert owners.again(a_job(999)).user == 999
