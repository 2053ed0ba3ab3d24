"""Docker's progress bar, character by character."""

from __future__ import annotations

import pytest

from lading.wire.docker_progress import progress_text, short_id, size_text
from lading.wire.docker_words import retrying_text


@pytest.mark.parametrize(
    ("current", "total", "text"),
    [
        (0, None, ""),
        (0, 0, ""),
        (1234, None, " 1.234kB"),
        (0, 100, f"[>{' ' * 50}]       0B/100B"),
        (1, 100, f"[>{' ' * 50}]       1B/100B"),
        (12_345_678, 45_600_000, f"[{'=' * 13}>{' ' * 37}]  12.35MB/45.6MB"),
        (1_048_576, 10_485_760, f"[{'=' * 5}>{' ' * 45}]  1.049MB/10.49MB"),
        (100, 100, f"[{'=' * 50}>]     100B/100B"),
        (200, 100, f"[{'=' * 50}>]     200B"),
    ],
)
def test_a_bar_has_fifty_cells_and_four_digits(current: int, total: int | None, text: str) -> None:
    assert progress_text(current, total) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (1000, "1kB"), (1024, "1.024kB"), (10**12, "1TB"), (10**30, "1e+06YB")],
)
def test_sizes_are_decimal(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "Retrying"),
        (0.0, "Retrying in 1 second"),
        (1, "Retrying in 1 second"),
        (1.01, "Retrying in 2 seconds"),
        (5, "Retrying in 5 seconds"),
    ],
)
def test_the_next_attempt_is_told_in_whole_seconds(seconds: float | None, text: str) -> None:
    assert retrying_text(seconds) == text


@pytest.mark.parametrize(
    ("piece", "text"), [("sha256:0123456789abcdef", "0123456789ab"), ("5f70bf18a086", "5f70bf18a086"), ("", "")]
)
def test_a_layer_is_named_by_twelve_characters(piece: str, text: str) -> None:
    assert short_id(piece) == text
