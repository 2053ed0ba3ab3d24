"""Three replicas against one: what counts as more, and what is so little that it says nothing."""

from __future__ import annotations

import pytest

from benchmarks.scale.cost import FEW, LEAST, MANY, ratio


@pytest.mark.parametrize(
    ("few", "many", "times"),
    [
        (10.0, 12.0, 1.2),
        (10.0, 8.0, 0.8),
        (0.1, 0.3, 1.0),  # both are next to nothing
        (-0.1, 0.0, 1.0),  # less than what is taken while nobody asks
        (0.0, 10 * LEAST, 10.0),  # one of them is not
    ],
)
def test_a_ratio_is_that_of_what_is_more_than_next_to_nothing(few: float, many: float, times: float) -> None:
    assert ratio({FEW: {"commits": few}, MANY: {"commits": many}}, "commits") == pytest.approx(times)
