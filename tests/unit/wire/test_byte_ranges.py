"""Which part of some content a Range field asks for."""

from __future__ import annotations

import pytest

from lading.wire.byte_ranges import RangeUnsatisfiable, part_of


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 3)),
        ("bytes=2-", (2, 8)),
        ("bytes=-3", (7, 3)),
        ("bytes=-30", (0, 10)),
        ("bytes=9-500", (9, 1)),
        ("Bytes= 2-4 ", (2, 3)),
        (None, None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=-", None),
        ("nonsense", None),
    ],
)
def test_a_range_is_cut_to_the_content(text: str | None, part: tuple[int, int] | None) -> None:
    assert part_of(10, text) == part


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-20", "bytes=5-4", "bytes=-0"])
def test_a_range_without_a_byte_is_refused(text: str) -> None:
    with pytest.raises(RangeUnsatisfiable) as refused:
        part_of(10, text)

    assert refused.value.size == 10


def test_nothing_has_no_part() -> None:
    with pytest.raises(RangeUnsatisfiable):
        part_of(0, "bytes=0-")
    assert part_of(0, None) is None
