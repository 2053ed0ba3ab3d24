"""Pictures of figures: whole XML, scales that begin at nothing, and inks for light and for dark paper."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.drawing import BOTTOM, HEIGHT, TOP, Panel, ceiling, drawn

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("most", "end"), [(0.13, 0.2), (1, 1), (3.1, 4), (9, 10), (61, 80), (1234, 2000)])
def test_a_scale_ends_at_the_next_round_number(most: float, end: float) -> None:
    assert ceiling(most) == end


def test_a_line_stands_as_high_as_its_value_is_of_the_scale() -> None:
    picture = drawn("figures", ["one", "two"], [Panel("a & b", {"ours": [0.0, 5.0], "theirs": [10.0, None]})])

    lines = [each.get("points", "") for each in ElementTree.fromstring(picture).iter(f"{SVG}polyline")]
    heights = [[float(point.split(",")[1]) for point in line.split()] for line in lines]

    top, bottom = float(TOP), float(HEIGHT - BOTTOM)
    assert heights == [[bottom, (top + bottom) / 2], [top]]


def test_a_picture_says_whose_each_line_is_and_has_inks_for_dark_paper() -> None:
    picture = drawn("figures", ["one"], [Panel("a & b", {"ours": [1.0]}), Panel("c", {"theirs": [2.0]})])

    said = [each.text for each in ElementTree.fromstring(picture).iter(f"{SVG}text")]
    assert {"ours", "theirs", "a & b", "c", "one"} <= set(said)
    assert "prefers-color-scheme: dark" in picture
