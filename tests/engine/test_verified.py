"""Bytes checked as they pass: the last buffer is withheld until all were right."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.engine.verified import SPACING, ContentChanged, VerifiedContent
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.wire.message import BytesReader, Reader


@dataclass
class Given:
    """Content that says `size`, gives `bytes_given`, and remembers where it was opened."""

    bytes_given: bytes
    size: int
    opened: list[tuple[int, int | None]] = field(default_factory=list)

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        self.opened.append((offset, length))
        end = None if length is None else offset + length
        return BytesReader(memoryview(self.bytes_given)[offset:end])


def read(reader: Reader, most: int, buffer: int = 7) -> bytes:
    """Until `most` bytes came or the end."""
    taken = bytearray()
    while len(taken) < most:
        room = memoryview(bytearray(min(buffer, most - len(taken))))
        count = reader.readinto(room)
        if count == 0:
            break
        taken += room[:count]
    return bytes(taken)


@given(st.binary(max_size=60), st.integers(1, 70))
def test_right_bytes_pass_unchanged(content: bytes, buffer: int) -> None:
    verified = VerifiedContent(Given(content, len(content)), Digest.of(content))

    assert read(verified.open(), 1000, buffer) == content


@pytest.mark.parametrize(
    ("given_bytes", "error"),
    [
        (b"right bytes, wronG", DigestMismatch),
        (b"right bytes, wrong and more", ContentTooLong),
        (b"right bytes, wr", ContentTooShort),
        (b"", ContentTooShort),
    ],
)
@pytest.mark.parametrize("buffer", [1, 4, 18, 100])
def test_wrong_bytes_are_never_all_handed_out(given_bytes: bytes, error: type[Exception], buffer: int) -> None:
    right = b"right bytes, wrong"
    reader = VerifiedContent(Given(given_bytes, len(right)), Digest.of(right)).open()
    handed_out = 0

    with pytest.raises(error):  # noqa: PT012 - what was handed out before counts
        while count := reader.readinto(memoryview(bytearray(buffer))):
            handed_out += count

    assert handed_out < len(right)


def test_empty_content_must_be_empty() -> None:
    assert read(VerifiedContent(Given(b"", 0), Digest.of(b"")).open(), 10) == b""
    with pytest.raises(ContentTooLong):
        read(VerifiedContent(Given(b"x", 0), Digest.of(b"")).open(), 10)


def test_going_on_feeds_the_check_from_the_last_point_before() -> None:
    content = bytes(range(256)) * (3 * SPACING // 256)
    given_content = Given(content, len(content))
    verified = VerifiedContent(given_content, Digest.of(content))
    read(verified.open(), 2 * SPACING + 100, 100_000)

    rest = read(verified.open(SPACING * 2 + 50), len(content), 100_000)

    assert rest == content[SPACING * 2 + 50 :]
    start, _ = given_content.opened[-1]
    assert SPACING < start <= SPACING * 2 + 50


def test_a_lie_before_the_offset_is_found_after_it() -> None:
    content = b"0123456789"
    verified = VerifiedContent(Given(b"x123456789", 10), Digest.of(content))

    with pytest.raises(DigestMismatch):
        read(verified.open(5), 10)


@given(st.binary(min_size=1, max_size=80), st.data())
def test_closed_ranges_one_after_another_are_one_check(content: bytes, data: st.DataObject) -> None:
    given_content = Given(content, len(content))
    verified = VerifiedContent(given_content, Digest.of(content))
    together = b""
    while len(together) < len(content):
        length = data.draw(st.integers(1, len(content) - len(together)))
        together += read(verified.open(len(together), length), length, 3)

    assert together == content
    assert [offset for offset, _ in given_content.opened] == sorted({offset for offset, _ in given_content.opened})


def test_a_fork_goes_on_by_itself() -> None:
    content = bytes(2 * SPACING + 10)
    verified = VerifiedContent(Given(content, len(content)), Digest.of(content))
    reader = verified.open()
    read(reader, SPACING + 5, 100_000)
    alone = verified.forked()

    assert len(read(alone.open(SPACING), len(content), 100_000)) == SPACING + 10
    assert len(read(reader, len(content), 100_000)) == SPACING + 5


def test_a_source_that_gives_other_bytes_the_second_time_is_found() -> None:
    content = b"0123456789"
    source = Given(b"x123456789", 10)
    verified = VerifiedContent(source, Digest.of(content))
    assert read(verified.open(), 6) == b"x12345"
    source.bytes_given = content

    with pytest.raises(ContentChanged):
        read(verified.open(4), 10)


Step = tuple[int, int, int]
STEPS = st.lists(st.tuples(st.integers(-19, 19), st.integers(0, 19), st.integers(1, 20)), max_size=8)


@given(STEPS)
def test_whatever_is_opened_in_whatever_order_what_was_handed_out_is_the_content_or_an_error(steps: list[Step]) -> None:
    content = b"all the right bytes!"
    source = Given(content, len(content))
    verified = VerifiedContent(source, Digest.of(content))
    held = b""
    for wrong, offset, length in [*steps, (-1, 20, 20)]:
        source.bytes_given = content if wrong < 0 else content[:wrong] + b"?" + content[wrong + 1 :]
        held = held[:offset]
        try:
            held += read(verified.open(len(held)), length, 3)
        except (DigestMismatch, ContentChanged):
            return

    assert held == content
