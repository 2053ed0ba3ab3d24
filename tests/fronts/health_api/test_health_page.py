"""How a process stands that has no other page: it begins, waits, works and stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from lading.errors import LadingError, StorageFailed, Unavailable
from lading.fronts.health_api.application import HealthApi, Standing
from lading.fronts.http.byte_server import ByteServer
from lading.services.access import Denied, NotLoggedIn, Permission
from lading.services.identity.throttling import TooManyAttempts
from tests.fakes.raw_client import RawClient


class Away(Unavailable):
    def __str__(self) -> str:
        return "postgresql://db.corp/lading does not answer"

    @property
    def afar(self) -> str:
        return "the database does not answer"


@dataclass
class Worker:
    """Fulfils Works; tests say what it raises."""

    unready: LadingError | None = None
    refused: LadingError | None = None
    shown: list[tuple[str, str | None]] = field(default_factory=list)

    def ready(self) -> None:
        if self.unready:
            raise self.unready

    def metrics(self, address: str, authorization: str | None) -> bytes:
        self.shown.append((address, authorization))
        if self.refused:
            raise self.refused
        return b"lading_jobs_running 2\n"


@pytest.fixture
def standing() -> Standing:
    return Standing()


@pytest.fixture
def page(standing: Standing) -> Iterator[ByteServer]:
    with ByteServer([("127.0.0.1", 0)], HealthApi(standing)) as server:
        yield server


def ask(page: ByteServer, head: str) -> tuple[int, dict[str, str], str]:
    """As a check of a balancer does: no more than what is said here is sent."""
    with RawClient(page.addresses[0]) as client:
        answer = client.send(f"{head}\n\n").reply()
        return answer.status, answer.headers, answer.body.decode()


def test_one_that_waits_lives_and_is_not_ready(page: ByteServer, standing: Standing) -> None:
    standing.waits_for(Away())

    ready = ask(page, "GET /readyz HTTP/1.0")

    assert ask(page, "GET /healthz HTTP/1.0")[0] == 200
    assert (ready[0], ready[1]["retry-after"]) == (503, "5")
    assert json.loads(ready[2]) == {
        "status": "not ready",
        "code": "unavailable",
        "detail": "the database does not answer",
    }
    for path in ("/metrics", "/", "/api/images", "/v2/"):
        assert ask(page, f"GET {path} HTTP/1.0")[0] == 503


def test_one_that_works_is_ready_while_it_can(page: ByteServer, standing: Standing) -> None:
    worker = Worker()
    with standing.working(worker):
        ready = [ask(page, "GET /readyz HTTP/1.0")]
        worker.unready = Away()
        ready.append(ask(page, "GET /readyz HTTP/1.0"))
        nowhere = ask(page, "GET /api/images HTTP/1.0")[0]
        changed = ask(page, "POST /healthz HTTP/1.0\nContent-Length: 0")[0]
    ready.append(ask(page, "GET /readyz HTTP/1.0"))

    assert [(status, json.loads(told)) for status, _, told in ready] == [
        (200, {"status": "ok"}),
        (503, {"status": "not ready", "code": "unavailable"}),
        (503, {"status": "not ready", "detail": "it stops"}),
    ]
    assert (nowhere, changed) == (404, 405)


def test_what_it_counts_is_for_who_may_read_it(page: ByteServer, standing: Standing) -> None:
    worker = Worker()
    with standing.working(worker):
        counted = ask(page, "GET /metrics HTTP/1.0\nAuthorization: Bearer lad_x")
        answers = []
        for error in (NotLoggedIn(), Denied(Permission.METRICS_VIEW), TooManyAttempts(3), Away(), StorageFailed()):
            worker.refused = error
            answers.append(ask(page, "GET /metrics HTTP/1.0")[0])

    assert (counted[0], counted[2]) == (200, "lading_jobs_running 2\n")
    assert counted[1]["content-type"].startswith("text/plain; version=0.0.4")
    assert worker.shown[0] == ("127.0.0.1", "Bearer lad_x")
    assert answers == [401, 403, 429, 503, 500]
