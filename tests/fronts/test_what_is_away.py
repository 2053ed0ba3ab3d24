"""One answer at every door where the database or the object store is away, or the database is busy for too long: 503,
when to ask again, and no more."""

from __future__ import annotations

import json

import pytest

from lading.backends.content_store.objects.bucket import BucketAway
from lading.backends.database.failures import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseContended,
    DatabaseCrowded,
    DatabaseOutgrown,
)
from lading.errors import LadingError
from lading.fronts.cli.failures import exit_code
from lading.fronts.docker_api import refusals as docker
from lading.fronts.registry_api import replies as registry
from lading.fronts.rest_api import refusals as rest
from lading.fronts.trust_api import answers as trust
from lading.services.jobs.causes import cause_of

AWAY = (
    DatabaseAway("postgresql://lading@db.corp/lading", "connection refused"),
    DatabaseOutgrown("postgresql://lading@db.corp/lading", 12, 9),
    DatabaseBusy("postgresql://lading@db.corp/lading", "canceling statement due to lock timeout"),
    DatabaseCrowded("postgresql://lading@db.corp/lading", "no connection became free"),
    DatabaseContended("postgresql://lading@db.corp/lading", "deadlock detected"),
    BucketAway("s3://images.corp/lading", "read", "blobs/sha256/ab", "it answered 503 Service Unavailable"),
)


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_every_door_says_when_to_ask_again(error: LadingError) -> None:
    api = rest.refusal(error)
    answers = [docker.refusal(error), registry.error_answer(error), trust.error_answer(error)]

    assert (api.status_code, api.headers["retry-after"]) == (503, "5")
    told = json.loads(bytes(api.body))
    assert told["code"] == "unavailable"
    assert "Try again" in told["hint"]
    for answer in answers:
        assert answer is not None
        assert (answer.status, dict(answer.headers)["Retry-After"]) == (503, "5")
        assert b"corp" not in b"".join(answer.content)
    assert "corp" not in bytes(api.body).decode()
    found = registry.fault_of(error)
    assert found is not None
    assert found[1].code == "UNAVAILABLE"
    assert "try again in a few seconds" in found[1].message
    assert b"try again in a few seconds" in b"".join(answers[-1].content if answers[-1] else ())


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_transfer_that_met_it_is_told_the_same(error: LadingError) -> None:
    assert rest.status_of(error, transfer=True) == 503
    assert rest.status_of_line({"cause": cause_of(type(error))}) == 503
    assert exit_code(error) == 10
