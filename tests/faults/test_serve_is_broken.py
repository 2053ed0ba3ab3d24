"""The whole of `lading serve`, killed or out of room wherever a push writes: its registry, its users, its trail and its
chores at once. The registry by itself is broken at every single call in test_registry_survives_kill and
test_registry_disk_full."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.kept_registry import assert_kept
from tests.faults.registry_pushes import Client, Gone, Memory, Refused, Told, push_all
from tests.faults.traced_registry import RENAME, SYNC, UNLINK, WRITE, WRITE_POINTS, broken
from tests.peers.service_process import Service
from tests.proof_table import Tell

pytestmark = [pytest.mark.peer("strace"), pytest.mark.proof]

MOST = 400
STEP = 5
"""Each start takes seconds, so not every call of a thread is broken; of the writes, of which there are many more, every
25th."""

NO_ROOM = "the registry has no room left for this: its disk is full, or nearly so"


def serving(folder: Path) -> Service:
    return Service(folder / "data", within=(sys.executable, "-m", "tests.faults.traceable"))


@contextmanager
def asking(service: Service, refused: Callable[[], None] | None = None) -> Iterator[Client]:
    """With the admin's API token."""
    with closing(Client(service.registry_port, refused, f"Bearer {service.token}")) as client:
        yield client


def assert_answers(service: Service, memory: Memory) -> None:
    """Started again, it serves every tag that was acknowledged."""
    with service.running(), asking(service) as client:
        for name, allowed in memory.tags.items():
            repository, _, tag = name.partition(":")
            told = client.ask("GET", f"/v2/{repository}/manifests/{tag}")
            assert told.status in {200, 404}
            assert told.headers.get("docker-content-digest") in allowed
        assert service.ask("GET", "/api/audit/verify")[0] == 200


def killed(folder: Path, calls: str, number: int) -> bool:
    """Push everything while a thread is to be killed at this call of its own; whether it came so far."""
    service, memory = serving(folder), Memory()
    with service.running() as child:
        with broken(child, calls, f"signal=KILL:when={number}"), asking(service) as client:
            try:
                push_all(client, memory)
            except Gone:
                child.wait(60)
        dead = child.poll() is not None
    assert_answers(service, memory)
    assert_kept(service.data, memory)
    return dead


@pytest.mark.parametrize("calls", WRITE_POINTS)
def test_a_killed_service_loses_nothing_acknowledged(tmp_path: Path, calls: str, record_property: Tell) -> None:
    kills = 0
    for number in range(1, MOST, 5 * STEP if calls == WRITE else STEP):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not killed(folder, calls, number):
            break
        kills += 1
    record_property("kills", kills)
    assert kills or calls == UNLINK


def refused_once(folder: Path, calls: str, number: int) -> list[Told]:
    """Push everything where the disk is full for one moment, asking again what was refused; the refusals."""
    service, memory = serving(folder), Memory()
    with service.running() as child:
        with broken(child, calls, f"error=ENOSPC:when={number}") as heal, asking(service, heal) as client:
            push_all(client, memory)
        assert child.poll() is None
    assert_answers(service, memory)
    assert_kept(service.data, memory)
    return client.refusals


@pytest.mark.parametrize("calls", ["fsync", "fdatasync", "rename", "pwrite64"])
def test_a_service_whose_disk_is_full_once_says_so_and_goes_on(
    tmp_path: Path, calls: str, record_property: Tell
) -> None:
    refusals: list[Told] = []
    for number in range(1, 60, STEP):
        folder = tmp_path / str(number)
        folder.mkdir()
        refusals += refused_once(folder, calls, number)
    for told in refusals:
        (error,) = json.loads(told.body)["errors"]
        assert (told.status, error["message"]) in {(507, NO_ROOM), (503, "the registry's storage failed")}
    record_property("refusals", len(refusals))
    assert refusals


def test_a_service_without_room_is_well_again_when_there_is_some(tmp_path: Path, record_property: Tell) -> None:
    """From one moment on nothing can be written; without a restart everything works when that is over."""
    service, memory = serving(tmp_path), Memory()
    full = f"{SYNC},{RENAME},{UNLINK},mkdir,mkdirat,pwrite64,ftruncate,fallocate"
    with service.running() as child, asking(service) as client:
        with broken(child, full, "error=ENOSPC:when=20+"):
            with pytest.raises(Refused):
                push_all(client, memory)
            assert client.ask("GET", "/v2/team/app/tags/list").status in {200, 404}
        push_all(client, memory)
        assert child.poll() is None
        record_property("refusals", len(client.refusals))
    assert_answers(service, memory)
    assert_kept(service.data, memory)
