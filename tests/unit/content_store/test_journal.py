"""Ranges and the journal: what may be trusted after a kill, and what after a reboot."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.content_store.journal import Journal, Ranges, parse

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1])), max_size=12)


def joined(spans: list[tuple[int, int]]) -> Ranges:
    ranges = Ranges()
    for start, end in spans:
        ranges = ranges.joined(start, end)
    return ranges


@given(SPANS)
def test_ranges_are_the_bytes_that_were_joined(spans: list[tuple[int, int]]) -> None:
    ranges = joined(spans)

    held = {byte for start, end in spans for byte in range(start, end)}
    assert {byte for start, end in ranges.spans for byte in range(start, end)} == held
    assert ranges.total == len(held)


@given(SPANS)
def test_spans_are_in_order_and_never_touch(spans: list[tuple[int, int]]) -> None:
    bounds = [bound for span in joined(spans).spans for bound in span]

    assert bounds == sorted(set(bounds))


@given(SPANS)
def test_gaps_are_what_is_not_held(spans: list[tuple[int, int]]) -> None:
    ranges = joined(spans)
    gaps = joined(list(ranges.gaps(100)))

    assert gaps.total + ranges.total == 100
    assert gaps.gaps(100) == ranges.spans


@pytest.mark.parametrize(
    ("spans", "prefix"), [([], 0), ([(5, 10)], 0), ([(0, 10)], 10), ([(0, 10), (10, 12)], 12), ([(0, 3), (5, 9)], 3)]
)
def test_the_prefix_is_what_is_there_without_a_gap(spans: list[tuple[int, int]], prefix: int) -> None:
    assert joined(spans).prefix == prefix


ALL = "boot A\n0 10\n10 20\nsynced 0 10\n40 50\n"


@pytest.mark.parametrize(
    ("case", "text", "boot", "synced", "written"),
    [
        ("the same boot trusts every line", ALL, "A", [(0, 10)], [(0, 20), (40, 50)]),
        ("another boot trusts what was synced", ALL, "B", [(0, 10)], [(0, 10)]),
        ("an unknown boot trusts what was synced", ALL, None, [(0, 10)], [(0, 10)]),
        ("a line without its end is no line", ALL + "60 7", "A", [(0, 10)], [(0, 20), (40, 50)]),
        ("nothing after nonsense counts", "boot A\n0 10\n\x00\x00\n20 30\n", "A", [], [(0, 10)]),
        ("bytes past the end are nonsense", "boot A\n90 101\n", "A", [], []),
        ("an empty span is nonsense", "boot A\n9 9\n", "A", [], []),
        ("a negative one too", "boot A\n-1 9\n", "A", [], []),
        ("an empty journal says nothing", "", "A", [], []),
        ("nor does one that is all one torn line", "boot", "A", [], []),
    ],
)
def test_a_journal_proves(
    case: str, text: str, boot: str | None, synced: list[tuple[int, int]], written: list[tuple[int, int]]
) -> None:
    assert parse(text, boot, 100) == (joined(synced), joined(written)), case


def test_another_process_reads_what_was_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x.ranges", "A")
    journal.record(0, 10)
    journal.record(20, 30)
    journal.close()

    assert Journal(tmp_path / "x.ranges", "A").read(100) == joined([(0, 10), (20, 30)])


def test_a_reboot_loses_what_was_not_synced_for_good(tmp_path: Path) -> None:
    path = tmp_path / "x.ranges"
    journal = Journal(path, "A")
    journal.record(0, 10)
    journal.synced(joined([(0, 10)]))
    journal.record(10, 20)
    journal.close()

    assert Journal(path, "B").read(100) == joined([(0, 10)])
    assert Journal(path, "A").read(100) == joined([(0, 10)])


def test_recording_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "x.ranges"
    path.write_text("boot A\n0 10\n10 2")
    journal = Journal(path, "A")
    journal.read(100)
    journal.record(50, 60)
    journal.close()

    assert Journal(path, "A").read(100) == joined([(0, 10), (50, 60)])


def test_a_removed_journal_proves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x.ranges", "A")
    journal.record(0, 10)
    journal.remove()
    journal.remove()

    assert journal.read(100) == Ranges()
