"""kill -9 of our registry wherever a push writes: no acknowledged manifest is lost, and no tag is half there."""

from __future__ import annotations

import contextlib
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.kept_registry import assert_kept
from tests.faults.registry_pushes import Client, Gone, Memory, delete_some, push_all
from tests.faults.traced_registry import RENAME, SYNC, UNLINK, WRITE, WRITE_POINTS, broken, collector, registry
from tests.proof_table import Tell

pytestmark = pytest.mark.peer("strace")

SOME = [(SYNC, 9), (SYNC, 24), (RENAME, 2), (UNLINK, 1), (WRITE, 60)]
SHORTEST_DAY = 0.001
"""All leases are over."""

MOST = 400
"""No kind of call is made so often by one push of everything."""


def killed(folder: Path, calls: str, number: int) -> bool:
    """Push everything while the server is to be killed at this call; whether it was."""
    memory = Memory()
    with (
        registry(folder) as (child, port),
        broken(child, calls, f"signal=KILL:when={number}"),
        closing(Client(port)) as client,
    ):
        try:
            push_all(client, memory)
        except Gone:
            child.wait(60)
        dead = child.poll() is not None
    assert_kept(folder, memory)
    return dead


@pytest.mark.parametrize(("calls", "number"), SOME)
def test_a_kill_loses_nothing_acknowledged(tmp_path: Path, calls: str, number: int) -> None:
    assert killed(tmp_path, calls, number)


@pytest.mark.proof
@pytest.mark.parametrize("calls", WRITE_POINTS)
def test_a_kill_at_every_write_point_loses_nothing_acknowledged(
    tmp_path: Path, calls: str, record_property: Tell
) -> None:
    """Until the push ends before the call comes."""
    for number in range(1, MOST):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not killed(folder, calls, number):
            record_property("kills", number - 1)
            assert number > 3
            return
    raise AssertionError("the push never ended")


def collection_killed(folder: Path, calls: str, number: int) -> bool:
    """Kill a collection of garbage at this call, with much to remove; whether it came so far."""
    memory = Memory()
    with registry(folder) as (_, port), closing(Client(port)) as client:
        push_all(client, memory)
        delete_some(client, memory)
    child = collector(folder, SHORTEST_DAY)
    assert child.stdin
    assert child.stdout
    with child.stdin, child.stdout, broken(child, calls, f"signal=KILL:when={number}"):
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write("go\n")
            child.stdin.close()
        child.wait(60)
    assert_kept(folder, memory)
    return child.returncode != 0


@pytest.mark.parametrize(("calls", "number"), [(RENAME, 3), (UNLINK, 2)])
def test_a_killed_collection_loses_nothing_and_the_next_one_ends_it(tmp_path: Path, calls: str, number: int) -> None:
    assert collection_killed(tmp_path, calls, number)


@pytest.mark.proof
@pytest.mark.parametrize("calls", [SYNC, RENAME, UNLINK, WRITE])
def test_a_collection_killed_at_every_write_point_loses_nothing(
    tmp_path: Path, calls: str, record_property: Tell
) -> None:
    for number in range(1, MOST):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not collection_killed(folder, calls, number):
            record_property("kills", number - 1)
            assert number > 2
            return
    raise AssertionError("the collection never ended")


def test_without_a_kill_everything_is_there(tmp_path: Path) -> None:
    memory = Memory()
    with registry(tmp_path) as (_, port), closing(Client(port)) as client:
        push_all(client, memory)
    assert None not in set().union(*(allowed for name, allowed in memory.tags.items() if not name.endswith(":four")))
    assert_kept(tmp_path, memory)
