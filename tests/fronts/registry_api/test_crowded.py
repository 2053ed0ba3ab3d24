"""A registry with users whose places are taken by those who have not logged in, or by one client behind a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.limits import Limits
from lading.fronts.registry_api.serving import registry_application
from tests.fakes.people import PASSWORD, basic, people
from tests.fakes.raw_client import RawClient, Reply
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors
from tests.fakes.repository_records import MemoryRecords

LIMITS = Limits(connections=8, per_address=8, per_client=3)
FORM = "POST /v2/token HTTP/1.1\nHost: localhost\nContent-Length: 99\nExpect: 100-continue\n"
UPLOAD = "POST /v2/team/app/blobs/uploads/ HTTP/1.1\nHost: localhost\n"
LIST = "GET /v2/team/open/tags/list HTTP/1.1\nHost: localhost\n"


@dataclass(frozen=True)
class Crowd:
    """Its server trusts what stands before it, so that a test is any client it wants to be."""

    server: ByteServer
    stack: ExitStack
    login: str

    def slow_form(self, client: str) -> int:
        """From a client that sends nothing more; 100 where it is waited for."""
        slow = self.stack.enter_context(RawClient(self.server.addresses[0]))
        return slow.send(f"{FORM}X-Forwarded-For: {client}\n\n").head().status

    def ask(self, head: str, client: str, login: str = "") -> Reply:
        with RawClient(self.server.addresses[0]) as asking:
            told = f"X-Forwarded-For: {client}\n" + (f"Authorization: {login}\n" if login else "")
            return asking.send(f"{head}{told}Content-Length: 0\n\n").reply()


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    with people(tmp_path) as all_, closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        all_.user("ada", "admin")
        doors = Doors(all_, {"team/open"}, trusted=["127.0.0.1"])
        application = registry_application(MemoryRecords(), content, doors.gate())
        proxied = ByteServer([("127.0.0.1", 0)], application, LIMITS, is_proxy=lambda address: address == "127.0.0.1")
        with proxied as server, ExitStack() as stack:
            yield Crowd(server, stack, basic("ada", PASSWORD))


def test_forms_that_never_come_keep_no_user_out(crowd: Crowd) -> None:
    for number in range(LIMITS.strangers):
        assert crowd.slow_form(f"198.51.100.{number}") == 100

    refused = [crowd.ask(LIST, "203.0.113.1"), crowd.ask(FORM.partition("Content")[0], "203.0.113.1")]
    assert [(reply.status, reply.headers["retry-after"]) for reply in refused] == [(503, "5")] * 2
    assert crowd.ask(UPLOAD, "203.0.113.1", crowd.login).status == 202


def test_who_is_refused_takes_no_place(crowd: Crowd) -> None:
    for _ in range(2 * LIMITS.connections):
        assert crowd.ask(UPLOAD, "198.51.100.1").status == 401

    assert crowd.ask(UPLOAD, "198.51.100.1", crowd.login).status == 202


def test_one_client_behind_a_proxy_does_not_fill_the_registry(crowd: Crowd) -> None:
    assert [crowd.slow_form("198.51.100.1") for _ in range(4)] == [100, 100, 100, 503]

    assert crowd.ask(UPLOAD, "198.51.100.1", crowd.login).status == 503
    assert crowd.ask(UPLOAD, "198.51.100.2", crowd.login).status == 202
    assert crowd.ask(LIST, "198.51.100.2").status == 404
