"""The table of what a request may do to an upload session."""

from __future__ import annotations

import pytest

from lading.wire.upload_session import ChunkInvalid, ChunkOutOfOrder, check_chunk, range_of


@pytest.mark.parametrize(
    ("offset", "content_range", "length"),
    [
        (0, None, None),
        (7, None, 0),
        (0, "0-9", 10),
        (10, "10-19", 10),
        (10, "10-19", None),
        (10, "bytes 10-19/*", 10),
        (10, "bytes=10-19", 10),
        (10, " 10-19/20 ", 10),
    ],
)
def test_a_chunk_that_begins_at_the_offset_is_taken(offset: int, content_range: str | None, length: int | None) -> None:
    check_chunk(offset, content_range, length)


@pytest.mark.parametrize(("offset", "start"), [(0, 10), (10, 0), (10, 9), (10, 11)])
def test_a_chunk_out_of_order_is_told_where_to_go_on(offset: int, start: int) -> None:
    with pytest.raises(ChunkOutOfOrder) as refused:
        check_chunk(offset, f"{start}-{start + 4}", 5)

    assert (refused.value.offset, refused.value.start) == (offset, start)


@pytest.mark.parametrize(
    ("content_range", "length"),
    [("", None), ("0", None), ("0-", 5), ("-5", 5), ("5-0", None), ("0-4", 6), ("lines 0-4", 5), ("0-4x", 5)],
)
def test_what_is_no_range_or_does_not_fit_is_refused(content_range: str, length: int | None) -> None:
    with pytest.raises(ChunkInvalid):
        check_chunk(0, content_range, length)


@pytest.mark.parametrize(("offset", "text"), [(0, "0-0"), (1, "0-0"), (2, "0-1"), (1000, "0-999")])
def test_the_offset_is_told_as_a_range(offset: int, text: str) -> None:
    assert range_of(offset) == text
