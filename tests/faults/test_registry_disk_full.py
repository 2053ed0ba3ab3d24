"""A full disk under our registry: any write may fail.

The client is told so by a 5xx it can read, nothing acknowledged is lost, and when there is room again everything works,
without a restart.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.kept_registry import assert_kept
from tests.faults.registry_pushes import Client, Memory, Refused, Told, push_all
from tests.faults.traced_registry import RENAME, SYNC, broken, registry

pytestmark = pytest.mark.peer("strace")

DISK = f"{SYNC},{RENAME},mkdir,mkdirat,pwrite64,ftruncate,fallocate"
"""What fails for want of room. `write` is also how the log and the wake-ups of other threads are told."""

SOME = [("fsync", 5), ("fdatasync", 2), ("rename", 1), ("pwrite64", 40)]
MOST = 400
NO_ROOM = "the registry has no room left for this: its disk is full, or nearly so"


def refused_once(folder: Path, calls: str, number: int) -> list[Told]:
    """Push everything where the disk is full for one moment, asking again what was refused; the refusals."""
    memory = Memory()
    with (
        registry(folder) as (child, port),
        broken(child, calls, f"error=ENOSPC:when={number}") as heal,
        closing(Client(port, heal)) as client,
    ):
        push_all(client, memory)
    assert None not in set().union(*(allowed for name, allowed in memory.tags.items() if not name.endswith(":four")))
    assert_kept(folder, memory)
    return client.refusals


def assert_readable(refusals: list[Told]) -> None:
    """A database says of a sync that failed no more than that it did."""
    for told in refusals:
        (error,) = json.loads(told.body)["errors"]
        assert (told.status, error["message"]) in {(507, NO_ROOM), (503, "the registry's storage failed")}


@pytest.mark.parametrize(("calls", "number"), SOME)
def test_a_write_that_fails_once_is_told_and_asked_again(tmp_path: Path, calls: str, number: int) -> None:
    assert_readable(refused_once(tmp_path, calls, number))


@pytest.mark.proof
@pytest.mark.parametrize("calls", ["fsync", "fdatasync", "rename", "pwrite64", "ftruncate", "mkdir"])
def test_any_write_may_fail_once(tmp_path: Path, calls: str) -> None:
    """Until a push has fewer of them."""
    quiet = 0
    for number in range(1, MOST):
        folder = tmp_path / str(number)
        folder.mkdir()
        refusals = refused_once(folder, calls, number)
        assert_readable(refusals)
        quiet = 0 if refusals else quiet + 1
        if quiet > 20:  # some writes may fail without harm
            return
    raise AssertionError("no push has so many")


def test_when_there_is_room_again_everything_works(tmp_path: Path) -> None:
    """From one moment on nothing can be written; what was acknowledged before is pulled all the same."""
    memory = Memory()
    with registry(tmp_path) as (child, port), closing(Client(port)) as client:
        with broken(child, DISK, "error=ENOSPC:when=30+"):
            with pytest.raises(Refused):
                push_all(client, memory)
            assert_readable(client.refusals)
            told = client.ask("GET", "/v2/team/app/tags/list")
            assert told.status in {200, 404}
        push_all(client, memory)
        assert child.poll() is None
    assert_kept(tmp_path, memory)
