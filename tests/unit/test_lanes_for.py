from __future__ import annotations

import pytest

from lading.main.own_engine import LANES_IN_ALL, lanes_for


@pytest.mark.parametrize(
    ("wanted", "running", "given"),
    [(3, 0, 3), (3, 1, 3), (5, 1, 5), (3, LANES_IN_ALL // 3, 3), (3, LANES_IN_ALL // 2, 2), (3, 10 * LANES_IN_ALL, 1)],
)
def test_a_transfer_has_its_lanes_until_many_run_and_one_always(wanted: int, running: int, given: int) -> None:
    assert lanes_for(wanted, running) == given
