"""Steps and layers: what is told of them, and what is left open."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Digest
from lading.services.environment_images import Step
from lading.services.environments.image_layers import Layer, counted_layers, told_layers

A, B, C = (Digest.of(word) for word in (b"a", b"b", b"c"))


def steps(*sizes: int) -> list[Step]:
    return [Step("", None, f"step {place}", size) for place, size in enumerate(sizes)]


def test_where_steps_say_so_each_has_its_layer() -> None:
    history = [
        Step(str(A), 1.0, "ADD", 10, empty=False),
        Step("", 2.0, "ENV", 0, "why", empty=True),
        Step(str(A), 3.0, "COPY", 10, empty=False),
    ]

    told = told_layers(history, [B, C])

    assert told.rows == (
        Layer("ADD", 1.0, "", A, B, 10, empty=False),
        Layer("ENV", 2.0, "why", None, None, 0, empty=True),
        Layer("COPY", 3.0, "", A, C, 10, empty=False),
    )
    assert told.total == 10  # the same layer twice takes its place once


@pytest.mark.parametrize(
    ("sizes", "layers", "placed", "empty"),
    [
        ((5, 0, 7), (A, B), [A, None, B], [False, True, False]),
        ((5, 0, 7), (A, B, C), [A, B, C], [False, False, False]),
        ((5, 0, 0, 7), (A, B, C), [A, None, None, C], [False, None, None, False]),
        ((0, 5, 0), (A, B), [None, None, None], [None, False, None]),
        ((5, 7), (A,), [None, None], [False, False]),  # what a host says does not fit
        ((5,), (), [None], [False]),
        ((), (A,), [], []),
    ],
)
def test_what_the_numbers_leave_open_is_not_guessed(
    sizes: tuple[int, ...], layers: tuple[Digest, ...], placed: list[Digest | None], empty: list[bool | None]
) -> None:
    found = counted_layers(steps(*sizes), layers)

    rows = found.rows[: len(sizes)]
    assert ([row.diff_id for row in rows], [row.empty for row in rows]) == (placed, empty)
    assert {row.diff_id for row in found.rows if row.diff_id} == set(layers)
    assert all((row.size, row.step) == (None, "") for row in found.rows[len(sizes) :])
    assert found.total == (sum(sizes) if sizes else None)


@given(st.lists(st.integers(0, 2), max_size=8), st.integers(0, 8))
def test_a_layer_is_placed_exactly_where_every_possible_history_agrees(sizes: list[int], count: int) -> None:
    layers = [Digest.of(bytes([number])) for number in range(count)]
    sized = {place for place, size in enumerate(sizes) if size}
    possible = [set(chosen) for chosen in combinations(range(len(sizes)), count) if sized <= set(chosen)]

    rows = counted_layers(steps(*sizes), layers).rows[: len(sizes)]

    for place, row in enumerate(rows):
        if place not in sized and len(possible) > 1:
            continue  # whether there is a layer at all is open
        layered = {layers[sorted(chosen).index(place)] if place in chosen else None for chosen in possible}
        assert row.diff_id == (layered.pop() if len(layered) == 1 else None)
