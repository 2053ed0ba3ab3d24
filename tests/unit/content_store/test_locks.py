"""Locks on files that their holder may rename or remove."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.backends.content_store.locks import (
    claim,
    exclusive,
    exclusive_at_once,
    exclusive_in_turn,
    is_exclusive,
    join,
    shared,
)
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled


def test_a_claimed_file_is_nobody_elses(tmp_path: Path) -> None:
    mine = claim(tmp_path / "x", create=True)
    assert mine is not None
    assert claim(tmp_path / "x", create=True) is None

    os.close(mine)
    again = claim(tmp_path / "x", create=False)
    assert again is not None
    os.close(again)


def test_who_looks_whether_somebody_has_a_file_takes_and_makes_nothing(tmp_path: Path) -> None:
    absent = is_exclusive(tmp_path / "x")
    with exclusive_at_once(tmp_path / "x") as ours:
        held = is_exclusive(tmp_path / "x")
        still = is_exclusive(tmp_path / "x")

    assert (absent, ours, held, still) == (False, True, True, True)
    assert is_exclusive(tmp_path / "x") is False
    assert is_exclusive(tmp_path / "y") is False
    assert not (tmp_path / "y").exists()


def test_what_is_not_there_is_claimed_only_when_asked_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "x", create=False)


def test_a_file_that_was_renamed_away_does_not_stand_for_the_name(tmp_path: Path) -> None:
    first = claim(tmp_path / "x", create=True)
    (tmp_path / "x").rename(tmp_path / "y")
    second = claim(tmp_path / "x", create=True)

    assert first is not None
    assert second is not None
    assert not os.path.samestat(os.fstat(first), os.fstat(second))
    os.close(first)
    os.close(second)


@pytest.mark.parametrize("lay", [Path.symlink_to, Path.hardlink_to])
def test_a_link_is_taken_away_and_what_it_leads_to_is_left_alone(
    tmp_path: Path, lay: Callable[[Path, Path], None]
) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    precious.chmod(0o444)
    lay(tmp_path / "x", precious)

    claimed = claim(tmp_path / "x", create=True)

    assert claimed is not None
    os.write(claimed, b"other")
    os.close(claimed)
    assert precious.read_bytes() == b"precious"
    assert stat.S_IMODE(precious.stat().st_mode) == 0o444
    assert (tmp_path / "x").read_bytes() == b"other"


def test_a_link_is_nothing_to_claim_where_nothing_is_to_be_made(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(tmp_path / "nowhere")

    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "x", create=False)

    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_takes_no_file_is_not_said_to_be_missing(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(PermissionError):
        claim(tmp_path / "x", create=True)


def test_being_alone_is_answered_at_once(tmp_path: Path) -> None:
    with exclusive_at_once(tmp_path / "users") as alone:
        assert alone
    user = join(tmp_path / "users")
    with exclusive_at_once(tmp_path / "users") as alone:
        assert not alone
    os.close(user)


def test_who_waits_to_be_alone_is_not_kept_waiting_by_those_who_come_after(tmp_path: Path) -> None:
    """Shared holders whose times overlap would never let anybody in: flock lets each of them pass."""
    gate, over, inside = tmp_path / "gate", threading.Event(), threading.Barrier(5)

    def hold_again_and_again() -> None:
        inside.wait()
        while not over.is_set():
            with shared(gate):
                over.wait(0.01)

    holders = [threading.Thread(target=hold_again_and_again) for _ in range(4)]
    for holder in holders:
        holder.start()
    try:
        inside.wait()
        for _ in range(20):
            with exclusive(gate):
                pass
    finally:
        over.set()
        for holder in holders:
            holder.join()


def test_one_turn_at_a_time_and_cancelled_while_waiting(tmp_path: Path) -> None:
    cancel = Cancellation(pause=lambda *_: cancel.cancel())
    first, second = exclusive_in_turn(tmp_path / "turn", Cancellation()), exclusive_in_turn(tmp_path / "turn", cancel)
    with first, pytest.raises(Cancelled), second:
        raise AssertionError("two have it")
    with exclusive_in_turn(tmp_path / "turn", Cancellation()):
        pass
