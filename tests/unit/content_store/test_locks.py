"""Locks on files that their holder may rename or remove."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lading.backends.content_store.locks import claim, exclusive_at_once, join


def test_a_claimed_file_is_nobody_elses(tmp_path: Path) -> None:
    mine = claim(tmp_path / "x", create=True)
    assert mine is not None
    assert claim(tmp_path / "x", create=True) is None

    os.close(mine)
    again = claim(tmp_path / "x", create=False)
    assert again is not None
    os.close(again)


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


def test_being_alone_is_answered_at_once(tmp_path: Path) -> None:
    with exclusive_at_once(tmp_path / "users") as alone:
        assert alone
    user = join(tmp_path / "users")
    with exclusive_at_once(tmp_path / "users") as alone:
        assert not alone
    os.close(user)
