"""The sum that carries figures further gives back what it was made from, and what lies between."""

from __future__ import annotations

import pytest

from benchmarks.capacity_model import CHECK, LARGE, MANY, QUANTITIES, SMALL, Load, Model, Shape, carried, fitted, told

TRUE = Model(itself=7, layer=3, mib=0.5)


@pytest.mark.parametrize("shape", [SMALL, MANY, LARGE, CHECK, Shape(30, 1 << 20)], ids=str)
def test_what_is_a_sum_is_found_again(shape: Shape) -> None:
    model = fitted(*(TRUE.of(each) for each in (SMALL, MANY, LARGE)))

    assert model.of(shape) == pytest.approx(TRUE.of(shape))


def test_nothing_takes_less_than_nothing() -> None:
    model = fitted(small=5, many=4, large=3)

    assert (model.layer, model.mib) == (0, 0)
    assert model.of(CHECK) == 5


def test_a_table_tells_how_far_the_model_is_from_what_was_measured() -> None:
    found = {shape: dict.fromkeys(QUANTITIES, TRUE.of(shape)) for shape in (SMALL, MANY, LARGE)}
    found[CHECK] = dict.fromkeys(QUANTITIES, TRUE.of(CHECK) * 2)

    lines = told("A push", found)

    assert "| commits | 7.00 | 3.00 | 0.50 | 32.0 | 64.0 | 0.50 |" in lines


def test_a_day_is_carried_to_a_second_of_its_busiest_hour() -> None:
    always = {shape: dict.fromkeys(QUANTITIES, 2.0) for shape in (SMALL, MANY, LARGE, CHECK)}
    load = Load(pushes=86_400, pulls=0, jobs=43_200, peak=4)

    lines = carried(load, {"push": always, "pull": always, "job": always})

    assert "| commits | 8.00 | 0.00 | 4.00 | 12.0 |" in lines
