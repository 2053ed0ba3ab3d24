"""What many ask at the same moment is looked up once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.services.environments.shared_looks import SharedLooks


def test_the_others_wait_for_the_first_one_who_looks() -> None:
    shared, looked = SharedLooks[str](4), list[int]()
    together = threading.Barrier(8)

    def look() -> str:
        looked.append(1)
        return "found"

    def ask() -> str:
        together.wait()
        return shared.get("image", look)

    with ThreadPoolExecutor(8) as pool:
        answers = [each.result() for each in [pool.submit(ask) for _ in range(8)]]

    assert answers == ["found"] * 8
    assert len(looked) == 1


def test_a_look_that_fails_is_made_again_by_the_next_one() -> None:
    shared = SharedLooks[str](4)

    with pytest.raises(ZeroDivisionError):
        shared.get("image", lambda: str(1 // 0))

    assert shared.get("image", lambda: "found") == "found"


def test_what_was_asked_long_ago_is_forgotten() -> None:
    shared = SharedLooks[int](2)
    for key in range(3):
        shared.get(key, lambda: 1)

    assert [shared.get(key, lambda: 2) for key in (1, 2, 0)] == [1, 1, 2]
