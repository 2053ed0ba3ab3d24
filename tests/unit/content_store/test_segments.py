"""Bytes that arrived in a row of objects: the longest unbroken row is what is kept, whoever else wrote beside it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lading.backends.content_store.objects.bucket import Entry
from lading.backends.content_store.objects.keys import segment
from lading.backends.content_store.objects.segments import row_of


def entry(start: int, size: int, writer: str = "a") -> Entry:
    return Entry(segment("uploads/one", start, writer), size, 0.0)


def test_nothing_is_a_row_of_none() -> None:
    assert row_of([Entry("uploads/one/begun", 0, 0.0)]) == ()


def test_what_comes_behind_a_gap_is_not_kept() -> None:
    assert row_of([entry(0, 5), entry(6, 5)]) == (entry(0, 5),)


def test_who_wrote_the_start_again_takes_nothing_from_his_successor() -> None:
    ours = (entry(0, 64, "b"), entry(64, 10, "b"))
    assert row_of([entry(0, 30, "frozen"), *ours]) == ours


def test_of_two_rows_the_longer_counts() -> None:
    assert row_of([entry(0, 5), entry(5, 5, "b"), entry(0, 9, "c")])[-1] == entry(5, 5, "b")
    assert row_of([entry(0, 5), entry(5, 5, "b"), entry(0, 11, "c")]) == (entry(0, 11, "c"),)


SIZES = st.integers(1, 40)


@given(st.lists(SIZES, min_size=1, max_size=8), st.lists(st.tuples(st.integers(0, 80), SIZES)))
def test_a_row_is_never_shorter_for_what_lies_beside_it(sizes: list[int], beside: list[tuple[int, int]]) -> None:
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    written = [entry(start, size) for start, size in zip(starts, sizes, strict=True)]
    others = [entry(start, size, f"other{n}") for n, (start, size) in enumerate(beside)]

    found = row_of([*others, *written])

    assert sum(each.size for each in found) >= sum(sizes)
    ends = [sum(each.size for each in found[: n + 1]) for n in range(len(found))]
    assert [each.key.rpartition("/")[2][:20] for each in found] == [f"{start:020d}" for start in [0, *ends[:-1]]]
